"""A head's loss is what training lowers and what evaluation reports; the exact head takes what is convex."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.export.bundle import load, save
from cnnkit.transfer import plans
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.inference import evaluate, predict
from cnnkit.transfer.plan import Phase, Plan


@pytest.mark.parametrize("loss", ["focal", "class_balanced_focal"])
def test_training_lowers_the_loss_of_its_name(make, colours, loss: str, tmp_path) -> None:
    network = make(loss=loss, gamma=3.0)
    before = evaluate(network, colours.validation)["loss"]
    run = fit(network, colours, Plan([Phase("head", epochs=4, rate=3e-2)]), progress=False)
    again = load(save(network, tmp_path / "bundle"))
    assert again.head == network.head
    p = predict(again, colours.validation)["red"].to_numpy(np.float64)
    of_truth = np.where(np.asarray(colours.validation.labels) == 1, p, 1 - p)
    by_hand = float((-((1 - of_truth) ** 3) * np.log(of_truth)).mean())  # Lin et al., equation 4
    assert evaluate(again, colours.validation)["loss"] == pytest.approx(by_hand, rel=1e-4)
    assert run.history["val_loss"].iloc[-1] == pytest.approx(by_hand, rel=1e-3)
    assert by_hand < before


def test_the_exact_head_takes_class_balanced_weights(make, colours) -> None:
    """Of two classes of the same size they are 1: the optimum is that of plain cross-entropy."""
    solved = []
    for loss in ("cross_entropy", "class_balanced"):
        network = make(loss=loss)
        fit(network, colours, plans.probe(solver="lbfgs"), progress=False)
        solved.append(network.model.layers[-1].kernel.numpy())
    np.testing.assert_allclose(solved[0], solved[1], rtol=1e-3, atol=1e-5)
