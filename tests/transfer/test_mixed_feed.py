"""Training on blended pictures: targets and weights are blended alike, one seed fixes it, nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from cnnkit.data.views.augmentation import Augmentation
from cnnkit.data.views.chain import Chain
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.mixing import CutMix, MixUp
from cnnkit.data.views.random_erasing import RandomErasing
from cnnkit.errors import InputError
from cnnkit.heads.classification import classifier
from cnnkit.transfer import plans
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.fitting import fit
from tests.transfer.worlds import SIZE


@dataclass(frozen=True)
class Halves:
    """Each picture and the next of the batch, half and half."""

    def apply(self, images: Any, targets: Any, generator: np.random.Generator) -> Any:
        return images / 2 + np.roll(images, 1, axis=0) / 2, targets / 2 + np.roll(targets, 1, axis=0) / 2


def test_pictures_targets_and_weights_are_blended_alike(colours) -> None:
    feed = Feed(
        source=colours.train,
        head=classifier(["grey", "red"], class_weight=(1.0, 3.0)),
        framing=Framing(),
        size=(SIZE, SIZE),
        batch_size=15,
        forward=None,
        weighted=True,
        mix=Halves(),
    )
    batches = list(feed.epoch(0))
    assert [len(batch) for batch in batches] == [15, 15, 10]
    labels = colours.train.labels[:15]
    pictures = np.stack([colours.train.image(index) for index in range(15)]).astype(float)
    assert batches[0].inputs[0] == pytest.approx((pictures + np.roll(pictures, 1, axis=0)) / 2)
    assert batches[0].targets[:, 0] == pytest.approx((labels + np.roll(labels, 1)) / 2)
    weights = np.array([1.0, 3.0])[labels]
    assert batches[0].weights == pytest.approx((weights + np.roll(weights, 1)) / 2)


@pytest.mark.parametrize("mix", [MixUp(), CutMix()], ids=lambda mix: type(mix).__name__)
def test_one_seed_fixes_the_training_and_mixing_changes_it(make, colours, mix) -> None:
    runs = []
    for chosen in (mix, mix, None):
        network = make()
        augment = Chain((Augmentation(rotation=20), RandomErasing()))
        fit(
            network,
            colours,
            plans.probe(epochs=2),
            augment=augment,
            mix=chosen,
            batch_size=16,
            seed=5,
            progress=False,
        )
        runs.append([np.array(array) for array in network.model.get_weights()])
    assert all((one == other).all() for one, other in zip(runs[0], runs[1], strict=True))
    assert any((one != other).any() for one, other in zip(runs[0], runs[2], strict=True))


def test_an_exact_solution_of_blended_pictures_is_refused(make, colours) -> None:
    with pytest.raises(InputError, match="solver='steps'"):
        fit(make(), colours, plans.probe(solver="lbfgs"), mix=MixUp(), progress=False)
