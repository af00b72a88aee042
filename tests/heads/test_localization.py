"""Localization: order and absence of boxes, the loss by its definition, places from beliefs, branches, the score."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.heads.box_position import mean_place

NAMES = ("bag", "ball")
SIZE = (40, 80)
TRUTH = Boxes.of_lists(
    NAMES, [[[40, 0, 80, 40], [0, 10, 20, 20]], [[0, 0, 8, 8]], []], [[0, 1], [1], []]
)  # of which the first comes second from left to right


def network(**settings: object) -> ck.Network:
    image = keras.Input((64, 64, 3), name="image")
    x = keras.layers.Rescaling(1 / 255)(image)
    for level in range(1, 6):
        x = keras.layers.Conv2D(8, 3, 2, padding="same", activation="relu", name=f"conv{level}")(x)
    return ck.attach(ck.backbone(keras.Model(image, x, name="tiny")), ck.heads.localizer(NAMES, **settings))


def photos(count: int) -> ck.data.Dataset:
    """Grey pictures, each with so many boxes."""
    images = np.full((4, 64, 64, 3), 90, np.uint8)
    source = ck.data.arrays(images, [0, 1, 0, 1], classes=NAMES, split=(1, 0, 0)).train
    corners = [[[4 * box, 0, 4 * box + 8, 16] for box in range(count)]] * 4
    truth = Boxes.of_lists(NAMES, corners, [[row % 2] * count for row in range(4)])
    whole = ck.data.Source(source.ids, truth, source.reader, source.positions)
    return ck.data.Dataset(NAMES, whole, ck.data.Source.empty(truth), ck.data.Source.empty(truth))


def test_boxes_come_from_left_to_right_as_shares_and_absent_ones_are_marked() -> None:
    encoded = ck.heads.localizer(NAMES, boxes=2).encode(TRUTH, SIZE)
    np.testing.assert_array_equal(encoded["classes"], [[1, 0], [1, -1], [-1, -1]])
    np.testing.assert_allclose(encoded["boxes"][0], [[0, 0.25, 0.25, 0.5], [0.5, 0, 1, 1]])


def test_the_loss_is_its_definition_and_absent_boxes_cost_nothing() -> None:
    head = ck.heads.localizer(NAMES, boxes=2, box_weight=3.0)
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 0.5, (3, 2, 2)).astype(np.float32)
    corners = np.concatenate([low, low + 0.4], axis=-1)
    classes = rng.dirichlet((1, 1), (3, 2)).astype(np.float32)
    losses = head.loss(head.encode(TRUTH, SIZE), {"boxes": corners, "classes": classes})

    def of_box(true: list[float], label: int, row: int, box: int) -> float:
        far = np.abs(np.array(true) - corners[row, box])
        l1 = np.where(far < 0.05, far**2 / 0.1, far - 0.025).sum()
        giou = ck.metrics.box_iou([true], [corners[row, box]], generalized=True)[0, 0]
        return float(-np.log(classes[row, box, label]) + 3 * (1 - giou + l1))

    first = (of_box([0, 0.25, 0.25, 0.5], 1, 0, 0) + of_box([0.5, 0, 1, 1], 0, 0, 1)) / 2
    np.testing.assert_allclose(losses, [first, of_box([0, 0, 0.1, 0.2], 1, 1, 0), 0], rtol=1e-5)


def test_what_is_said_is_in_pixels_and_inside_the_picture() -> None:
    head = ck.heads.localizer(NAMES)
    outputs = {"boxes": np.array([[[-0.1, 0.25, 0.5, 1.2]]]), "classes": np.array([[[0.3, 0.7]]])}
    decoded = head.decode(outputs, SIZE)
    np.testing.assert_allclose(decoded.boxes, [[0, 10, 40, 40]])
    assert decoded.labels.tolist() == [1]
    assert decoded.scores == pytest.approx([0.7])


def test_more_boxes_than_the_head_has_are_refused_before_the_first_step() -> None:
    with pytest.raises(DataError, match=r"at most 1 box per picture.*2 in one.*largest_boxes\(photos, count=1\)"):
        ck.fit(network(), photos(2), ck.plans.probe(epochs=1), progress=False)


def test_the_mean_place_is_the_expectation_over_cells() -> None:
    rng = np.random.default_rng(0)
    belief = rng.dirichlet(np.ones(15), (2, 3)).astype(np.float32)  # of 3 maps of 3 × 5 cells
    maps = belief.reshape(2, 3, 3, 5).transpose(0, 2, 3, 1)
    given = keras.Input((3, 5, 3))
    found = keras.Model(given, mean_place(given))(maps)
    x, y = np.meshgrid((np.arange(5) + 0.5) / 5, (np.arange(3) + 0.5) / 3)
    expected = np.stack([belief @ x.ravel(), belief @ y.ravel()], axis=-1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("pooling", ["attention", "average"])
def test_boxes_train_while_the_classes_stay_frozen(pooling: str) -> None:
    """Lecture 000: the localization head is trained separately. Each branch is what one output alone needs."""
    net = network(pooling=pooling)
    plan = ck.Plan([ck.Phase(name, train=name, epochs=1, rate=0.1) for name in ("classes", "boxes")])
    before = {variable.path: variable.numpy() for variable in net.model.variables}
    for phase in plan.phases:
        ck.fit(net, photos(1), ck.Plan([phase]), progress=False)
        moved = {path for path, value in before.items() if not np.array_equal(value, weight(net, path))}
        before = {variable.path: variable.numpy() for variable in net.model.variables}
        branch = {path for path in before if path.split("/")[0] in net.branches[phase.train]}
        assert moved
        assert moved <= branch
    assert not set(net.branches["boxes"]) & set(net.branches["classes"])


def weight(net: ck.Network, path: str) -> np.ndarray:
    return next(variable.numpy() for variable in net.model.variables if variable.path == path)


def test_an_output_that_is_not_there_gets_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'boxes'"):
        ck.fit(network(), photos(1), ck.Plan([ck.Phase("where", train="boxs")]), progress=False)


def test_of_one_class_there_is_nothing_to_classify() -> None:
    head = ck.heads.localizer(["bag"])
    assert list(head.build({f"P{level}": keras.Input((64 >> level, 64 >> level, 8)) for level in (3, 4, 5)})) == [
        "boxes"
    ]
    assert head.decode({"boxes": np.zeros((1, 1, 4))}, SIZE).scores.tolist() == [1]
    truth = Boxes.of_lists(["bag"], [[[0, 0, 40, 40]]], [[0]])
    assert float(head.loss(head.encode(truth, SIZE), {"boxes": np.array([[[0, 0, 0.5, 1]]])})[0]) == pytest.approx(0)


def test_the_score_pairs_boxes_by_overlap() -> None:
    """Truth A, B; said B with the right label, then A halved with the wrong one: IoU 1 and ½."""
    truth = Boxes.of_lists(NAMES, [[[0, 0, 10, 10], [20, 0, 30, 10]], [[0, 0, 4, 4]]], [[0, 1], [0]])
    said = Boxes.of_lists(NAMES, [[[20, 0, 30, 10], [0, 0, 10, 5]], []], [[1, 1], []], scores=[[0.9, 0.8], []])
    score = ck.heads.localizer(NAMES, boxes=2).score()
    assert score.add(truth, said).tolist() == [0.5, 1]
    result = score.result()
    expected = {
        "mean_iou": 1.5 / 3,
        "above_half": 1 / 3,
        "label_accuracy": 1 / 3,
        "localized": 1 / 3,
        "mean_iou/bag": 0.25,
        "above_half/ball": 1.0,
    }
    assert {name: result[name] for name in expected} == pytest.approx(expected)
    assert ck.heads.localizer(NAMES).score().result() == {}
    with pytest.raises(DataError, match="as many pictures"):
        score.add(truth, said.take([0]))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"boxes": 0}, "boxes"),
        ({"boxes": 1.5}, "boxes"),
        ({"width": -1}, "width"),
        ({"box_weight": 0}, "box_weight"),
        ({"seed": "0"}, "seed"),
    ],
)
def test_settings_out_of_range_are_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=named):
        ck.heads.localizer(NAMES, **settings)


def test_names_that_are_wrong_are_said() -> None:
    with pytest.raises(UnknownNameError, match="attention"):
        ck.heads.localizer(NAMES, pooling="atention")
    with pytest.raises(InputError, match="different names"):
        ck.heads.localizer(["bag", "bag"])
