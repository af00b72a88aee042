"""Every detector of one stage on backbones of different graph shape, with random weights and small pictures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.heads.table import DETECTORS

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIDE = 64
HEADS: dict[str, Callable[..., ck.heads.Detector]] = {
    "fcos": ck.heads.fcos,
    "yolo_v1": ck.heads.yolo_v1,
    "yolo_v2": ck.heads.yolo_v2,
    "ssd": ck.heads.ssd,
    "retinanet": ck.heads.retinanet,
    "centernet": ck.heads.centernet,
}
DEAR = ("vgg16", "resnet50", "mobilenet_v2", "efficientnet_b0", "densenet121")

PLAIN_KERAS = """
import sys, keras, numpy
folder, *names = sys.argv[1:]
pictures = numpy.load(folder + "/pictures.npy")
for name in names:
    with open(f"{folder}/{name}/model.json") as file:
        model = keras.models.model_from_json(file.read())
    model.load_weights(f"{folder}/{name}/model.weights.h5")
    outputs = model.predict(pictures, verbose=0)
    numpy.savez(f"{folder}/{name}.npz", **(outputs if isinstance(outputs, dict) else {"output": outputs}))
assert "cnnkit" not in sys.modules
"""


@cache
def photos() -> ck.data.Dataset:
    """Two scenes to train on; one of them may show nothing."""
    drawn = ck.data.scenes(6, seed=3, size=SIDE, target="boxes").train.take([0, 1])
    truth = Boxes.of_lists(("a", "b"), [[[4, 4, 40, 30], [30, 20, 60, 62]], []], [[0, 1], []])
    source = ck.data.Source(drawn.ids, truth, drawn.reader, drawn.positions)
    return ck.data.Dataset(truth.names, source, ck.data.Source.empty(truth), ck.data.Source.empty(truth))


def trained(backbone: str, head: str, weights: str | None = None) -> ck.Network:
    """After one step of the head."""
    body = ck.backbone(backbone, weights=weights, input_shape=(SIDE, SIDE, 3))
    net = ck.attach(body, HEADS[head](("a", "b"), width=8))
    run = ck.fit(net, photos(), ck.Plan([ck.Phase("head", epochs=1)]), cache="none", progress=False)
    assert np.isfinite(run.history["loss"]).all()
    return net


def boxes_of(net: ck.Network) -> Boxes:
    pictures = np.stack([photos().train.image(index) for index in range(2)]).astype(np.float32)
    return net.head.decode(net.model.predict(pictures, verbose=0), (SIDE, SIDE))


def test_every_detector_has_a_row() -> None:
    assert set(HEADS) == {detector.kind for detector in DETECTORS}


@pytest.mark.parametrize("head", HEADS)
def test_nano_carries_it(head: str) -> None:
    found = boxes_of(trained("nano", head))
    assert len(found) == 2
    assert found.scores is not None
    assert ((found.boxes >= 0) & (found.boxes <= SIDE)).all()


@pytest.mark.slow
@pytest.mark.parametrize("backbone", DEAR)
def test_it_is_trained_decoded_saved_and_loaded_by_plain_keras(backbone: str, tmp_path: Path) -> None:
    pictures = np.stack([photos().train.image(index) for index in range(2)]).astype(np.float32)
    np.save(tmp_path / "pictures.npy", pictures)
    expected = {}
    for head in HEADS:
        net = trained(backbone, head)
        assert len(boxes_of(net)) == 2
        ck.save(net, tmp_path / head)
        outputs = net.model.predict(pictures, verbose=0)
        expected[head] = outputs if isinstance(outputs, dict) else {"output": outputs}
        assert ck.load(tmp_path / head).head == net.head
    command = [sys.executable, "-c", PLAIN_KERAS, str(tmp_path), *HEADS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for head, outputs in expected.items():
        with np.load(tmp_path / f"{head}.npz") as arrays:
            for name, values in outputs.items():
                np.testing.assert_array_equal(arrays[name], values, err_msg=f"{head} {name}")
