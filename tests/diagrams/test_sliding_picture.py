from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from PIL import Image

import cnnkit as ck
from cnnkit.diagrams.sliding_picture import (
    convolution,
    convolution_animation,
    pooling,
    pooling_animation,
    transposed_convolution,
    transposed_convolution_animation,
)
from cnnkit.diagrams.sliding_sheet import FILLED, TINTS, WINDOW_TINTS
from cnnkit.diagrams.sliding_window import BORDER, PICTURE
from cnnkit.errors import InputError, MissingExtraError, UnknownNameError
from cnnkit.visualize import film as films
from cnnkit.visualize.film import save_animation

IMAGE = np.array([[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]])
KERNEL = np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]])
ONE_TO_NINE = np.arange(1, 10).reshape(3, 3)
TENS = np.array([[10, 20], [30, 40]])
RIGHT_AND_BELOW = ((0, 1), (0, 1))


def grid(axes: Axes, name: str) -> list[list[str]]:
    """The texts drawn in the cells of a grid, row by row, as far as there are any."""
    found: dict[int, dict[int, str]] = {}
    for text in axes.texts:
        kind, *place = str(text.get_gid()).split("-")
        if kind == name:
            row, column = map(int, place)
            found.setdefault(row, {})[column] = text.get_text()
    return [[row[column] for column in sorted(row)] for _, row in sorted(found.items())]


def formula(axes: Axes) -> str:
    (text,) = [text.get_text() for text in axes.texts if text.get_gid() == "formula"]
    return text


def tints(axes: Axes) -> list[str]:
    return [to_hex(patch.get_facecolor()).upper() for patch in axes.patches if isinstance(patch, Rectangle)]


def written(numbers: np.ndarray | list[list[int]]) -> list[list[str]]:
    return [[str(number) for number in row] for row in numbers]


# --- the lectures' numbers


def test_decks_000_and_003_the_sliding_three_by_three() -> None:
    made = convolution(IMAGE, KERNEL)
    assert len(made.axes) == 9
    assert grid(made.axes[-1], "output") == written([[12, 12, 17], [10, 17, 19], [9, 6, 14]])
    assert grid(made.axes[4], "output") == [["12", "12", "17"], ["10", "17"]]
    for axes, (row, column) in zip(made.axes, itertools.product(range(3), repeat=2), strict=True):
        assert grid(axes, "input") == written(IMAGE)
        assert grid(axes, "kernel") == written(KERNEL)
        assert {text.get_gid() for text in axes.texts} >= {f"kernel-{row}-{column}", f"kernel-{row + 2}-{column + 2}"}


def test_deck_000_the_first_sum_is_written_out() -> None:
    (axes,) = convolution(IMAGE, KERNEL, step=1).axes
    assert formula(axes) == "3·0 + 3·1 + 2·2 +\n0·2 + 0·2 + 1·0 +\n3·0 + 1·1 + 2·2 = 12"


def test_deck_003_zero_padding_and_a_stride_of_two() -> None:
    axes = convolution(IMAGE, KERNEL, padding=1, stride=2).axes
    assert grid(axes[-1], "output") == written([[6, 17, 3], [8, 17, 13], [6, 4, 4]])
    assert grid(axes[0], "input") == written(np.pad(IMAGE, 1))
    border_cells = 49 - 25
    assert tints(axes[0]).count(TINTS[BORDER]) + tints(axes[0]).count(WINDOW_TINTS[BORDER]) == border_cells
    assert tints(axes[0]).count(WINDOW_TINTS[BORDER]) == 5  # of the 9 at the corner
    (middle,) = convolution(IMAGE, KERNEL, padding=1, stride=2, step=5).axes
    assert tints(middle).count(WINDOW_TINTS[PICTURE]) == 9


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("max", [["3", "3", "3"], ["3", "3", "3"], ["3", "2", "3"]]),
        ("average", [["1.7", "1.7", "1.7"], ["1.0", "1.2", "1.8"], ["1.1", "0.8", "1.3"]]),
    ],
)
def test_deck_003_pooling_three_by_three(kind: str, output: list[list[str]]) -> None:
    axes = pooling(IMAGE, 3, kind=kind, stride=1).axes
    assert grid(axes[-1], "output") == output
    assert grid(axes[-1], "kernel") == []
    assert (
        formula(axes[0])
        == {
            "max": "max(3, 3, 2,\n0, 0, 1,\n3, 1, 2) = 3",
            "average": "(3 + 3 + 2 +\n0 + 0 + 1 +\n3 + 1 + 2) / 9 ≈ 1.7",
        }[kind]
    )
    assert formula(axes[3]).endswith({"max": "= 3", "average": "/ 9 = 1.0"}[kind])


@pytest.mark.parametrize(
    ("step", "sum_of_products"),
    [
        (1, "1·10 + 2·20 +\n4·30 + 5·40 = 370"),
        (2, "2·10 + 3·20 +\n5·30 + 6·40 = 470"),
        (3, "4·10 + 5·20 +\n7·30 + 8·40 = 670"),
        (4, "5·10 + 6·20 +\n8·30 + 9·40 = 770"),
    ],
)
def test_deck_004_the_dot_product_at_each_place(step: int, sum_of_products: str) -> None:
    (axes,) = convolution(ONE_TO_NINE, TENS, step=step).axes
    assert formula(axes) == sum_of_products
    assert list(itertools.chain(*grid(axes, "output"))) == ["370", "470", "670", "770"][:step]


def test_deck_004_zeros_right_and_below_and_a_stride_of_two() -> None:
    padded = convolution(ONE_TO_NINE, TENS, padding=RIGHT_AND_BELOW)
    assert grid(padded.axes[-1], "output") == written([[370, 470, 210], [670, 770, 330], [230, 260, 90]])
    assert formula(padded.axes[2]) == "3·10 + 0·20 +\n6·30 + 0·40 = 210"
    strided = convolution(ONE_TO_NINE, TENS, padding=RIGHT_AND_BELOW, stride=2)
    assert grid(strided.axes[-1], "output") == written([[370, 210], [230, 90]])


def test_deck_004_the_border_of_a_max_pooling_holds_no_numbers() -> None:
    axes = pooling(ONE_TO_NINE, 2, stride=1, padding=RIGHT_AND_BELOW).axes
    assert grid(axes[-1], "output") == written([[5, 6, 6], [8, 9, 9], [8, 9, 9]])
    assert grid(axes[0], "input") == [[*row, ""] for row in written(ONE_TO_NINE)] + [[""] * 4]
    assert formula(axes[-1]) == "max(9) = 9"


def test_deck_003_a_dilation_of_two_spans_five() -> None:
    (axes,) = convolution(IMAGE, KERNEL, dilation=2).axes
    places = {text.get_gid() for text in axes.texts if str(text.get_gid()).startswith("kernel")}
    assert places == {f"kernel-{row}-{column}" for row in (0, 2, 4) for column in (0, 2, 4)}
    window = next(patch for patch in axes.patches if isinstance(patch, Rectangle) and not patch.get_fill())
    assert (window.get_width(), window.get_height()) == (5, 5)


# --- beyond


def test_a_transposed_convolution_inserts_zeros_and_turns_the_kernel() -> None:
    """Each pixel stamps the kernel: 1 at the top left, 4·9 = 36 in no overlap at the bottom right."""
    axes = transposed_convolution([[1, 2], [3, 4]], ONE_TO_NINE, stride=2).axes
    stamped = np.zeros((5, 5), int)
    for row, column in itertools.product(range(2), repeat=2):
        stamped[2 * row : 2 * row + 3, 2 * column : 2 * column + 3] += (2 * row + column + 1) * ONE_TO_NINE
    assert grid(axes[-1], "output") == written(stamped)
    assert grid(axes[0], "kernel") == written(ONE_TO_NINE[::-1, ::-1])
    assert grid(axes[0], "input")[2] == ["0", "0", "1", "0", "2", "0", "0"]


def test_a_mirrored_border_shows_the_picture() -> None:
    axes = convolution(ONE_TO_NINE, TENS, padding=1, border="mirror", step=1).axes[0]
    assert grid(axes, "input")[0] == ["5", "4", "5", "6", "5"]


def test_negative_factors_are_in_parentheses_and_rounding_is_admitted() -> None:
    (axes,) = convolution([[-1.0, 2.0]], [[0.25, -3.0]], decimals=1).axes
    assert formula(axes) == "(−1)·0.2 + 2·(−3.0) ≈ −6.2"
    (axes,) = convolution([[-1.0, 2.0]], [[0.25, -3.0]], decimals=2).axes
    assert formula(axes) == "(−1)·0.25 + 2·(−3.00) = −6.25"


@pytest.mark.parametrize(
    ("title", "made"),
    [
        ("3 × 3 convolution, stride 2, padding 1", lambda: convolution(IMAGE, KERNEL, stride=2, padding=1, step=1)),
        ("2 × 2 max pooling", lambda: pooling(IMAGE, 2, step=1)),
        ("3 × 3 max pooling, stride 1", lambda: pooling(IMAGE, 3, stride=1, step=1)),
    ],
)
def test_the_title_says_what_happens(title: str, made: object) -> None:
    assert made().get_suptitle() == title


@pytest.mark.parametrize("step", [1, 9])
def test_no_text_leaves_its_cell(step: int) -> None:
    made = convolution(IMAGE - 120, KERNEL * 100, step=step)
    (axes,) = made.axes
    made.draw_without_rendering()
    cells = [patch.get_window_extent() for patch in axes.patches if isinstance(patch, Rectangle)]
    for text in axes.texts:
        if str(text.get_gid()).startswith(("input", "output")):
            drawn = text.get_window_extent()
            inside = [cell.x0 <= drawn.x0 and drawn.x1 <= cell.x1 and cell.y0 <= drawn.y0 <= cell.y1 for cell in cells]
            assert any(inside), text.get_text()


# --- a sheet is a slide


@pytest.mark.parametrize("side", [5, 7, 15])
def test_a_sheet_of_any_picture_is_a_slide_whose_numbers_can_be_read(side: int) -> None:
    made = convolution(np.arange(side * side).reshape(side, side) % 10, KERNEL)
    width, height = made.get_size_inches()
    assert width <= 12.61
    assert height <= 7.71
    made.draw_without_rendering()
    sheet = made.bbox
    for axes in made.axes:
        sums = next(text for text in axes.texts if text.get_gid() == "formula")
        assert sums.get_fontsize() >= 8
        drawn = sums.get_window_extent()
        assert axes.bbox.x0 <= drawn.x0 <= drawn.x1 <= axes.bbox.x1 <= sheet.x1 + 1
        assert axes.bbox.y0 <= drawn.y0 <= drawn.y1 <= axes.bbox.y1


def test_of_many_steps_those_that_tell_most_are_drawn() -> None:
    made = convolution(np.arange(49).reshape(7, 7), KERNEL)
    steps = [next(text.get_text() for text in axes.texts if "step" in text.get_text()) for axes in made.axes]
    assert steps == [f"step {number} of 25" for number in (1, 2, 6, 25)]
    assert made.get_suptitle() == "3 × 3 convolution: 4 of 25 steps"
    assert len(convolution(np.ones((3, 7)), KERNEL).axes) == 5  # in two rows, no step left out


# --- films


def test_an_animation_is_a_gif_of_all_steps(tmp_path: Path) -> None:
    film = convolution_animation(ONE_TO_NINE, TENS, seconds=0.5)
    path = save_animation(film, tmp_path / "new" / "convolution.gif", dpi=30)
    with Image.open(path) as gif:
        assert (gif.n_frames, gif.info["duration"], gif.info["loop"]) == (4, 500, 0)
    (axes,) = film.figure.axes
    assert grid(axes, "output") == written([[370, 470], [670, 770]])
    assert tints(axes).count(FILLED) == 3


def test_a_notebook_shows_an_animation_with_buttons() -> None:
    page = pooling_animation([[1, 5], [2, 0]], 1)._repr_html_()
    assert page.count("data:image/png;base64") == 4
    assert page.count("<button") == 9
    assert not re.search(r"https?://|<i class", page), "what is loaded from the network is blank offline"


def test_other_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = transposed_convolution_animation([[1]], [[1, 2]])
    page = save_animation(film, tmp_path / "film.html", dpi=30).read_text(encoding="utf-8")
    assert page.count("<button") == 9
    assert "▶|" in page
    assert not re.search(r"https?://|<i class", page)
    with pytest.raises(UnknownNameError, match=r"\.gif"):
        save_animation(film, tmp_path / "film.giv")
    monkeypatch.setattr(films.FFMpegWriter, "isAvailable", lambda: False)
    with pytest.raises(MissingExtraError, match=r"write film\.gif"):
        save_animation(film, tmp_path / "film.mp4")


# --- what cannot be drawn


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(InputError, match="from 1 to 9"):
        convolution(IMAGE, KERNEL, step=0)
    with pytest.raises(InputError, match=r"image\[:9, :9\]"):
        convolution(np.zeros((40, 40)), KERNEL, step=1)
    with pytest.raises(InputError, match="Draw a channel"):
        convolution(np.zeros((9, 9, 3)), KERNEL)
    with pytest.raises(InputError, match="at least as large"):
        convolution(TENS, KERNEL)
    with pytest.raises(UnknownNameError, match="average"):
        pooling(IMAGE, 2, kind="averaged")


def test_pictures_of_arithmetic_need_no_tensorflow() -> None:
    code = (
        "import sys, cnnkit as ck; made = ck.diagrams.pooling([[1, 2], [3, 4]], 2); "
        "print(sorted({'keras', 'tensorflow', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_front_door_has_them_all() -> None:
    assert ck.diagrams.convolution is convolution
    assert ck.visualize.save_animation is save_animation
