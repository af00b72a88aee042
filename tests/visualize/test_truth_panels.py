"""Predictions beside truth, the worst of them, what is taken for what, and bars: of masks, on drawn pictures."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

import cnnkit as ck
from cnnkit.data.targets import Masks
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.visualize import style
from cnnkit.visualize.class_bars import scores_by_class
from cnnkit.visualize.pixel_confusion import confused_pixels

NAMES = ("sky", "ground", "cat", "unseen")
WRONG = (2, 9, 0, 5)  # pixels of 4 × 6 that are wrong


@cache
def source() -> ck.data.Source:
    random = np.random.default_rng(0)
    photos = ck.data.arrays(random.integers(0, 255, (4, 4, 6, 3)), [0, 1, 0, 1], split=(1, 0, 0)).train
    return replace(photos, targets=Masks.of_arrays(NAMES, random.integers(0, 3, (4, 4, 6))))


@cache
def table() -> pd.DataFrame:
    """Predictions whose first pixels are one class further; in another order than the pictures."""
    maps = []
    for index, wrong in enumerate(WRONG):
        flat = source().targets.mask(index).flatten()
        flat[:wrong] = (flat[:wrong] + 1) % 3
        maps.append(flat.reshape(4, 6))
    return Masks.of_arrays(NAMES, maps).table(source().ids).sample(frac=1, random_state=1)


def head() -> ck.heads.Head:
    return ck.heads.unet(NAMES)


def titles(figure) -> list[str]:
    return [axes.get_title(loc="center") for axes in figure.axes if axes.get_title(loc="center")]


def test_a_row_of_panels_per_picture() -> None:
    figure = ck.visualize.predictions(source(), table(), count=4)
    assert titles(figure) == ["photograph", "truth", "prediction", "wrong"]
    for index, wrong in enumerate(WRONG):
        axes = figure.axes[4 * index + 3]
        np.testing.assert_array_equal(axes.get_images()[0].get_array(), source().image(index))
        painted = np.isclose(axes.get_images()[1].get_array()[..., :3], to_rgb(style.WRONG)).all(axis=-1)
        assert painted.ravel().tolist() == [True] * wrong + [False] * (24 - wrong)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["sky", "ground", "cat"]


def test_the_worst_by_the_score_of_the_head() -> None:
    figure = ck.visualize.worst(source(), table(), count=2, head=head())
    assert figure.get_suptitle() == "The 2 most wrong of 4 pictures"
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["38 % wrong", "21 % wrong"]
    np.testing.assert_array_equal(figure.axes[0].get_images()[0].get_array(), source().image(1))
    assert titles(figure) == ["truth", "prediction", "wrong"] * 2


def test_without_a_mistake() -> None:
    right = source().targets.table(source().ids)
    assert ck.visualize.worst(source(), right, count=1, head=head()).get_suptitle() == "No mistakes"


def test_a_head_is_needed_where_there_is_no_usual_one() -> None:
    with pytest.raises(InputError, match=r"a head or a network.*net\.head"):
        ck.visualize.worst(source(), table(), head="unet")
    with pytest.raises(DataError, match="other truth that predictions"):
        ck.visualize.worst(source().take([]), table())


def test_pictures_as_truth_have_a_usual_head() -> None:
    edges = ck.data.scenes(4, size=32, target="edges").train
    assert ck.visualize.worst(edges, edges.targets.table(edges.ids)).get_suptitle() == "No mistakes"


def test_pixels_are_counted_over_all_pictures() -> None:
    confusion = confused_pixels(source(), table())
    assert confusion.pixel_accuracy == pytest.approx(1 - sum(WRONG) / 96)
    axes = ck.visualize.pixel_confusion(source(), table()).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["sky", "ground", "cat"]  # "unseen" is left out
    assert axes.get_title(loc="left").startswith("83 % of the pixels right")
    shares = confusion.matrix[:3, :3] / confusion.pixels[:3, None]
    told = {(text.xy[1], text.xy[0]): int(text.get_text()) for text in axes.texts}
    assert told == {(row, column): round(100 * shares[row, column]) for row, column in np.argwhere(shares).tolist()}


def test_pixels_that_are_predicted_as_nothing_are_a_column() -> None:
    nothing = Masks.of_arrays(NAMES, np.full((4, 4, 6), 255)).table(source().ids)
    axes = ck.visualize.pixel_confusion(source(), nothing).axes[0]
    assert axes.get_xticklabels()[-1].get_text() == "void"
    assert {text.get_text() for text in axes.texts} == {"100"}


def test_pixels_of_labels_are_refused() -> None:
    photos = ck.data.arrays(np.zeros((2, 4, 4, 3), np.uint8), [0, 1], classes=["a", "b"], split=(1, 0, 0)).train
    said = pd.DataFrame({"id": photos.ids, "label": "a", "a": 1.0, "b": 0.0})
    with pytest.raises(DataError, match="pictures with masks"):
        ck.visualize.pixel_confusion(photos, said)


def test_bars_are_sorted_and_their_mean_is_told() -> None:
    scores = {"mean_iou": 0.6, "iou/cat": 0.2, "iou/$dog$": 1.0, "dice/cat": 0.3}
    axes = ck.visualize.class_scores(scores).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [1.0, 0.2]
    assert [label.get_text() for label in axes.get_yticklabels()] == [r"\$dog\$", "cat"]
    assert axes.texts[0].get_text() == "mean 60.0 %"
    assert len(ck.visualize.class_scores(scores, score="dice").axes[0].patches) == 1
    with pytest.raises(UnknownNameError, match="'iuo'"):
        ck.visualize.class_scores(scores, score="iuo")
    with pytest.raises(InputError, match="iou/car"):
        scores_by_class({"mean_iou": 0.6})
