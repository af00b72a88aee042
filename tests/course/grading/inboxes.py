"""Classes that hand in: valid submissions of a planned accuracy, and bad ones, made in milliseconds each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnkit.course.grading.labels import Labels, write_labels
from cnnkit.course.submissions.assignment import Assignment
from tests.course.submissions.valid import write_valid

ROWS = 200
SPEC = Assignment(name="people", title="People & <pictures>", rows=ROWS)
"""120 of 200 is not above 60 %."""


def labels(rows: int = ROWS, seed: int = 0) -> Labels:
    """As many of one class as of the other, in an order that the seed decides."""
    truth = np.random.default_rng(seed).permutation(np.arange(rows) % 2 == 0)
    return Labels(tuple(f"{row:06d}" for row in range(rows)), truth, "salt")


def with_correct(truth: NDArray[np.bool_], correct: int, seed: int) -> NDArray[np.float32]:
    """Probabilities of which exactly so many decide right at 0.5."""
    generator = np.random.default_rng(seed)
    right = generator.permutation(np.arange(len(truth)) < correct)
    distance = generator.uniform(0.01, 0.49, len(truth)).astype(np.float32)
    return np.where(truth == right, np.float32(0.5) + distance, np.float32(0.5) - distance)


def make_class(
    root: Path, correct: dict[str, int], *, spec: Assignment = SPEC, bad: tuple[str, ...] = (), seed: int = 0
) -> Path:
    """A course: `root/inbox`, `root/labels.parquet` and `root/assignment`.

    Args:
        root: It is made.
        correct: Student → how many rows are right.
        spec: The assignment.
        bad: Students who hand in something else; each in another way.
        seed: Of labels and submissions.
    """
    truth = labels(spec.rows, seed)
    write_labels(root / "labels.parquet", truth)
    spec.save(root / "assignment")
    for number, (student, count) in enumerate(correct.items()):
        probabilities = with_correct(truth.truth, count, seed=seed + number)
        write_valid(root / "inbox" / student, seed=seed + number, assignment=spec, probabilities=probabilities)
    for number, student in enumerate(bad):
        folder = root / "inbox" / student
        write_valid(folder, seed=10_000 + number, assignment=spec)
        SPOILED[number % len(SPOILED)](folder)
    return root


def _truncate(folder: Path) -> None:
    file = folder / "model.weights.h5"
    file.write_bytes(file.read_bytes()[:-100])


def _no_parquet(folder: Path) -> None:
    (folder / "predictions.parquet").write_bytes(b"PAR1 and nothing else PAR1")


def _not_json(folder: Path) -> None:
    (folder / "model.json").write_text('{"class_name": "Lambda", "class_name": 1}')


def _missing(folder: Path) -> None:
    (folder / "train.ipynb").unlink()


def _link(folder: Path) -> None:
    (folder / "predictions.parquet").unlink()
    (folder / "predictions.parquet").symlink_to("/etc/passwd")


SPOILED = (_truncate, _no_parquet, _not_json, _missing, _link)
