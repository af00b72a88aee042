"""Classes added to a network: what it says of the old ones stays."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError
from tests.transfer.worlds import pictures

IMAGES = pictures(6, 3)[0]


def probabilities(network: ck.Network) -> np.ndarray:
    return ck.predict(network, IMAGES).drop(columns=["id", "label"]).to_numpy(np.float64)


@pytest.mark.parametrize(
    "head",
    [
        {},
        {"hidden": (5,), "threshold": 0.7},
        {"classes": ["a", "b", "c"]},
        {"classes": ["a", "b", "c"], "class_weight": (1.0, 2, 3)},
        {"classes": ["a", "b"], "multi_label": True, "threshold": (0.3, 0.6)},
    ],
)
def test_the_old_classes_keep_their_ratios(make, head) -> None:
    network = make() if not head else ck.attach(make().backbone, ck.heads.classifier(**{"classes": ["a", "b"]} | head))
    before = probabilities(network)
    wider = ck.add_classes(network, ["hamster", "mouse"])
    after = probabilities(wider)
    old = len(network.classes)
    assert wider.classes == (*network.classes, "hamster", "mouse")
    assert after.shape == (6, old + 2)
    kept = after[:, :old] if network.head.multi_label else after[:, :old] / after[:, :old].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(kept, before, rtol=2e-4)
    assert wider.framing == network.framing
    assert wider.model.get_layer("stem_conv") is network.model.get_layer("stem_conv")


def test_it_can_be_trained_and_saved(make, tmp_path) -> None:
    wider = ck.add_classes(make(), ["green"])
    images, labels = pictures(12, 0)
    photos = ck.data.arrays(images, labels + np.arange(12) % 2 * (labels == 1), classes=wider.classes)
    ck.fit(wider, photos, ck.Plan([ck.Phase("head", epochs=1)]), progress=False)
    ck.save(wider, tmp_path / "wider")
    np.testing.assert_array_equal(probabilities(ck.load(tmp_path / "wider")), probabilities(wider))


@pytest.mark.parametrize("names", ["cat", [], [1], None, 2])
def test_no_names(make, names) -> None:
    with pytest.raises(InputError, match="list of names"):
        ck.add_classes(make(), names)


def test_a_name_that_is_there(make) -> None:
    with pytest.raises(InputError, match="different names"):
        ck.add_classes(make(), ["grey"])


def test_a_head_of_ones_own_and_no_network(make) -> None:
    class Own:
        """All that a head offers, by another class."""

        def __init__(self, head):
            self.head = head

        def __getattr__(self, name):
            return getattr(self.head, name)

    with pytest.raises(InputError, match=r"a head of ck\.heads\.classifier\. Received: one with Own"):
        ck.add_classes(ck.attach(make().backbone, Own(ck.heads.classifier(["a", "b"]))), ["c"])
    with pytest.raises(InputError, match=r"ck\.load\('runs/pets'\)"):
        ck.add_classes("runs/pets", ["c"])
