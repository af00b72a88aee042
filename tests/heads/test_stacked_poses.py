"""Hourglasses and pose machines: their shapes as in the papers, what each stage can see, scores stage by stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError

NAMES = ("nose", "left_hand", "right_hand")
SIZE = (64, 64)


def body() -> ck.backbones.Backbone:
    """One convolution per level, of stride 2 and 2 × 2 pixels: cells of different places share no pixel."""
    image = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    for level in range(1, 6):
        x = keras.layers.Conv2D(8, 2, 2, activation="relu", name=f"conv{level}")(x)
    return ck.backbone(keras.Model(image, x), preprocessing="inside")


def test_an_hourglass_goes_down_to_few_cells_and_up_again() -> None:
    net = ck.attach(body(), ck.heads.hourglass(NAMES, width=8, depth=4))
    assert net.cut == "conv2"  # all that is deeper the hourglasses see by themselves
    sides = {layer.name: layer.output.shape[1] for layer in net.model.layers}
    assert [sides[f"pose2_glass{depth}_pool"] for depth in (4, 3, 2, 1)] == [8, 4, 2, 1]
    assert [sides[f"pose2_glass{depth}_sum"] for depth in (1, 2, 3, 4)] == [2, 4, 8, 16]
    assert {name: tensor.shape[1:] for name, tensor in net.outputs.items()} == dict.fromkeys(
        ("stage1", "stage2"), (16, 16, 3)
    )


def reached(net: ck.Network, stage: str) -> int:
    """The columns of the input that the middle cell of a heatmap depends on."""
    random = np.random.default_rng(0)
    picture = random.uniform(0, 255, (1, *SIZE, 3)).astype(np.float32)
    model = keras.Model(net.model.input, net.outputs[stage])
    before = model.predict(picture, verbose=0)[0, 4, 4]
    others = np.repeat(picture, SIZE[1], axis=0)
    for column in range(SIZE[1]):
        others[column, :, column] = 255 - others[column, :, column]
    after = model.predict(others, verbose=0)[:, 4, 4]
    return int((np.abs(after - before).max(axis=1) > 0).sum())


def test_each_stage_of_a_pose_machine_sees_further() -> None:
    keras.utils.set_random_seed(0)
    head = ck.heads.pose_machine(NAMES, width=8, kernel=3, convolutions=1)
    net = ck.attach(body(), head)
    assert head.reach == 16
    assert [reached(net, f"stage{stage}") for stage in (1, 2, 3)] == [8, 8 + 16, 8 + 32]


@pytest.fixture(scope="module")
def network() -> ck.Network:
    keras.utils.set_random_seed(1)
    return ck.attach(body(), ck.heads.pose_machine(NAMES, stages=2, width=8, kernel=3, convolutions=1))


def photos() -> ck.data.Source:
    random = np.random.default_rng(0)
    source = ck.data.arrays(random.integers(0, 256, (5, *SIZE, 3), np.uint8), [0, 1, 0, 1, 0], split=(1, 0, 0)).train
    values = random.uniform(10, 50, (5, 3, 2))
    return replace(source, targets=ck.data.targets.Points(NAMES, values, np.full((5, 3), 2), mirror=(0, 2, 1)))


def test_scores_of_stages_are_those_of_networks_with_other_answers(network: ck.Network) -> None:
    table = ck.stage_scores(network, photos(), batch_size=2)
    assert table.index.tolist() == [1, 2]
    for stage in (1, 2):
        alone: Any = replace(network, head=network.head.at_stage(stage))
        scores = ck.evaluate(alone, photos())
        assert table.loc[stage].to_dict() == pytest.approx({name: scores[name] for name in table.columns})
    assert table["oks"][1] != table["oks"][2]
    assert table["oks"][2] == pytest.approx(ck.evaluate(network, photos())["oks"])  # the last one is the answer


def test_the_loss_is_that_of_all_stages(network: ck.Network) -> None:
    head = network.head
    encoded = head.encode(photos().targets, SIZE)
    outputs = network.model.predict(np.zeros((5, *SIZE, 3), np.float32), verbose=0)
    each = [np.asarray(ck.heads.heatmaps(NAMES).loss(encoded, maps)) for maps in outputs.values()]
    assert len(each) == 2
    np.testing.assert_allclose(np.asarray(head.loss(encoded, outputs)), sum(each), rtol=1e-6)


@pytest.mark.parametrize("make", [ck.heads.heatmaps, ck.heads.hourglass, ck.heads.pose_machine])
def test_no_layer_has_a_name_of_nano(make: Any) -> None:
    body = ck.backbone("nano", weights=None, input_shape=(64, 64, 3))
    assert ck.attach(body, make(NAMES)).model.output_shape


def test_words_for_what_is_wrong(network: ck.Network) -> None:
    wrong: list[tuple[Any, dict[str, Any]]] = [
        (ck.heads.hourglass, {"stacks": 0}),
        (ck.heads.hourglass, {"width": 7}),
        (ck.heads.hourglass, {"depth": 0}),
        (ck.heads.hourglass, {"stride": 2}),
        (ck.heads.pose_machine, {"stages": 0}),
        (ck.heads.pose_machine, {"kernel": 4}),
        (ck.heads.pose_machine, {"convolutions": 0}),
        (ck.heads.pose_machine, {"stride": 16}),
    ]
    for make, settings in wrong:
        with pytest.raises(InputError):
            make(NAMES, **settings)
    with pytest.raises(InputError, match="a stage from 1 to 2"):
        network.head.at_stage(3)  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="several stages"):
        ck.stage_scores(ck.attach(body(), ck.heads.classifier(["a", "b"])), photos())
