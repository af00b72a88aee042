"""The secret labels of the score segment: a Parquet file with a row a picture, in the order of the predictions.

Column `label` says 0 or 1; column `id`, where there is one, names the picture. A salt in the file's metadata makes the
published fingerprint useless for guessing labels, and decides the order of the rows and which of them are public.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cnnkit.course.submissions.assignment import Assignment
from cnnkit.errors import DataError
from cnnkit.export.atomic_file import replacing

METADATA_KEY = b"cnnkit labels"


@dataclass(frozen=True, eq=False)
class Labels:
    """What is true of each picture of the score segment.

    Attributes:
        ids: (n,) names of the pictures.
        truth: (n,) whether each is of the assignment's class.
        salt: A secret of this file.
    """

    ids: tuple[str, ...]
    truth: NDArray[np.bool_]
    salt: str = ""

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of salt, ids and labels: the same labels, the same string; nothing can be learned from it."""
        whole = json.dumps([self.salt, self.ids, self.truth.astype(int).tolist()])
        return hashlib.sha256(whole.encode()).hexdigest()

    @cached_property
    def _secret(self) -> str:
        return hashlib.sha256(self.salt.encode() + np.packbits(self.truth).tobytes()).hexdigest()

    def pseudonym(self, student: str) -> str:
        """A student's name on the public board: always the same, and told by nobody who lacks this file."""
        return f"anon-{hashlib.sha256(f'{self._secret} {student}'.encode()).hexdigest()[:8]}"

    def public(self, share: Fraction) -> NDArray[np.bool_]:
        """Which rows are public: the given share of them, 0…1, chosen by a hash of salt and id."""
        digests = [hashlib.sha256(f"{self.salt} {row} {name}".encode()).digest() for row, name in enumerate(self.ids)]
        order = sorted(range(len(self)), key=lambda row: digests[row])
        chosen = np.zeros(len(self), np.bool_)
        chosen[order[: round(share * len(self))]] = True
        return chosen


def read_labels(path: Path, assignment: Assignment) -> Labels:
    """The labels of a Parquet file, if they are those of the assignment.

    Raises:
        DataError: No such file, no column `label` of 0 and 1, another number of rows, other labels than the
            assignment's fingerprint says, or labels that a constant answer would pass with.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"labels as Parquet in {path}", str(error).splitlines()[0], _PREPARE) from error
    if "label" not in table.column_names:
        raise DataError(f"a column 'label' in {path}", f"{table.column_names}", _PREPARE)
    values = table["label"].to_numpy()
    if not np.isin(values, (0, 1)).all():
        raise DataError(f"labels 0 and 1 in {path}", "other values", _PREPARE)
    names = table["id"].to_pylist() if "id" in table.column_names else range(len(values))
    metadata = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
    labels = Labels(tuple(map(str, names)), values.astype(np.bool_), metadata.get("salt", ""))
    if len(labels) != assignment.rows:
        raise DataError(
            f"{assignment.rows:,} labels for {assignment.name!r}",
            f"{len(labels):,} in {path}",
            "Give the labels of this assignment, or correct its `rows`.",
        )
    if assignment.labels_fingerprint not in (None, labels.fingerprint):
        raise DataError(
            f"labels with the fingerprint {assignment.labels_fingerprint} of {assignment.name!r}",
            f"{labels.fingerprint} in {path}",
            "Give the labels that belong to the assignment, or write the new fingerprint into assignment.toml.",
        )
    refuse_constant_answers(labels, assignment)
    return labels


def write_labels(path: Path, labels: Labels) -> None:
    """Writes the file that `read_labels` reads, for its owner only; an older one is replaced by a whole one."""
    table = pa.table(
        {"id": pa.array(labels.ids, pa.string()), "label": pa.array(labels.truth.astype(np.int8), pa.int8())},
        metadata={METADATA_KEY: json.dumps({"salt": labels.salt})},
    )
    with replacing(path, private=True) as partial:
        pq.write_table(table, partial)


def refuse_constant_answers(labels: Labels, assignment: Assignment) -> None:
    """Refuses labels that someone who always answers the same would pass with.

    Raises:
        DataError: One class is so frequent that naming it always is above the pass mark.
    """
    positive = int(labels.truth.sum())
    constant = max(positive, len(labels) - positive)
    if assignment.passes(constant) or constant == len(labels):
        raise DataError(
            f"labels with which always answering the same is not above {assignment.pass_above} of the rows",
            f"{positive:,} of {len(labels):,} are {assignment.column!r}: a constant answer has {constant:,} right",
            "Choose pictures of both classes more evenly, or raise `pass_above`.",
        )


_PREPARE = "`cnnkit assignment prepare` writes such a file."
