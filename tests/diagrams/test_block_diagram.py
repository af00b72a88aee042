from __future__ import annotations

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

import cnnkit as ck
from cnnkit.diagrams.block_diagram import block
from cnnkit.errors import InputError, UnknownNameError
from tests.visualize.branchy_networks import inception, residual, three_inputs


def signs(figure: Figure) -> list[list[str]]:
    """The texts of each box, from top to bottom."""
    found: dict[int, list[str]] = {}
    for text in figure.axes[0].texts:
        kind, _, number = str(text.get_gid()).partition("-")
        if kind in ("what", "besides"):
            found.setdefault(int(number), []).append(text.get_text())
    return list(found.values())


def arrows(figure: Figure) -> int:
    return sum(isinstance(patch, FancyArrowPatch) for patch in figure.axes[0].patches)


def test_a_residual_block() -> None:
    made = block(residual(2), "first", "block1_out")
    assert signs(made) == [
        ["3×3 convolution, 16 /2", "16×16×16"],
        ["3×3 convolution, 16", "batch norm · ReLU", "16×16×16"],
        ["3×3 convolution, 16", "batch norm", "16×16×16"],
        ["add", "ReLU", "16×16×16"],
    ]
    assert arrows(made) == 4  # three along the way and the shortcut


def test_deck_001_an_inception_module() -> None:
    """1×1, 3×3, 5×5 and a pooling side by side; Szegedy et al., 2014, Table 1, row 3a."""
    made = block(inception(), "image", "joined")
    drawn = signs(made)
    assert sorted(what for what, *_ in drawn) == sorted(
        [
            "input",
            "1×1 convolution, 64",
            "1×1 convolution, 96",
            "3×3 convolution, 128",
            "1×1 convolution, 16",
            "5×5 convolution, 32",
            "3×3 max pooling",
            "1×1 convolution, 32",
            "concatenate",
        ]
    )
    assert drawn[-1] == ["concatenate", "28×28×256"]
    assert arrows(made) == 11


def test_texts_are_in_their_boxes_and_boxes_apart() -> None:
    for made in (block(inception(), "image", "joined"), block(three_inputs(), "photo", "what")):
        made.draw_without_rendering()
        (axes,) = made.axes
        frames = {
            str(patch.get_gid()).partition("-")[2]: patch.get_window_extent()
            for patch in axes.patches
            if isinstance(patch, FancyBboxPatch)
        }
        for text in axes.texts:
            kind, _, number = str(text.get_gid()).partition("-")
            if kind in ("what", "besides"):
                drawn, frame = text.get_window_extent(), frames[number]
                assert frame.x0 < drawn.x0
                assert drawn.x1 < frame.x1
                assert frame.y0 - 1 < drawn.y0
                assert drawn.y1 < frame.y1 + 1
        extents = list(frames.values())
        assert not any(one.overlaps(other) for at, one in enumerate(extents) for other in extents[:at])


def test_only_what_lies_between() -> None:
    assert [sign[0] for sign in signs(block(three_inputs(), "depth1", "pool"))] == [
        "5×5 convolution, 32 /4",
        "concatenate",
        "global mean pooling",
    ]


def test_a_layer_inside_of_a_part_stands_for_it() -> None:
    assert signs(block(residual(1), "block1_relu", "block1_norm2")) == signs(
        block(residual(1), "block1_conv1", "block1_conv2")
    )


def test_a_network_with_a_head() -> None:
    net = ck.attach(ck.backbone("nano", weights=None), ck.heads.classifier(["a", "b", "c"]))
    made = block(net, net.cut, net.model.layers[-1].name)
    assert signs(made)[-1][0] == "dense"
    assert "softmax" in signs(made)[-1][1]


def test_what_is_no_block() -> None:
    with pytest.raises(UnknownNameError, match="block1_out"):
        block(residual(1), "first", "block1_outt")
    with pytest.raises(InputError, match="depends on the first"):
        block(residual(1), "block1_out", "first")
    with pytest.raises(InputError, match="depends on the first"):
        block(three_inputs(), "facts1", "pool")
