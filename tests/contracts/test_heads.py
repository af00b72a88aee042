"""What every head keeps: a new head is a row of `ROWS` and brings no test code.

The pictures are four drawn scenes; the backbone is five convolutions, one for each level of a pyramid.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.course.submissions.architecture import measure
from cnnkit.course.submissions.assignment import Limits
from cnnkit.data.targets import Targets
from cnnkit.data.targets.points import mirror_of
from cnnkit.errors import CnnkitError, DataError
from cnnkit.export.decoding import with_decoding
from cnnkit.heads import Detector, Head, OpenSetHead, SingleStageDetector, from_settings
from cnnkit.heads.fast_rcnn import FastRCNN
from cnnkit.heads.faster_rcnn import FasterRCNN
from cnnkit.heads.generators import CycleGANPainter, Pix2PixPainter
from cnnkit.heads.head import truth_kind
from cnnkit.heads.keypoint_rcnn import KeypointRCNN
from cnnkit.heads.mask_rcnn import MaskRCNN
from cnnkit.heads.rcnn import RCNN
from cnnkit.heads.spp_net import SPPNet
from cnnkit.heads.staged import StagedHead
from cnnkit.heads.table import KINDS
from cnnkit.heads.translation import Painter, Translator
from cnnkit.scenes.skeleton import KEYPOINTS

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIDE = 64
SIZE = (SIDE, SIDE)
SCORES = ("probabilities", "scores")  # what predictions have and truth has not

PLAIN_KERAS = """
import sys, keras, numpy
for folder in sys.argv[1:]:
    with open(folder + "/model.json") as file:
        model = keras.models.model_from_json(file.read())
    model.load_weights(folder + "/model.weights.h5")
    images, *regions = [numpy.load(folder + f"/{name}.npy") for name in ("images", "regions")][: len(model.inputs)]
    regions *= len(model.inputs) - 1
    outputs = model.predict([images, *regions] if regions else images, verbose=0)
    numpy.savez(folder + "/outputs.npz", **(outputs if isinstance(outputs, dict) else {"output": outputs}))
assert "cnnkit" not in sys.modules
"""


@cache
def scenes() -> np.ndarray:
    """Four drawn scenes, the first and the third without a person: (4, h, w, 3)."""
    drawn = ck.data.scenes(40, seed=5, size=SIDE).train
    without, shown = (np.flatnonzero(drawn.labels == label)[:2] for label in (0, 1))
    return np.stack([drawn.image(int(index)) for index in np.stack([without, shown], axis=1).ravel()])


def labelled(classes: tuple[str, ...], labels: Any) -> Callable[[], ck.data.Dataset]:
    """The scenes with labels, or with tags, all of them to train on."""
    return lambda: ck.data.arrays(scenes(), np.asarray(labels), classes=classes, split=(1, 0, 0))


def halved(classes: tuple[str, str]) -> Callable[[], ck.data.Dataset]:
    """The scenes with masks: above and below a straight border on whole cells of stride 16."""

    def photos() -> ck.data.Dataset:
        source = ck.data.arrays(scenes(), [0, 1, 0, 1], classes=classes, split=(1, 0, 0)).train
        masks = [(np.arange(SIDE) >= 16 * row)[:, None].repeat(SIDE, axis=1).astype(np.uint8) for row in (1, 2, 3, 2)]
        truth = ck.data.targets.Masks.of_arrays(classes, masks)
        whole = replace(source, targets=truth)
        return ck.data.Dataset(classes, whole, ck.data.Source.empty(truth), ck.data.Source.empty(truth))

    return photos


def boxed(classes: tuple[str, ...], count: int) -> Callable[[], ck.data.Dataset]:
    """The scenes with so many boxes each, from left to right, of the classes in turn."""

    def photos() -> ck.data.Dataset:
        source = ck.data.arrays(scenes(), [0, 1, 0, 1], classes=("no", "yes"), split=(1, 0, 0)).train
        corners = [
            [[24 * box + 4 * row, 8 * row, 24 * box + 4 * row + 20, 8 * row + 24 - 8 * box] for box in range(count)]
            for row in range(4)
        ]
        labels = [[(row + box) % len(classes) for box in range(count)] for row in range(4)]
        truth = ck.data.targets.Boxes.of_lists(classes, corners, labels)
        return ck.data.Dataset(
            classes, replace(source, targets=truth), ck.data.Source.empty(truth), ck.data.Source.empty(truth)
        )

    return photos


def scattered() -> ck.data.Dataset:
    """The scenes with none to two boxes each, from above to below."""
    source = ck.data.arrays(scenes(), [0, 1, 0, 1], classes=PEOPLE, split=(1, 0, 0)).train
    corners = [[[4, 2, 28, 22], [30, 30, 62, 60]], [[8, 8, 20, 20]], [], [[1, 1, 9, 9], [20, 6, 60, 30]]]
    labels = [[0, 1], [1], [], [1, 1]]
    truth = ck.data.targets.Boxes.of_lists(("ball", "bag"), corners, labels)
    nothing = ck.data.Source.empty(truth)
    return ck.data.Dataset(truth.names, replace(source, targets=truth), nothing, nothing)


def posed() -> ck.data.Dataset:
    """The scenes with three points each, in the middles of cells of stride 8; one of them is absent."""
    source = ck.data.arrays(scenes(), [0, 1, 0, 1], classes=PEOPLE, split=(1, 0, 0)).train
    cells = np.array(
        [[[1, 2], [5, 3], [2, 6]], [[6, 6], [1, 1], [4, 0]], [[3, 5], [6, 2], [0, 0]], [[2, 1], [3, 6], [7, 4]]]
    )
    shown = np.where(np.arange(12).reshape(4, 3) == 8, 0, 2)
    truth = ck.data.targets.Points(JOINTS, 8 * cells + 4, shown, mirror=(0, 2, 1))
    nothing = ck.data.Source.empty(truth)
    return ck.data.Dataset(truth.names, replace(source, targets=truth), nothing, nothing)


def crowded(reach: int = 2) -> ck.data.Dataset:
    """The scenes with none to two people, whose 17 points are in the middles of cells of stride 4.

    Their boxes reach so many pixels further.
    """
    source = ck.data.arrays(scenes(), [0, 1, 0, 1], classes=PEOPLE, split=(1, 0, 0)).train
    cells = np.stack(np.divmod(np.arange(17), 3), axis=-1)[:, ::-1] * (3, 2) + (0, 2)  # three columns, six rows
    places = 4 * (cells + np.array([[[0, 0]], [[9, 1]], [[4, 0]]])) + 2
    points = ck.data.targets.Points(KEYPOINTS, places, np.full((3, 17), 2), mirror=mirror_of(KEYPOINTS))
    boxes = np.clip(np.concatenate([places.min(axis=1) - reach, places.max(axis=1) + reach], axis=1), 0, SIDE)
    corners = [boxes[:2], [], boxes[2:], []]
    truth = ck.data.targets.Boxes.of_lists(("person",), corners, [[0, 0], [], [0], []], points=points)
    nothing = ck.data.Source.empty(truth)
    return ck.data.Dataset(truth.names, replace(source, targets=truth), nothing, nothing)


def drawn() -> ck.data.Dataset:
    """The scenes with a picture each: themselves in other colours, in grey where the row is odd."""
    source = ck.data.arrays(scenes(), [0, 1, 0, 1], classes=PEOPLE, split=(1, 0, 0)).train
    turned = 255 - scenes()
    turned[1::2] = turned[1::2].mean(axis=-1, keepdims=True)
    truth = ck.data.targets.Pictures.of_arrays(turned)
    nothing = ck.data.Source.empty(truth)
    return ck.data.Dataset(truth.names, replace(source, targets=truth), nothing, nothing)


def painter(made: Painter) -> Row:
    """A row of a head that paints pictures."""
    head = Translator(made)
    return Row(
        lambda: head,
        drawn,
        OF_TWO,
        "ssim",
        learned=0.25,
        perfect=lambda pictures: pictures.astype(np.float32),
        epochs=40,
    )


def sure_maps(cells: int, stages: int = 0) -> Callable[[Any], Any]:
    """Heatmaps that are sure of the cell of each point, or that it is nowhere."""

    def perfect(encoded: Any) -> Any:
        columns, rows = np.moveaxis(np.floor(encoded["places"] * cells).astype(int), -1, 0)
        maps = np.full((*rows.shape, cells, cells), -200.0, np.float32)
        picture, point = np.indices(rows.shape)
        maps[picture, point, rows, columns] = np.where(encoded["shown"] > 0, 200.0, -200.0)
        maps = maps.transpose(0, 2, 3, 1)
        return {f"stage{stage}": maps for stage in range(1, stages + 1)} if stages else maps

    return perfect


def masked() -> ck.data.Dataset:
    """The same boxes, each with a mask that fills it."""
    photos = scattered()
    truth: Any = photos.train.targets
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    masks = [
        ((columns > left) & (columns < right) & (rows > top) & (rows < bottom)).astype(np.uint8)
        for left, top, right, bottom in truth.boxes
    ]
    truth = replace(truth, masks=ck.data.targets.Masks.of_arrays(("background", "thing"), masks))
    nothing = ck.data.Source.empty(truth)
    return ck.data.Dataset(truth.names, replace(photos.train, targets=truth), nothing, nothing)


def whole() -> ck.data.Dataset:
    """Three of the scenes with a box of nearly their size each."""
    source = ck.data.arrays(scenes(), [0, 1, 0, 1], classes=PEOPLE, split=(1, 0, 0)).train
    corners = [[[4, 6, 60, 58]], [[8, 3, 60, 61]], [], [[2, 2, 58, 62]]]
    truth = ck.data.targets.Boxes.of_lists(("ball", "bag"), corners, [[0], [1], [], [0]])
    nothing = ck.data.Source.empty(truth)
    return ck.data.Dataset(truth.names, replace(source, targets=truth), nothing, nothing)


def pointed() -> ck.data.Dataset:
    """The scenes with none to two boxes of 28 or 56 pixels, and three points in the middles of cells of a 28th."""
    photos = scattered()
    corners = [[[2, 2, 30, 30], [30, 32, 58, 60]], [[4, 4, 60, 60]], [], [[8, 8, 36, 36]]]
    flat = np.array([box for boxes in corners for box in boxes])
    places = (np.array([[6, 3], [20, 12], [9, 25]]) + 0.5) / 28 * (flat[:, None, 2:] - flat[:, None, :2])
    points = ck.data.targets.Points(JOINTS, flat[:, None, :2] + places, np.full((4, 3), 2), mirror=(0, 2, 1))
    truth = ck.data.targets.Boxes.of_lists(("ball", "bag"), corners, [[0, 1], [1], [], [1]], points=points)
    nothing = ck.data.Source.empty(truth)
    return ck.data.Dataset(truth.names, replace(photos.train, targets=truth), nothing, nothing)


def certain(encoded: Any) -> Any:
    """The outputs of a localizer that is sure of the truth."""
    return {"boxes": encoded["boxes"], "classes": np.eye(2, dtype=np.float32)[encoded["classes"]]}


def apart(encoded: Any) -> Any:
    """The outputs of an embedding that gives each identity a direction of its own."""
    vectors = np.eye(4, dtype=np.float32)[encoded]
    return {"embedding": vectors, "cosines": vectors[:, :2]}


def at_stride(stride: int) -> Callable[[Any], Any]:
    """Logits that are sure of the class in the middle of each cell."""
    return lambda masks: 9 * np.eye(2, dtype=np.float32)[masks[:, stride // 2 :: stride, stride // 2 :: stride]]


REGIONS = np.tile(np.float32([[4, 2, 28, 22], [30, 30, 62, 60], [0, 0, 0, 0]]), (4, 1, 1))


@dataclass(frozen=True)
class Row:
    """A head, and what the tests cannot know of it.

    Attributes:
        head: Makes the head.
        photos: The four scenes with its kind of truth, to train on.
        score: The score that a person asks for first.
        best: Its value for the truth itself; that of another prediction is lower.
        perfect: Encoded truth → the outputs that say just that; for many heads it is the same.
        learned: What its score has to reach on pictures learned by heart; `best` if nothing is said.
        epochs: In which head and body learn the four scenes by heart.
        rate: Of these epochs.
        others: Truth of another kind, or with other names, which it refuses.
        pools: Whether the body goes from scale to scale by max pooling; else by strides.
        step: Rate at which a first step makes the loss smaller.
        coupled: Whether the loss of a picture depends on the others of its batch.
    """

    head: Callable[[], Head]
    photos: Callable[[], ck.data.Dataset]
    others: Callable[[], ck.data.Dataset]
    score: str = "accuracy"
    best: float = 1.0
    learned: float | None = None
    perfect: Callable[[Any], Any] = lambda encoded: encoded
    epochs: int = 100
    rate: float = 3e-3
    pools: bool = False
    step: float = 1e-3
    coupled: bool = False


def detector(make: Callable[..., Detector], photos: Callable[[], ck.data.Dataset] = scattered, **settings: Any) -> Row:
    """A row of a head that finds any number of boxes."""
    head = partial(make, ("ball", "bag"), **settings)
    return Row(head, photos, OF_TWO, "AP", learned=0.5, perfect=head().perfect)


PEOPLE, KINDS_OF_SCENE, TAGS = ("no_person", "person"), ("street", "park", "room"), ("person", "car", "tree")
HALVES = ("above", "below")
FEW = {"mirror": (0, 2, 1), "point_width": 8, "point_depth": 1}
JOINTS = ("nose", "left_hand", "right_hand")
OF_MASKS = halved(HALVES)
OF_TWO = labelled(PEOPLE, [0, 1, 0, 1])
OF_THREE = labelled(KINDS_OF_SCENE, [2, 0, 1, 0])
OF_TAGS = labelled(TAGS, [[0, 0, 1], [1, 0, 0], [0, 1, 1], [1, 1, 0]])

ROWS = {
    "two classes": Row(lambda: ck.heads.classifier(PEOPLE, class_weight="balanced"), OF_TWO, OF_TAGS),
    "three classes": Row(
        lambda: ck.heads.classifier(KINDS_OF_SCENE, hidden=(16,), class_weight="balanced"), OF_THREE, OF_TWO
    ),
    "tags": Row(lambda: ck.heads.classifier(TAGS, multi_label=True, threshold=(0.4, 0.5, 0.6)), OF_TAGS, OF_THREE),
    "fcn": Row(
        lambda: ck.heads.fcn(HALVES, stride=16, class_weight=(1.0, 2.0)),
        OF_MASKS,
        OF_TWO,
        "mean_iou",
        learned=0.9,
        perfect=at_stride(16),
    ),
    "unet": Row(
        lambda: ck.heads.unet(HALVES, widths=(16, 8)), OF_MASKS, OF_TWO, "mean_iou", learned=0.9, perfect=at_stride(8)
    ),
    "fcos": detector(ck.heads.fcos, width=16),
    "yolo_v1": detector(ck.heads.yolo_v1, cells=4, width=32, depth=1),
    "yolo_v2": detector(ck.heads.yolo_v2, width=32),
    "ssd": detector(ck.heads.ssd, levels=("P3", "P4", "P5", "P6"), width=16),
    "retinanet": detector(ck.heads.retinanet, levels=("P3", "P4", "P5"), sizes=2, width=16),
    "centernet": detector(ck.heads.centernet, stride=8, width=16),
    "heatmaps": Row(
        lambda: ck.heads.heatmaps(JOINTS, stride=8, width=16),
        posed,
        OF_TWO,
        "oks",
        learned=0.8,
        perfect=sure_maps(8),
    ),
    "part affinity": Row(
        lambda: ck.heads.part_affinity(["person"], KEYPOINTS, width=16),
        crowded,
        OF_TWO,
        "AP",
        learned=0.1,  # of the three people one is found whole: their joints are three cells apart
        perfect=ck.heads.part_affinity(["person"], KEYPOINTS).perfect,
        epochs=160,
    ),
    "pose proposals": Row(
        lambda: ck.heads.pose_proposals(["person"], KEYPOINTS, width=16),
        partial(crowded, 4),
        OF_TWO,
        "AP",
        learned=0.1,
        perfect=ck.heads.pose_proposals(["person"], KEYPOINTS).perfect,
        epochs=160,
    ),
    "hourglass": Row(
        lambda: ck.heads.hourglass(JOINTS, width=16, depth=1, stride=8),
        posed,
        OF_TWO,
        "oks",
        learned=0.8,
        perfect=sure_maps(8, 2),
        epochs=60,
    ),
    "pose machine": Row(
        lambda: ck.heads.pose_machine(JOINTS, stages=2, width=16, kernel=5, convolutions=1),
        posed,
        OF_TWO,
        "oks",
        learned=0.8,
        perfect=sure_maps(8, 2),
    ),
    # Windows of 32 pixels meet few of these boxes, and maps of four cells say little of them.
    "rcnn": detector(RCNN, whole),
    "spp_net": replace(detector(SPPNet, sample=16), learned=0.4),
    "fast_rcnn": detector(FastRCNN, width=16, units=32, sample=16),
    "faster_rcnn": detector(FasterRCNN, width=16, units=32, sample=16, proposals=20),
    "mask_rcnn": replace(
        detector(MaskRCNN, masked, width=16, units=32, sample=16, proposals=20, mask_width=8, most=20), epochs=150
    ),
    "keypoint_rcnn": replace(
        detector(KeypointRCNN, pointed, width=16, units=32, sample=16, proposals=20, most=20, points=JOINTS, **FEW),
        learned=0.4,
    ),
    "localizer": Row(
        lambda: ck.heads.localizer(("ball", "bag"), boxes=2, width=16),
        boxed(("ball", "bag"), 2),
        OF_TWO,
        "mean_iou",
        learned=0.7,
        perfect=certain,
    ),
    "localizer without places": Row(
        lambda: ck.heads.localizer(("ball", "bag"), pooling="flatten"),
        boxed(("ball", "bag"), 1),
        boxed(("ball", "bag"), 2),
        "mean_iou",
        learned=0.7,
        perfect=certain,
    ),
    "pspnet": Row(
        lambda: ck.heads.pspnet(HALVES, output_stride=16, bins=(1, 2, 6), width=16),
        OF_MASKS,
        OF_TWO,
        "mean_iou",
        learned=0.9,
        epochs=50,
        perfect=at_stride(16),
    ),
    "deeplab": Row(
        lambda: ck.heads.deeplab(HALVES, rates=(1, 2), width=16, skip_width=8),
        OF_MASKS,
        OF_TWO,
        "mean_iou",
        learned=0.9,
        epochs=50,
        perfect=at_stride(4),
    ),
    "segnet": Row(
        lambda: ck.heads.segnet(HALVES, output_stride=16, width=16, convolutions=1),
        OF_MASKS,
        OF_TWO,
        "mean_iou",
        learned=0.9,
        epochs=50,
        perfect=at_stride(4),
        pools=True,
    ),
    "deconvnet": Row(
        lambda: ck.heads.deconvnet(HALVES, output_stride=16, width=16, convolutions=1, hidden=16, deep_supervision=0.5),
        OF_MASKS,
        OF_TWO,
        "mean_iou",
        learned=0.9,
        epochs=50,
        perfect=lambda masks: {"logits": at_stride(4)(masks), "P3": at_stride(8)(masks)},
        pools=True,
    ),
    "embedding": Row(
        lambda: ck.heads.embedding(PEOPLE, size=4, scale=8.0),
        OF_TWO,
        OF_TAGS,
        "rank1",
        perfect=apart,
        epochs=40,
        step=1e-5,
    ),
    "embedding by triplets": Row(
        lambda: ck.heads.embedding(PEOPLE, size=4, loss="triplet", whiten=False),
        OF_TWO,
        OF_TAGS,
        "rank1",
        perfect=lambda encoded: apart(encoded)["embedding"],
        epochs=40,
        coupled=True,
    ),
    "translator": painter(ck.heads.translator(widths=(16, 16, 8, 8, 8), finest=4).painter),
    "generator of pix2pix": painter(Pix2PixPainter(depth=5, dropout=0.0)),
    "generator of cyclegan": painter(CycleGANPainter((16, 16, 16, 8, 8))),
    "focal": Row(lambda: ck.heads.classifier(KINDS_OF_SCENE, loss="class_balanced_focal"), OF_THREE, OF_TAGS),
}


@pytest.fixture(params=[pytest.param(row, id=name) for name, row in ROWS.items()])
def row(request: pytest.FixtureRequest) -> Row:
    return request.param


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one bundle per row, for the process that loads them."""
    return tmp_path_factory.mktemp("exported")


def network(row: Row) -> ck.Network:
    """The same at every call: a body that has learned nothing, and the head."""
    keras.utils.set_random_seed(3)
    image = keras.Input((*SIZE, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocessing")(image)
    for level in range(1, 6):
        x = keras.layers.Conv2D(16, 3, 1 if row.pools else 2, padding="same", activation="relu", name=f"conv{level}")(x)
        if row.pools:
            x = keras.layers.MaxPooling2D(2, name=f"pool{level}")(x)
    return ck.attach(ck.backbone(keras.Model(image, x, name="tiny")), row.head())


def fit(net: ck.Network, row: Row, plan: ck.Plan, **options: Any) -> ck.Run:
    return ck.fit(net, row.photos(), plan, **{"batch_size": 4, "progress": False} | options)


def truth_of(row: Row) -> Targets:
    targets = row.photos().train.targets
    assert targets is not None
    return targets


def said(targets: Any) -> Any:
    """Predictions without what truth has not, to be held against truth."""
    bare = {field.name: None for field in fields(targets) if field.name in SCORES}
    if getattr(targets, "points", None) is not None:
        bare["points"] = replace(targets.points, scores=None)
    return replace(targets, **bare)


def arrays(value: Any) -> dict[str, np.ndarray]:
    """One array or tensor, or several by name, as a dictionary of arrays."""
    named = value if isinstance(value, Mapping) else {"output": value}
    return {name: np.asarray(keras.ops.convert_to_numpy(part)) for name, part in named.items()}


def only(value: Any, rows: Any) -> Any:
    """Some pictures of one array, or of each of several."""
    return keras.tree.map_structure(lambda part: part[rows], value)


def given(net: ck.Network) -> Any:
    """The scenes, and the same regions of each for a model that takes some."""
    regions = [REGIONS] * (len(net.model.inputs) - 1)
    return [scenes().astype(np.float32), *regions] if regions else scenes().astype(np.float32)


def outputs_of(net: ck.Network) -> Any:
    return net.model.predict(given(net), verbose=0)


@cache
def untrained(row: Row) -> Any:
    """What the network of a row says of the scenes before it has learned anything, as arrays."""
    net = network(row)
    outputs = net.model(given(net), training=False)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


def weights_of(net: ck.Network) -> list[np.ndarray]:
    return [variable.numpy() for variable in net.model.weights]


def test_each_kind_has_a_row() -> None:
    assert {row.head().settings()["kind"] for row in ROWS.values()} == set(KINDS)


def test_it_is_a_head_of_this_truth(row: Row) -> None:
    head, truth = row.head(), truth_of(row)
    assert isinstance(head, Head)
    assert isinstance(truth, truth_kind(head))
    assert head.names == truth.names
    assert head == row.head()


# ---- Truth ----


def test_decoding_encoded_truth_gives_the_truth(row: Row) -> None:
    head, truth = row.head(), truth_of(row)
    decoded = head.decode(row.perfect(head.encode(truth, SIZE)), SIZE)
    assert isinstance(decoded, head.target)
    if isinstance(head, OpenSetHead):  # which says who is alike, not who is who
        alike = [[one == other for other in truth.values] for one in truth.values]
        np.testing.assert_array_equal(decoded.values @ decoded.values.T, alike)
    else:
        assert said(decoded).digest() == truth.digest()


def test_encoding_is_a_function_of_each_picture_alone(row: Row) -> None:
    head, truth = row.head(), truth_of(row)
    before, encoded = truth.digest(), head.encode(truth, SIZE)
    turned = arrays(head.encode(truth.take([3, 1]), SIZE))
    for name, part in arrays(encoded).items():
        assert len(part) == len(truth)
        np.testing.assert_array_equal(turned[name], part[[3, 1]])
    assert truth.digest() == before


def test_decoding_in_parts_is_decoding_the_whole(row: Row) -> None:
    head, outputs = row.head(), untrained(row)
    whole = head.decode(outputs, SIZE)
    parts = [head.decode(only(outputs, rows), SIZE) for rows in (slice(0, 3), slice(3, 4))]
    assert head.target.joined(parts).digest() == whole.digest()


def test_other_truth_is_refused_in_words(row: Row) -> None:
    targets = row.others().train.targets
    with pytest.raises(DataError, match=r"head|classes"):
        row.head().encode(targets, SIZE)


def test_weights_are_positive_numbers_one_for_each_picture(row: Row) -> None:
    weights = row.head().weights(truth_of(row))
    if weights is not None:
        assert weights.shape == (4,)
        assert np.isfinite(weights).all()
        assert (weights > 0).all()


# ---- Settings and files ----


def test_settings_are_json_and_give_the_head_again(row: Row) -> None:
    head = row.head()
    assert from_settings(json.loads(json.dumps(head.settings()))) == head


def test_settings_that_are_missing_or_wrong_are_refused_in_words(row: Row) -> None:
    """Whatever stands in a manifest: a head, or an error of cnnkit."""
    settings = json.loads(json.dumps(row.head().settings()))
    for name in settings.keys() - {"kind"}:
        wrong = [{**settings, name: value} for value in (None, -1, "abc", [], {"x": 1})]
        for given in [{key: settings[key] for key in settings if key != name}, *wrong]:
            with suppress(CnnkitError):
                from_settings(given)


def test_building_twice_gives_the_same_layers_and_weights(row: Row) -> None:
    one, other = network(row), network(row)
    assert [layer.name for layer in one.model.layers] == [layer.name for layer in other.model.layers]
    for ours, theirs in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_bundle_gives_the_same_network(row: Row, request: pytest.FixtureRequest, exported: Path) -> None:
    net = network(row)
    run = fit(net, row, ck.plans.probe(epochs=1))
    folder = ck.save(net, exported / request.node.callspec.id)
    loaded = ck.load(folder)
    assert loaded.head == net.head
    assert loaded.run is not None
    assert loaded.run.history["loss"].tolist() == run.history["loss"].tolist()
    assert ck.predict(loaded, scenes()).equals(ck.predict(net, scenes()))
    np.save(folder / "images.npy", scenes().astype(np.float32))
    np.save(folder / "regions.npy", REGIONS)
    np.savez(folder / "expected.npz", **arrays(outputs_of(net)))


@pytest.fixture(
    params=[pytest.param(row, id=name) for name, row in ROWS.items() if isinstance(row.head(), SingleStageDetector)]
)
def finder(request: pytest.FixtureRequest) -> Row:
    """A row of a detector."""
    return request.param


def test_a_detector_has_a_second_graph_that_says_its_boxes(finder: Row) -> None:
    net, chance = network(finder), np.random.default_rng(4)
    net.model.set_weights([value + chance.normal(0, 0.1, value.shape) for value in weights_of(net)])  # no ties
    model = with_decoding(net)
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    boxes, labels, scores = (np.asarray(part) for part in again.predict(scenes(), verbose=0))
    expected = net.head.decode(outputs_of(net), SIZE)
    assert len(expected.boxes) > 20
    shown = labels >= 0
    assert shown.sum(axis=1).tolist() == np.diff(expected.starts).tolist()
    np.testing.assert_allclose(scores[shown], expected.scores, atol=1e-6)
    np.testing.assert_allclose(boxes[shown], expected.boxes, atol=2e-3)
    np.testing.assert_array_equal(labels[shown], expected.labels)
    assert measure(model.to_json().encode(), Limits()).parameters == model.count_params()  # submissions may hold it


def test_plain_keras_gives_the_same_outputs(exported: Path) -> None:
    """All bundles into one process that never imports cnnkit."""
    folders = sorted(exported.iterdir())
    if not folders:
        pytest.skip("no bundle was saved in this run")
    command = [sys.executable, "-c", PLAIN_KERAS, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for folder in folders:
        with np.load(folder / "outputs.npz") as outputs, np.load(folder / "expected.npz") as expected:
            assert set(outputs) == set(expected)
            for name in expected:
                np.testing.assert_array_equal(outputs[name], expected[name], err_msg=folder.name)


# ---- Training ----


def test_the_loss_is_one_number_for_each_picture(row: Row) -> None:
    head, outputs = row.head(), untrained(row)
    encoded = head.encode(truth_of(row), SIZE)
    losses = np.asarray(head.loss(encoded, outputs))
    assert losses.shape == (4,)
    assert np.isfinite(losses).all()
    assert (losses >= 0).all()
    if row.coupled:
        return
    alone = [np.asarray(head.loss(only(encoded, [n]), only(outputs, [n])))[0] for n in range(4)]
    np.testing.assert_allclose(alone, losses, rtol=1e-5)


def test_the_loss_of_a_step_is_the_weighted_mean_and_falls(row: Row) -> None:
    net, head = network(row), row.head()
    if isinstance(head, StagedHead):
        pytest.skip("the regions of a step are sampled: tests/tasks")
    truth = truth_of(row)
    # As in a step: with the statistics of the batch, where the head normalizes.
    outputs = arrays(network(row).model(scenes().astype(np.float32), training=True))
    stepped = outputs if len(outputs) > 1 else outputs["output"]
    losses, weights = np.asarray(head.loss(head.encode(truth, SIZE), stepped)), head.weights(truth)
    run = fit(net, row, ck.Plan([ck.Phase("head", epochs=2, rate=row.step, optimizer="sgd", momentum=0)]))
    before, after = run.history["loss"]
    assert before == pytest.approx(np.mean(losses if weights is None else losses * weights), rel=1e-4)
    assert after < before


def test_kept_features_train_the_same(row: Row) -> None:
    plan = ck.Plan([ck.Phase("head", epochs=4, rate=1e-2)])
    augment = ck.data.Augmentation.gentle()
    trained = []
    for cache_name in ("none", "memory"):
        net = network(row)
        run = fit(net, row, plan, cache=cache_name, augment=augment, views=2)
        trained.append([*weights_of(net), run.history["loss"].to_numpy()])
    for not_kept, kept in zip(*trained, strict=True):
        np.testing.assert_array_equal(kept, not_kept)


def test_four_scenes_are_learned_by_heart(row: Row) -> None:
    net = network(row)
    fit(net, row, ck.Plan([ck.Phase("all", train="all", epochs=row.epochs, rate=row.rate)]))
    scores = ck.evaluate(net, row.photos().train)
    learned = row.best if row.learned is None else row.learned
    assert scores[row.score] >= learned - 1e-6, scores


# ---- Scores ----


def test_the_score_of_the_truth_is_perfect(row: Row) -> None:
    head, truth = row.head(), truth_of(row)
    predictions = head.decode(row.perfect(head.encode(truth, SIZE)), SIZE)
    score = head.score()
    wrong = [score.add(truth.take(rows), predictions.take(rows)) for rows in ([0, 1, 2], [3])]
    np.testing.assert_allclose(np.concatenate(wrong), np.zeros(4), atol=1e-6)
    assert score.result()[row.score] == pytest.approx(row.best)
    assert all(isinstance(value, float) for value in score.result().values())


def test_the_score_of_a_constant_is_not(row: Row) -> None:
    head, truth = row.head(), truth_of(row)
    perfect = row.perfect(head.encode(truth, SIZE))
    constant = keras.tree.map_structure(lambda part: np.repeat(part[:1], 4, axis=0), perfect)
    score = head.score()
    wrong = score.add(truth, head.decode(constant, SIZE))
    assert wrong.shape == (4,)
    if not isinstance(head, OpenSetHead):  # which has no answer for one picture
        assert wrong[0] == pytest.approx(0, abs=1e-6)
    assert wrong.max() > 0.1
    assert score.result()[row.score] < row.best
