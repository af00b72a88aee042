from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import keras
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Polygon
from matplotlib.transforms import Bbox

import cnnkit as ck
from cnnkit.diagrams.architecture_diagram import SLABS, WIDEST, architecture
from cnnkit.diagrams.architecture_parts import DETAILS
from cnnkit.diagrams.layer_words import KINDS
from cnnkit.errors import InputError, UnknownNameError
from tests.visualize.branchy_networks import inception, residual, three_inputs, unet


def texts(figure: Figure, name: str) -> list[str]:
    (axes,) = figure.axes
    found = [text for text in axes.texts if str(text.get_gid()).startswith(f"{name}-")]
    return [text.get_text() for text in found]


def boxes(figure: Figure) -> dict[int, list[Polygon]]:
    """The front of each slab, by part."""
    found: dict[int, list[Polygon]] = {}
    for patch in figure.axes[0].patches:
        kind, *rest = str(patch.get_gid()).split("-")
        if kind == "front":
            found.setdefault(int(rest[0]), []).append(patch)
    return found


def size(patch: Polygon) -> tuple[float, float]:
    (left, bottom), (right, top) = patch.get_xy().min(axis=0), patch.get_xy().max(axis=0)
    return right - left, top - bottom


def arrows(figure: Figure) -> int:
    return sum(isinstance(patch, FancyArrowPatch) for patch in figure.axes[0].patches)


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that touch each other, and texts that touch a box."""
    figure.draw_without_rendering()
    (axes,) = figure.axes
    drawn = [(text.get_text(), text.get_window_extent()) for text in axes.texts]
    faces = [("a box", patch.get_window_extent()) for patch in axes.patches if isinstance(patch, Polygon)]
    pairs = [*itertools.combinations(drawn, 2), *itertools.product(drawn, faces)]
    return [(one, other) for (one, here), (other, there) in pairs if _share(here, there)]


def _share(one: Bbox, other: Bbox) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    up = min(one.y1, other.y1) - max(one.y0, other.y0)
    return across > 1 and up > 2  # a line of text is a little lower than the next one's top


def inside(figure: Figure) -> bool:
    figure.draw_without_rendering()
    page = figure.bbox
    return all(
        page.x0 <= text.get_window_extent().x0 and text.get_window_extent().x1 <= page.x1
        for text in figure.axes[0].texts
    )


SMALL: list[Callable[[], Any]] = [residual, inception, unet, three_inputs, ck.zoo.lenet5, ck.zoo.nano]
LARGE = [
    *(getattr(ck.zoo, name) for name in ("vgg16", "alexnet", "alexnet_two_columns", "googlenet", "resnet50", "nano")),
    *(getattr(ck.zoo, name) for name in ("mobilenet", "mobilenet_v2", "mobilenet_v3_small", "squeezenet1_1")),
    *(getattr(ck.zoo, name) for name in ("densenet121", "shufflenet", "shufflenet_v2", "mobilefacenet")),
]


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("build", SMALL)
def test_texts_are_apart_and_shapes_are_those_of_keras(build: Callable[[], keras.Model], detail: str) -> None:
    model = build()
    made = architecture(model, detail=detail)
    assert not overlapping(made)
    assert inside(made)
    parts = DETAILS[detail](model)
    shapes = ["×".join(map(str, model.get_layer(part.names[0]).output.shape[1:])) for part in DETAILS["layers"](model)]
    assert len(texts(made, "shape")) == len(boxes(made)) == len(parts)
    assert set(texts(made, "shape")) <= set(shapes)
    if detail == "layers":
        assert texts(made, "shape") == shapes
    assert set(texts(made, "legend")) == {KINDS[part.kind].words for part in parts}


@pytest.mark.slow
@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("build", LARGE)
def test_every_network_of_the_lectures_is_readable(build: Callable[[], keras.Model], detail: str) -> None:
    made = architecture(build(), detail=detail)
    assert not overlapping(made)
    assert inside(made)
    if detail == "stages":
        assert made.get_figwidth() <= WIDEST + 0.6 + 1e-6
        assert made.get_figheight() <= 7.5


def test_height_follows_the_side_and_width_the_channels() -> None:
    image = keras.Input((64, 64, 3))
    x = keras.layers.Conv2D(64, 3, padding="same")(image)
    x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Conv2D(256, 3, padding="same")(x)
    made = boxes(architecture(keras.Model(image, x)))
    (_, whole), (thin, _), (_, half), (thick, _) = (size(slabs[0]) for slabs in made.values())
    assert half / whole == pytest.approx(0.5**0.5)
    assert thick / thin == pytest.approx(2)


def test_what_is_repeated_is_drawn_so_often_up_to_four_times() -> None:
    for blocks, slabs in ((2, 2), (3, 3), (9, SLABS)):
        made = architecture(residual(blocks))
        (repeated,) = [found for found in boxes(made).values() if len(found) > 1]
        assert len(repeated) == slabs
        assert f"(3×3, 3×3) ×{blocks}" in texts(made, "words")


def test_two_groups_are_two_columns() -> None:
    image = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(8, 3, padding="same", groups=2)(image)
    made = architecture(keras.Model(image, keras.layers.Conv2D(8, 3, padding="same", groups=2, name="again")(x)))
    assert len(boxes(made)[1]) == 4  # two columns of two slabs
    assert arrows(made) == 2


def test_arrows_are_the_edges_of_the_graph() -> None:
    parts = DETAILS["stages"](unet(2))
    assert arrows(architecture(unet(2))) == sum(len(part.parents) for part in parts) == 12


def test_long_networks_go_on_in_the_next_row() -> None:
    x = image = keras.Input((32, 32, 3))
    for filters in range(1, 41):
        x = keras.layers.Conv2D(filters, 3, padding="same")(x)
    made = architecture(keras.Model(image, x))
    assert made.get_figwidth() <= WIDEST + 0.6 + 1e-6
    lines = {round(patch.get_xy()[:, 1].min(), 2) for slabs in boxes(made).values() for patch in slabs}
    assert len(lines) >= 3
    assert not overlapping(made)
    assert arrows(made) == 40


def test_a_row_may_end_where_branches_begin() -> None:
    x = image = keras.Input((32, 32, 3))
    for number in range(8):
        branches = [keras.layers.Conv2D(8, side, padding="same", name=f"m{number}_{side}")(x) for side in (1, 3, 5)]
        x = keras.layers.Concatenate(name=f"m{number}")(branches)
    model = keras.Model(image, x)
    made = architecture(model, detail="layers")
    assert made.get_figwidth() <= WIDEST + 0.6 + 1e-6
    assert not overlapping(made)
    assert arrows(made) == 8 * 6


def test_a_backbone_and_a_network_with_a_head() -> None:
    body = ck.backbone("nano", weights=None)
    assert texts(architecture(body), "shape")[-1] == "3×3×512"
    net = ck.attach(body, ck.heads.classifier(["a", "b", "c"]))
    made = architecture(net)
    assert texts(made, "shape")[-2:] == ["512", "3"]
    assert texts(made, "words")[-2:] == ["global mean", "dense"]
    assert KINDS["output"].words in texts(made, "legend")


def test_sequences_open_sides_and_a_sequential_model() -> None:
    sound = keras.Sequential([keras.Input((100, 2)), keras.layers.Conv1D(4, 5), keras.layers.GlobalMaxPooling1D()])
    assert texts(architecture(sound), "shape") == ["100×2", "96×4", "4"]
    image = keras.Input((None, None, 3))
    open_sides = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
    assert texts(architecture(open_sides), "shape") == ["?×?×3", "?×?×4"]


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(UnknownNameError, match="stages"):
        architecture(residual(1), detail="stage")
    with pytest.raises(InputError, match="not built"):
        architecture(keras.Sequential([keras.layers.Dense(2)]))
