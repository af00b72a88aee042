"""What two validations are compared by."""

from __future__ import annotations

import pytest

from cnnkit.transfer.plan import Phase
from cnnkit.transfer.standing import is_better, standing_of


@pytest.mark.parametrize(
    ("before", "after", "pictures", "better"),
    [
        (12, 13, 16, False),  # of .75 the standard error is .108, a picture is .0625
        (12, 14, 16, True),  # .125
        (80, 83, 100, False),  # exactly .04 would be 84
        (80, 85, 100, True),
        (16, 16, 16, False),  # nothing is better than all
        (0, 1, 16, True),  # and anything better than none
        (13, 12, 16, False),
    ],
)
def test_an_accuracy_is_earned_by_more_than_its_standard_error(before, after, pictures, better) -> None:
    """√(p (1 − p) / n) by hand."""
    phase = Phase("deep", earned=True, monitor="accuracy")
    rows = [{"val_accuracy": right / pictures, "val_loss": 1.0} for right in (before, after)]
    first, second = (standing_of(phase, row) for row in rows)
    assert is_better(phase, second, first, pictures=pictures) == better


@pytest.mark.parametrize(
    ("before", "after", "pictures", "kept"),
    [
        (12, 11, 16, True),  # of .75 the standard error is .108, a picture is .0625
        (12, 10, 16, False),  # .125
        (80, 77, 100, True),
        (80, 75, 100, False),
        (16, 15, 16, False),  # all right leaves no room for chance
        (0, 0, 16, True),
        (12, 13, 16, True),
    ],
)
def test_a_phase_that_may_revert_is_kept_unless_it_is_worse_by_more_than_that(before, after, pictures, kept) -> None:
    phase = Phase("deep", revert=True, monitor="accuracy")
    rows = [{"val_accuracy": right / pictures, "val_loss": 1.0} for right in (before, after)]
    first, second = (standing_of(phase, row) for row in rows)
    assert is_better(phase, second, first, pictures=pictures) == kept


def test_another_score_that_is_no_worse_is_kept() -> None:
    phase = Phase("deep", revert=True)
    assert is_better(phase, [1.0], [1.0], pictures=16)
    assert not is_better(phase, [1.01], [1.0], pictures=16)


@pytest.mark.parametrize(
    ("monitor", "scores", "losses"),
    [
        ("loss", (0.5, 0.5), (1.0, 0.99)),
        ("mean_iou", (0.5, 0.51), (1.0, 2.0)),
        ("position_error", (0.5, 0.49), (1.0, 2.0)),
        ("mean_iou", (0.5, 0.5), (1.0, 0.99)),  # the loss decides
    ],
)
@pytest.mark.parametrize("earned", [False, True])
def test_other_scores_by_however_little(monitor, scores, losses, earned) -> None:
    phase = Phase("deep", earned=earned, monitor=monitor)
    rows = [{f"val_{monitor}": score, "val_loss": loss} for score, loss in zip(scores, losses, strict=True)]
    first, second = (standing_of(phase, row) for row in rows)
    assert is_better(phase, second, first, pictures=16)
    assert not is_better(phase, first, second, pictures=16)
    assert is_better(phase, first, None, pictures=16)


def test_the_best_epoch_of_a_patient_phase_may_be_so_by_one_picture() -> None:
    phase = Phase("deep", patience=2, monitor="accuracy")
    assert is_better(phase, [-13 / 16, 1.0], [-12 / 16, 1.0], pictures=16)


def test_without_validation_there_is_none() -> None:
    assert standing_of(Phase("head"), {"loss": 1.0}) is None
