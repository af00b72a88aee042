from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import CnnkitError, DataError, InputError, UnknownNameError
from cnnkit.visualize.answers import answered, captions, worst_indices
from cnnkit.visualize.calibration_curve import calibration
from cnnkit.visualize.contact_sheet import fitting_columns, pictures
from cnnkit.visualize.worst_pictures import worst

IMAGES = np.stack([np.full((8, 8, 3), shade, np.uint8) for shade in range(0, 250, 50)])
SOURCE = ck.data.arrays(IMAGES, np.array([0, 1, 0, 1, 0]), classes=["cat", "dog"], split=(1, 0, 0)).train


def table(dog: dict[str, float]) -> pd.DataFrame:
    """What `ck.predict` would say, from id → probability of a dog."""
    p = np.array(list(dog.values()))
    return pd.DataFrame({"id": list(dog), "label": np.where(p >= 0.5, "dog", "cat").tolist(), "cat": 1 - p, "dog": p})


def probabilities(wrong: dict[int, float]) -> dict[str, float]:
    """Right answers at 0.9, and the given probabilities of the true class."""
    rows = {}
    for index, name in enumerate(SOURCE.ids):
        true = wrong.get(index, 0.9)
        rows[name] = true if SOURCE.labels[index] == 1 else 1 - true
    return rows


def test_the_surest_mistakes_come_first_whatever_the_order_of_the_table() -> None:
    predictions = table(probabilities({1: 0.3, 3: 0.05, 2: 0.2})).sample(frac=1, random_state=1)
    answers = answered(SOURCE, predictions)
    assert worst_indices(answers, 10).tolist() == [3, 2, 1]
    names = [SOURCE.classes[SOURCE.labels[index]] for index in (3, 2, 1)]
    others = [{"cat": "dog", "dog": "cat"}[name] for name in names]
    assert captions(answers, np.array([3, 2, 1])) == [
        f"{name} → {other}\n{chance}"
        for name, other, chance in zip(names, others, ("95 %", "80 %", "70 %"), strict=True)
    ]
    made = worst(SOURCE, predictions, count=2)
    assert made.get_suptitle() == "The 2 worst of 3 mistakes"
    np.testing.assert_array_equal(made.axes[0].get_images()[0].get_array(), SOURCE.image(3))


def test_of_three_classes_the_surest_mistake_is_not_the_least_probable_truth() -> None:
    """The first says hen at 50 %, with 10 % for the truth; the second hen at 80 %, with 15 %: the second is surer."""
    source = ck.data.arrays(IMAGES[:3], [0, 1, 2], classes=["cat", "dog", "hen"], split=(1, 0, 0)).train
    rows = [[0.1, 0.4, 0.5], [0.05, 0.15, 0.8], [0.0, 0.0, 1.0]]
    frame = pd.DataFrame(rows, columns=["cat", "dog", "hen"]).assign(id=list(source.ids), label="hen")
    assert worst_indices(answered(source, frame), 2).tolist() == [1, 0]


def test_a_threshold_makes_mistakes_below_a_half() -> None:
    predictions = table(probabilities({1: 0.3, 3: 0.05}))
    predictions["label"] = np.where(predictions["dog"] >= 0.25, "dog", "cat").tolist()
    assert worst_indices(answered(SOURCE, predictions), 5).tolist() == [3]


def test_of_several_labels_the_largest_loss_comes_first() -> None:
    labels = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    source = ck.data.arrays(IMAGES[:4], labels, classes=["cat", "dog"], split=(1, 0, 0)).train
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.02, 0.9], [0.2, 0.7]])
    said = ["cat", "cat", "dog", "dog"]
    frame = pd.DataFrame(p, columns=["cat", "dog"]).assign(id=list(source.ids), label=said)
    answers = answered(source, frame)
    of_truth = np.where(labels == 1, p, 1 - p)
    np.testing.assert_allclose(answers["loss"], -np.log(of_truth).sum(axis=1), rtol=1e-6)  # float32
    assert answers["right"].tolist() == [True, False, False, False]
    assert worst_indices(answers, 9).tolist() == [2, 1, 3]
    assert captions(answers, np.arange(4)) == [
        "cat\nall right",
        "not cat 60 %\nmissed dog 40 %",
        "missed cat 2 %\n",
        "not dog 70 %\n",
    ]
    assert worst(source, frame).get_suptitle() == "The 3 mistakes"


@pytest.mark.parametrize("given", [None, 3, "photos", [1], object()])
def test_every_argument_of_worst_refuses_other_types_in_words(given) -> None:
    good = table(probabilities({1: 0.3}))
    for call in (
        lambda: worst(given, good),
        lambda: worst(SOURCE, given),
        lambda: calibration(given, good),
        lambda: calibration(SOURCE, given),
    ):
        with pytest.raises(CnnkitError):
            call()
    if given != 3:
        with pytest.raises(InputError, match="count"):
            worst(SOURCE, good, count=given)
    with pytest.raises(UnknownNameError, match="'dogg'"):
        worst(SOURCE, good.assign(label="dogg"))


def test_the_calibration_picture_says_its_numbers() -> None:
    """Four answers at 90 %, one wrong at 70 %: 86 % sure, 80 % right; the bins are 10 and 70 points off."""
    upper, lower = calibration(SOURCE, table(probabilities({1: 0.3}))).axes
    title = upper.get_title(loc="left")
    assert "86.0 % sure on average, 80.0 % right" in title
    assert f"{(4 * 10 + 1 * 70) / 5:.1f} points" in title
    assert sum(bar.get_height() for bar in lower.patches) == 5


@pytest.mark.parametrize(
    ("wrong", "heading"),
    [
        ({}, "No mistakes: the pictures it was least sure of"),
        ({1: 0.2}, "The only mistake"),
        ({1: 0.2, 2: 0.3}, "The 2 mistakes"),
    ],
)
def test_few_or_no_mistakes(wrong: dict[int, float], heading: str) -> None:
    assert worst(SOURCE, table(probabilities(wrong)), count=3).get_suptitle() == heading


def test_without_mistakes_the_least_sure_are_shown() -> None:
    answers = answered(SOURCE, table(probabilities({4: 0.6})))
    assert worst_indices(answers, 1).tolist() == [4]


def test_pictures_keep_their_proportions() -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    axes = pictures([wide], ["$5 or $10"]).axes[0]
    assert np.ptp(axes.get_xlim()) == np.ptp(axes.get_ylim()) == 40
    assert axes.get_title(loc="center") == r"\$5 or \$10"


def test_a_source_is_drawn_evenly_from_all_classes() -> None:
    labels = np.repeat([0, 1, 2], [40, 4, 2])  # sorted, as those of a folder
    shades = np.arange(46, dtype=np.uint8)[:, None, None, None] + np.zeros((8, 8, 3), np.uint8)
    source = ck.data.arrays(shades, labels, classes=["cat", "dog", "hen"], split=(1, 0, 0)).train
    made = [pictures(source, count=9, seed=seed) for seed in (0, 0, 1)]
    titles = [axes.get_title(loc="center") for axes in made[0].axes]
    assert [titles.count(name) for name in source.classes] == [4, 3, 2]
    shown = [[int(axes.get_images()[0].get_array()[0, 0, 0]) for axes in figure.axes[:9]] for figure in made]
    assert titles[:9] == [source.classes[labels[shade]] for shade in shown[0]]
    assert shown[0] == shown[1] != shown[2]


def test_a_source_with_several_labels_or_none() -> None:
    several = ck.data.arrays(IMAGES, np.array([[1, 1], [0, 1], [0, 0], [1, 0], [1, 1]]), split=(1, 0, 0)).train
    titles = [axes.get_title(loc="center") for axes in pictures(several).axes]
    assert sorted(titles) == ["", "0", "0, 1", "0, 1", "1"]
    assert len(pictures(ck.data.Source(("a",), None, SOURCE.reader, np.zeros(1, np.int64))).axes) == 1


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (6, 6), (8, 4), (10, 5), (12, 6), (18, 6), (30, 8)])
def test_columns(count: int, columns: int) -> None:
    assert fitting_columns(count) == columns
    assert sum(axes.get_visible() for axes in pictures([IMAGES[0]] * count).axes) == count


LONG = "Welsh springer spaniel → English springer, English springer spaniel"


@pytest.mark.parametrize("count", [6, 12])
@pytest.mark.parametrize("title", ["dog", LONG, "Cypripedium" * 6, f"{LONG}\n98 %"])
def test_a_sheet_is_a_slide_and_no_title_meets_another(count: int, title: str) -> None:
    made = pictures([IMAGES[0]] * count, [title] * count)
    assert made.get_figwidth() <= 11
    assert made.get_figheight() <= 9
    made.draw_without_rendering()
    drawn = [axes.title.get_window_extent() for axes in made.axes[: min(count, 13)] if axes.get_visible()]
    row = [box for box in drawn if abs(box.y0 - drawn[0].y0) < 1]
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(row))
    assert made.axes[0].title.get_fontsize() >= (8 if count <= 12 else 6)


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    for number, image in enumerate(IMAGES):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    assert len(pictures(tmp_path, count=3).axes) == 3
    assert len(pictures(tmp_path / "1.png").axes) == 1


def test_what_cannot_be_shown() -> None:
    with pytest.raises(InputError, match="at least one picture"):
        pictures([])
    with pytest.raises(InputError, match="as many titles"):
        pictures(IMAGES, ["one"])
    with pytest.raises(DataError, match="with labels"):
        worst(ck.data.Source.empty(["cat", "dog"]), table(probabilities({})))
    with pytest.raises(DataError, match="every picture"):
        worst(SOURCE, table(probabilities({})).iloc[1:])
    with pytest.raises(DataError, match=r"photos\.test"):
        worst("photos/", table(probabilities({})))
    with pytest.raises(InputError, match=r"ck\.predict"):
        worst(SOURCE, "table")
    with pytest.raises(DataError, match="multiply by 255"):
        pictures(IMAGES / 255)
