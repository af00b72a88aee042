"""The second graph of a detector: what `decode` says, loaded by plain Keras, suppression exact for any chain."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.course.submissions.architecture import measure
from cnnkit.course.submissions.assignment import Limits
from cnnkit.errors import BundleError, InputError
from cnnkit.export.decoding import best_boxes_in_graph, with_decoding
from cnnkit.heads.cells import cells_of
from cnnkit.heads.detection import best_boxes
from cnnkit.transfer.network import Network

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIZE = (64, 96)
NAMES = ("cat", "dog", "hen")
PICTURES = np.random.default_rng(0).uniform(0, 255, (3, *SIZE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def detector() -> Network:
    """Untrained, but for predictions that differ from cell to cell."""
    body = ck.backbone("nano", weights=None, input_shape=(*SIZE, 3), seed=1)
    net = ck.attach(body, ck.heads.fcos(NAMES, width=8, most=20))
    chance = np.random.default_rng(2)
    for name, spread in (("classes_of_cells", 2.0), ("boxes_of_cells", 0.5)):
        kernel, bias = net.model.get_layer(name).get_weights()
        net.model.get_layer(name).set_weights([chance.normal(0, spread, kernel.shape), bias])
    return net


def test_a_fresh_process_of_plain_keras_gives_the_boxes_of_decode(detector: Network, tmp_path: Path) -> None:
    model = with_decoding(detector, tmp_path / "out")
    np.save(tmp_path / "x.npy", PICTURES)
    code = """
import sys, keras, numpy as np
model = keras.models.model_from_json(open("out/model.json").read())
model.load_weights("out/model.weights.h5")
np.savez("y.npz", *model.predict(np.load("x.npy"), verbose=0))
assert not [name for name in sys.modules if name.startswith("cnnkit")]
"""
    subprocess.run([sys.executable, "-P", "-c", code], check=True, cwd=tmp_path, capture_output=True)
    told = list(np.load(tmp_path / "y.npz").values())
    for one, other in zip(told, model.predict(PICTURES, verbose=0), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (tmp_path / "out" / "classes.txt").read_text() == "cat\ndog\nhen\n"
    boxes, labels, scores = told
    assert (boxes.shape, labels.shape, scores.shape) == ((3, 20, 4), (3, 20), (3, 20))
    expected = detector.head.decode(detector.model.predict(PICTURES, verbose=0), SIZE)
    assert len(expected.boxes) == 60
    np.testing.assert_array_equal(labels.ravel(), expected.labels)
    # float32 in the graph, float64 in NumPy; in pixels.
    np.testing.assert_allclose(boxes.reshape(-1, 4), expected.boxes, atol=2e-3)
    np.testing.assert_allclose(scores.ravel(), expected.scores, atol=1e-6)


def test_places_of_cells_are_counted() -> None:
    like = keras.Input((252, 4))
    taps, size = ("P3", "P4", "P5"), (96, 128)
    model = keras.Model(like, ck.heads.cell_places(like, taps, size))
    centres, strides = model(np.zeros((1, 252, 4), np.float32))
    cells = cells_of(taps, size)
    np.testing.assert_array_equal(centres[0], cells.centres)
    np.testing.assert_array_equal(strides[0, :, 0], cells.strides)


def suppression(candidates: int, classes: int, *, iou: float, most: int) -> keras.Model:
    corners, scores = keras.Input((candidates, 4)), keras.Input((candidates, classes))
    model = keras.Model([corners, scores], best_boxes_in_graph(corners, scores, SIZE, iou=iou, most=most))
    return keras.models.model_from_json(model.to_json())  # Keras walks the graph again


def chain(count: int) -> np.ndarray:
    """Each box overlaps the next by 7 / 13, the next but one by 4 / 16: every second one stays, as the first does."""
    left = 0.25 * np.arange(count)
    return np.stack([left, np.zeros(count), left + 10 / 12, np.full(count, 10.0)], axis=1)


@pytest.mark.parametrize("count", [2, 7, 300])
def test_the_longest_chain_needs_as_many_rounds_as_boxes(count: int) -> None:
    corners = chain(count)[None].astype(np.float32)
    scores = np.linspace(0.9, 0.1, count, dtype=np.float32)[None, :, None]
    model = suppression(count, 1, iou=0.5, most=count)
    boxes, labels, values = (np.asarray(part)[0] for part in model([corners, scores]))
    kept = -(-count // 2)
    np.testing.assert_array_equal(values, np.append(scores[0, ::2, 0], np.zeros(count - kept)))
    np.testing.assert_array_equal(boxes, np.append(corners[0, ::2], np.zeros((count - kept, 4)), axis=0))
    assert labels.tolist() == [0] * kept + [-1] * (count - kept)


@pytest.mark.parametrize(("side", "classes"), [(4, 3), (30, 1), (12, 8)])
def test_clusters_are_suppressed_as_in_numpy(side: float, classes: int) -> None:
    """Coordinates are sixteenths, so that both compute the same areas; beyond the picture they are clipped."""
    chance = np.random.default_rng(int(side))
    low = np.round(chance.uniform(-8, 90, (2, 400, 2)) * 16) / 16
    corners = np.concatenate([low, low + np.round(chance.uniform(1, side, low.shape) * 16) / 16], axis=2)
    corners[:, 200:] = np.round(corners[:, :200] * 2) / 2  # near the others
    scores = (chance.permutation(2 * 400 * classes).reshape(2, 400, classes) / 1e4).astype(np.float32)
    scores[1, 5:] = 0  # fewer boxes than are asked for
    boxes, labels, values = map(np.asarray, suppression(400, classes, iou=0.5, most=100)([corners, scores]))
    expected = best_boxes(tuple(map(str, range(classes))), corners, scores, SIZE, iou=0.5, most=100)
    for index in range(2):
        span = expected.span(index)
        count = span.stop - span.start
        np.testing.assert_allclose(boxes[index, :count], expected.boxes[span], atol=1e-3)
        np.testing.assert_array_equal(labels[index], np.append(expected.labels[span], np.full(100 - count, -1)))
        np.testing.assert_array_equal(values[index, :count], expected.scores[span])
        assert not values[index, count:].any()
        assert not boxes[index, count:].any()


def test_the_gate_of_submissions_knows_its_operations(detector: Network) -> None:
    model = with_decoding(detector)
    found = measure(model.to_json().encode(), Limits())
    assert found.outputs == tuple(model.output_shape)
    assert found.parameters == model.count_params()


def test_what_cannot_be_decoded_is_refused(detector: Network, tmp_path: Path) -> None:
    body = ck.backbone("nano", weights=None, input_shape=(*SIZE, 3))
    with pytest.raises(InputError, match=r"Classifier.*fcos"):
        with_decoding(ck.attach(body, ck.heads.classifier(NAMES)))
    with pytest.raises(InputError, match="network"):
        with_decoding(detector.model)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BundleError, match=r"mine\.txt"):
        with_decoding(detector, tmp_path)
