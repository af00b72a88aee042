from __future__ import annotations

from collections.abc import Callable

import keras
import pytest
from keras import layers

import cnnkit as ck
from cnnkit.diagrams.architecture_parts import DETAILS, Part, untangled
from cnnkit.diagrams.layer_words import spread_out
from tests.visualize.branchy_networks import inception, residual, three_inputs, unet
from tests.weightless import weightless


def told(model: keras.Model, detail: str = "stages") -> list[tuple[str, str]]:
    """Shape and words of each part."""
    parts = DETAILS[detail](model)
    return [(spread_out(part.shape), "; ".join(part.lines())) for part in parts]


# --- the networks of the lectures


def test_decks_000_and_001_alexnet() -> None:
    assert told(ck.zoo.alexnet()) == [
        ("227×227×3", "input"),
        ("55×55×96", "11×11 /4"),
        ("27×27×96", "3×3 max /2"),
        ("27×27×256", "5×5"),
        ("13×13×256", "3×3 max /2"),
        ("13×13×384", "3×3 ×2"),
        ("13×13×256", "3×3"),
        ("6×6×256", "3×3 max /2"),
        ("4096", "dense ×2"),
        ("1000", "dense"),
    ]


def test_lenet_as_its_paper_tells_it() -> None:
    """LeCun et al., 1998, figure 2: C1, S2, C3 by Table I, S4, C5, F6, output."""
    rows = [
        ("32×32×1", "input"),
        ("28×28×6", "5×5"),
        ("14×14×6", "2×2 mean /2"),
        ("10×10×16", "5×5, each on some maps"),
        ("5×5×16", "2×2 mean /2"),
        ("1×1×120", "5×5"),
        ("84", "dense"),
        ("10", "dense"),
    ]
    parts = DETAILS["stages"](ck.zoo.lenet5())
    assert told(ck.zoo.lenet5()) == told(ck.zoo.lenet5(), "blocks") == rows
    assert [part.kind for part in parts[1:5]] == ["convolution", "pooling", "convolution", "pooling"]


def test_keras_applications_are_told_in_the_words_of_their_papers() -> None:
    """Liu et al., 2022, figure 2: a 4×4 stem, then 3, 3, 9, 3 blocks. Zoph et al., 2018: NASNet-A (4 @ 1056)."""
    with weightless():
        convnext = keras.applications.ConvNeXtTiny(weights=None, include_top=False, input_shape=(224, 224, 3))
        nasnet = keras.applications.NASNetMobile(weights=None, include_top=False, input_shape=(224, 224, 3))
    block = "(7×7 dw, 1×1, 1×1)"
    told_stages = [words for _, words in told(convnext)][1:]
    assert told_stages == [f"4×4; {block} ×3", f"2×2; {block} ×3", f"2×2; {block} ×9", f"2×2; {block} ×3"]
    cells = [words for _, words in told(nasnet) if "cell" in words]
    assert [words.rsplit(" ", 1)[1] for words in cells] == ["×5", "×5", "×4"]  # with the reduction cell after each
    assert all(word in cells[0] for word in ("1×1", "3×3 dw", "5×5 dw", "7×7 dw"))
    kinds = {part.kind for model in (convnext, nasnet) for part in DETAILS["stages"](model)}
    assert "other" not in kinds


def test_deck_004_alexnet_in_two_columns() -> None:
    parts = DETAILS["stages"](ck.zoo.alexnet_two_columns(classes=None))
    assert [part.groups for part in parts] == [1, 1, 1, 2, 1, 1, 2, 2, 1]
    assert told(ck.zoo.alexnet_two_columns(classes=None))[5:7] == [
        ("13×13×384", "3×3"),
        ("13×13×384", "3×3 in 2 groups"),
    ]


def test_deck_000_vgg16() -> None:
    sides, channels, counts = (224, 112, 56, 28, 14), (64, 128, 256, 512, 512), (2, 2, 3, 3, 3)
    rows = [("224×224×3", "input")]
    for side, channel, count in zip(sides, channels, counts, strict=True):
        rows += [(f"{side}×{side}×{channel}", f"3×3 ×{count}"), (f"{side // 2}×{side // 2}×{channel}", "2×2 max /2")]
    assert told(ck.zoo.vgg16(classes=None)) == rows


@pytest.mark.parametrize(
    ("build", "block", "counts", "channels"),
    [
        (ck.zoo.resnet18, "(3×3, 3×3)", (2, 2, 2, 2), (64, 128, 256, 512)),
        (ck.zoo.resnet50, "(1×1, 3×3, 1×1)", (3, 4, 6, 3), (256, 512, 1024, 2048)),
    ],
)
def test_deck_004_the_stage_table_of_resnet(
    build: Callable[..., keras.Model], block: str, counts: tuple[int, ...], channels: tuple[int, ...]
) -> None:
    assert told(build(classes=10)) == [
        ("224×224×3", "input"),
        ("112×112×64", "7×7 /2"),
        ("56×56×64", "3×3 max /2"),
        *(
            (f"{side}×{side}×{channel}", f"{block} ×{count}")
            for side, channel, count in zip((56, 28, 14, 7), channels, counts, strict=True)
        ),
        (f"{channels[-1]}", "global mean"),
        ("10", "dense"),
    ]


def test_deck_001_nine_inception_modules() -> None:
    net = ck.zoo.googlenet(classes=None)
    modules = [part for part in DETAILS["blocks"](net) if part.kind == "branches"]
    assert len(modules) == 9
    assert all(part.words == (("4 branches",),) for part in modules)
    assert [words for _, words in told(net) if "branches" in words] == [
        "4 branches ×2",
        "4 branches ×5",
        "4 branches ×2",
    ]


def test_auxiliary_heads_are_branches_of_their_own() -> None:
    parts = DETAILS["blocks"](ck.zoo.googlenet(auxiliary=True, classes=10))
    assert sum(part.kind == "branches" for part in parts) == 9
    ends = {part.names[-1] for part in parts if part.kind == "output"}
    assert ends == {"predictions", "auxiliary1", "auxiliary2"}


def test_deck_003_mobilenets_and_squeezenet() -> None:
    """MobileNetV2, Table 2: 2, 3, 4 + 3 and 3 + 1 bottlenecks at strides 4, 8, 16 and 32."""
    inverted = [words for _, words in told(ck.zoo.mobilenet_v2(classes=None)) if words.startswith("(")]
    assert inverted == [f"(1×1, 3×3 dw, 1×1) ×{count}" for count in (2, 3, 7, 4)]
    separable = [words for _, words in told(ck.zoo.mobilenet(classes=None)) if words.startswith("(")]
    assert separable == [f"(3×3 dw, 1×1) ×{count}" for count in (2, 2, 6, 2)]
    fire = [words for _, words in told(ck.zoo.squeezenet1_1(classes=None)) if "branches" in words]
    assert fire == [f"(1×1, 2 branches) ×{count}" for count in (2, 2, 4)]


def test_squeeze_and_excitation_is_no_fork() -> None:
    """MobileNetV3-Small, Table 2: one block at stride 4, two at 8, five at 16, three at 32."""
    rows = told(ck.zoo.mobilenet_v3_small(classes=None))
    assert rows[2:6] == [
        ("56×56×16", "3×3 dw, 1×1"),
        ("28×28×24", "(1×1, 3×3 dw, 1×1) ×2"),
        ("14×14×48", "(1×1, 5×5 dw, 1×1) ×5"),
        ("7×7×96", "(1×1, 5×5 dw, 1×1) ×3"),
    ]


def test_densenet121_has_6_12_24_and_16_layers_a_block() -> None:
    """Huang et al., 2017, Table 1."""
    rows = told(ck.zoo.densenet121(classes=None))
    assert [words for _, words in rows if words.startswith("(")] == [f"(1×1, 3×3) ×{n}" for n in (6, 12, 24, 16)]
    assert [shape for shape, words in rows if words == "1×1"] == ["56×56×128", "28×28×256", "14×14×512"]


# --- graphs


def test_layers_carry_their_normalization_and_activation() -> None:
    parts = DETAILS["layers"](residual(1))
    assert [(part.names[0], part.kind, part.extras) for part in parts] == [
        ("image", "input", ()),
        ("first", "convolution", ()),
        ("block1_conv1", "convolution", ("batch norm", "ReLU")),
        ("block1_conv2", "convolution", ("batch norm",)),
        ("block1_add", "joining", ("ReLU",)),
        ("pool", "pooling", ()),
        ("answer", "output", ("softmax",)),
    ]
    assert parts[4].parents == (1, 3)


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("build", [residual, inception, unet, three_inputs])
def test_no_layer_is_lost_and_parts_come_in_order(build: Callable[[], keras.Model], detail: str) -> None:
    model = build()
    parts = DETAILS[detail](model)
    assert sorted(name for part in parts for name in part.names) == sorted(layer.name for layer in model.layers)
    assert all(parent < at for at, part in enumerate(parts) for parent in part.parents)
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    for part in parts:
        assert part.shape in {shapes[name] for name in part.names}


def test_a_unet_is_no_single_block() -> None:
    parts = DETAILS["stages"](unet(2))
    assert [(part.kind, spread_out(part.shape)) for part in parts] == [
        ("input", "64×64×3"),
        ("convolution", "64×64×8"),
        ("pooling", "32×32×8"),
        ("convolution", "32×32×16"),
        ("pooling", "16×16×16"),
        ("convolution", "16×16×32"),
        ("enlarging", "32×32×16"),
        ("convolution", "32×32×16"),
        ("enlarging", "64×64×8"),
        ("convolution", "64×64×8"),
        ("output", "64×64×2"),
    ]
    assert parts[7].parents == (3, 6)
    assert parts[9].parents == (1, 8)
    assert parts[7].lines() == ["concatenate", "3×3 ×2"]


def test_several_inputs_and_outputs() -> None:
    parts = DETAILS["layers"](three_inputs())
    assert {part.names[0] for part in parts if part.kind == "input"} == {"photo", "depth", "facts"}
    assert {part.names[0] for part in parts if part.kind == "output"} == {"what", "how_much"}


def test_a_dense_layer_at_each_place_is_a_one_by_one_convolution() -> None:
    image = keras.Input((8, 8, 4))
    parts = DETAILS["layers"](keras.Model(image, layers.Activation("relu")(layers.Dense(6)(image))))
    assert (parts[1].kind, parts[1].words) == ("convolution", (("1×1",),))


def test_what_is_no_block_and_too_much_is_one_part_a_size() -> None:
    """Cells that read the two before them, as NASNet's: no layer between the first and the last dominates another."""
    x = before = layers.Conv2D(4, 3, padding="same")(image := keras.Input((16, 16, 3)))
    for size in range(3):
        for _ in range(8):
            x, before = layers.Add()([layers.Conv2D(4, 3, padding="same")(x), before]), x
        if size < 2:
            x, before = (layers.Conv2D(4, 3, 2, padding="same")(maps) for maps in (x, before))
    model = keras.Model(image, layers.GlobalMaxPooling2D()(layers.Add()([x, before])))
    assert told(model) == [
        ("16×16×3", "input"),
        ("16×16×4", "17 layers"),  # the first convolution, 8 more, 8 sums
        ("8×8×4", "18 layers"),  # 2 with a stride, 8 and 8
        ("4×4×4", "19 layers"),
        ("4", "global max"),
    ]


def test_a_size_that_is_come_back_to_stays_as_it_is() -> None:
    parts = DETAILS["layers"](unet(3))
    assert untangled(parts) == parts


def test_parts_are_values() -> None:
    part = DETAILS["layers"](inception())[0]
    assert isinstance(part, Part)
    assert part.sides == (28, 28)
