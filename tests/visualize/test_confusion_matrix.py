from __future__ import annotations

import numpy as np
import pytest

from cnnkit.errors import CnnkitError, DataError, InputError, UnknownNameError
from cnnkit.visualize.confusion_matrix import confusion, confusion_counts, label_confusion_counts

CLASSES = ["cat", "dog", "hen"]
TRUE = ["cat", "cat", "cat", "dog", "dog", "hen"]
GUESS = ["cat", "cat", "dog", "dog", "hen", "hen"]
BY_HAND = [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_counts_by_hand_from_names_and_indices() -> None:
    indices = [CLASSES.index(name) for name in TRUE]
    assert confusion_counts(TRUE, GUESS, CLASSES).tolist() == BY_HAND
    assert confusion_counts(np.array(indices), GUESS, CLASSES).tolist() == BY_HAND


def test_cells_say_count_and_percentage_of_the_row() -> None:
    (axes,) = confusion(TRUE, GUESS, CLASSES).axes
    cells: dict[tuple[float, float], list[str]] = {}
    for text in axes.texts:
        cells.setdefault(tuple(text.xy), []).append(text.get_text())  # (column, row)
    assert cells == {
        (0, 0): ["2", "67 %"],
        (1, 0): ["1", "33 %"],
        (1, 1): ["1", "50 %"],
        (2, 1): ["1", "50 %"],
        (2, 2): ["1", "100 %"],
    }
    assert axes.get_title(loc="left") == "67 % right: 4 of 6"
    assert axes.get_yticklabels()[0].get_text() == "cat\n3 pictures"


@pytest.mark.parametrize("count", [2, 10, 40])
def test_any_number_of_classes(count: int) -> None:
    labels = np.arange(count)
    (axes,) = confusion(labels, labels, [f"${number}" for number in range(count)]).axes
    assert axes.get_images()[0].get_array().shape[:2] == (count, count)
    assert len(axes.texts) == {2: 4, 10: 20, 40: 0}[count]


SHOWN = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]])
SAID = ["cat", "cat|hen", "dog", ""]


def test_each_label_has_a_matrix_as_scikit_learn_counts_it() -> None:
    reference = pytest.importorskip("sklearn.metrics")
    flags = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 0, 0]])
    expected = reference.multilabel_confusion_matrix(SHOWN, flags).tolist()
    assert label_confusion_counts(SHOWN, SAID, CLASSES).tolist() == expected
    assert label_confusion_counts(SHOWN, flags, CLASSES).tolist() == expected
    made = confusion(SHOWN, SAID, CLASSES)
    assert [axes.get_title(loc="center") for axes in made.axes] == CLASSES
    assert [text.get_text() for text in made.axes[1].texts] == ["2", "0", "1", "1"]
    assert made.get_suptitle() == "83 % of all yes/no decisions right"


def test_of_very_many_labels_those_with_mistakes_are_drawn() -> None:
    shown = np.zeros((3, 60), int)
    said = shown.copy()
    said[0, 50:] = 1
    made = confusion(shown, said, [f"${number}" for number in range(60)])
    assert sum(axes.get_visible() for axes in made.axes) == 40
    assert made.axes[39].get_title(loc="center") == r"\$59"


@pytest.mark.parametrize("given", [None, 3, "cats", [[1], [1, 0]], object(), [None, None], {"a": 1}])
def test_every_argument_refuses_other_types_in_words(given) -> None:
    for arguments in ((given, GUESS, CLASSES), (TRUE, given, CLASSES), (SHOWN, given, CLASSES), (given, SAID, CLASSES)):
        with pytest.raises(CnnkitError):
            confusion(*arguments)
    if not isinstance(given, list | dict):
        with pytest.raises(InputError, match="list of class names"):
            confusion(TRUE, GUESS, given)


def test_what_is_no_confusion_matrix() -> None:
    with pytest.raises(DataError, match="one prediction for each"):
        confusion_counts(TRUE, GUESS[:-1], CLASSES)
    with pytest.raises(DataError, match="from 0 to 2"):
        confusion_counts([3], [0], CLASSES)
    with pytest.raises(DataError, match=r"a table \(n, classes\)"):
        confusion_counts(np.zeros((2, 3)), np.zeros((2, 3)), CLASSES)
    with pytest.raises(DataError, match=r"photos\.test\.labels"):
        confusion_counts("photos", GUESS, CLASSES)
    with pytest.raises(UnknownNameError, match="hen"):
        confusion_counts(["henn"], ["hen"], CLASSES)
