"""A source: examples with stable ids and labels, whose pictures are read one at a time.

Nothing here holds pictures. A reader fetches one on demand (from a file, an array, a record, a renderer), and
a source says which of the reader's pictures belong to it, in which order and with which labels.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar, cast, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.arguments import listed, said
from cnnkit.errors import DataError, InputError

T = TypeVar("T", bound=np.generic)
# Classes that a printed source or dataset shows.
SHOWN_CLASSES = 12
Labels = NDArray[np.int64] | NDArray[np.float32]


class Reader(Protocol):
    """Random access to pictures. Both methods are called from several threads at once."""

    def read(self, position: int) -> NDArray[np.uint8]:
        """The picture at `position`: RGB, uint8, (height, width, 3), upright, of any size.

        Raises:
            ImageFileError: The picture cannot be read; the message names it.
        """

    def digest(self, position: int) -> str:
        """A hex hash of the content of the picture at `position`."""


@runtime_checkable
class SizedReader(Protocol):
    """A reader that knows how many bytes a picture takes: two of different size need no digest to differ."""

    def file_size(self, position: int) -> int:
        """Bytes of the stored picture at `position`."""


@runtime_checkable
class ScalingReader(Protocol):
    """A reader that decodes a picture smaller where that is enough: faster, with other pixels."""

    def read_scaled(self, position: int, least: int) -> NDArray[np.uint8]:
        """The picture at `position`, as of `read`, its short side of `least` pixels or more where it had as many."""


class NoPictures:
    """The reader of a source without examples."""

    def read(self, position: int) -> NDArray[np.uint8]:
        """Always an IndexError."""
        raise IndexError(position)

    def digest(self, position: int) -> str:
        """Always an IndexError."""
        raise IndexError(position)


@dataclass(frozen=True, eq=False)
class Source:
    """Examples: ids, labels, and where a reader finds their pictures.

    Args:
        ids: One stable, unique name an example; the relative path with "/" for files.
        classes: The class names; the index in this tuple is the label.
        labels: (n,) class indices; or (n, classes) of 0 and 1, where an example may show several classes; or
            None for examples without labels.
        reader: Where the pictures come from.
        positions: (n,) the position in `reader` of each example.

    Raises:
        DataError: Lengths that differ, an id that occurs twice, or a label that is no class.
    """

    ids: tuple[str, ...]
    classes: tuple[str, ...]
    labels: Labels | None
    reader: Reader
    positions: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("ids", "classes"):
            texts = listed(getattr(self, name))
            if texts is None or not all(isinstance(text, str) for text in texts):
                raise InputError(f"{name} as a tuple of texts", said(getattr(self, name)), "One for each, in order.")
            object.__setattr__(self, name, tuple(texts))
        if not callable(getattr(self.reader, "read", None)) or not callable(getattr(self.reader, "digest", None)):
            raise InputError("a reader, with read and digest", said(self.reader), "ck.data.Reader describes one.")
        count = len(self.ids)
        given = np.asarray(self.positions)
        if given.size and given.dtype.kind not in "iu":
            raise InputError(
                "positions as whole numbers", said(self.positions), "np.arange(len(ids)) are the usual ones."
            )
        positions = _read_only(np.array(given, np.int64))
        if positions.shape != (count,):
            raise DataError(
                f"one position for each of {count} ids",
                f"positions of shape {positions.shape}",
                "Give both the same length.",
            )
        if len(set(self.ids)) != count:
            twice = next(name for name, times in Counter(self.ids).items() if times > 1)
            raise DataError("every id once", f"{twice!r} more than once", "Take each example once.")
        object.__setattr__(self, "positions", positions)
        if self.labels is not None:
            object.__setattr__(self, "labels", _checked_labels(self.labels, self.classes, count))

    @classmethod
    def empty(cls, classes: Sequence[str]) -> Source:
        """A source without examples: the part of a dataset that does not exist."""
        nothing = np.zeros(0, np.int64)
        return cls((), tuple(classes), nothing, NoPictures(), nothing)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def multi_label(self) -> bool:
        """Whether an example may show several classes at once."""
        return self.labels is not None and self.labels.ndim == 2

    def image(self, index: int, *, least: int | None = None) -> NDArray[np.uint8]:
        """The picture of example `index`: RGB, uint8, (height, width, 3).

        Args:
            index: Which.
            least: Pixels of the short side that are enough, for a reader that decodes a picture smaller.
        """
        try:
            position = int(self.positions[index])
        except (IndexError, TypeError, ValueError) as error:
            expected = f"the index of an example, from 0 to {len(self) - 1}"
            raise InputError(expected, said(index), "source.ids.index(name) is one.") from error
        if least is not None and isinstance(self.reader, ScalingReader):
            return self.reader.read_scaled(position, least)
        return self.reader.read(position)

    def take(self, indices: ArrayLike) -> Source:
        """The examples at `indices` (integers, or a mask of one bool an example), in that order."""
        chosen = self._places(indices)
        return Source(
            ids=tuple(self.ids[index] for index in chosen),
            classes=self.classes,
            labels=None if self.labels is None else self.labels[chosen],
            reader=self.reader,
            positions=self.positions[chosen],
        )

    def _places(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Indices or a mask as indices from 0."""
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "biu"):
            raise InputError(
                "indices of examples as a list of whole numbers, or a mask",
                said(indices),
                "The first five are take(range(5)); the place of an example is source.ids.index(name).",
            )
        if chosen.dtype == np.bool_:
            if chosen.shape != (len(self),):
                raise InputError(
                    f"a mask of shape ({len(self)},)", f"shape {chosen.shape}", "Make one bool an example."
                )
            return np.flatnonzero(chosen)
        chosen = chosen.astype(np.int64)
        outside = chosen[(chosen < -len(self)) | (chosen >= len(self))]
        if len(outside):
            expected = f"indices from 0 to {len(self) - 1}"
            raise InputError(expected, str(outside[0]), "len(source) says how many there are.")
        return chosen

    def counts(self) -> NDArray[np.int64]:
        """(classes,) how many examples show each class; zeros where there are no labels."""
        if self.labels is None:
            return np.zeros(len(self.classes), np.int64)
        if self.labels.ndim == 2:
            return np.asarray(self.labels.sum(axis=0), np.int64)
        return np.bincount(self.labels.astype(np.int64), minlength=len(self.classes)).astype(np.int64)

    def digests(self, indices: ArrayLike | None = None) -> list[str]:
        """The content hashes of the examples at `indices`, of all by default, read by several threads."""
        chosen = np.arange(len(self)) if indices is None else self._places(indices)
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            return list(pool.map(self.reader.digest, self.positions[chosen].tolist()))

    @cached_property
    def fingerprint(self) -> str:
        """A sha256 over classes, ids, labels and the content of every picture, in order."""
        whole = hashlib.sha256()
        for part in (*self.classes, "", *self.ids, "", *self.digests()):
            whole.update(part.encode() + b"\0")
        if self.labels is not None:
            whole.update(f"{self.labels.dtype}{self.labels.shape}".encode() + self.labels.tobytes())
        return whole.hexdigest()

    def table(self) -> pd.DataFrame:
        """One row an example: id and label, or id and a column of 0 and 1 a class where several may apply."""
        rows = pd.DataFrame({"id": list(self.ids)}, dtype="str")
        if self.labels is None:
            return rows
        if self.labels.ndim == 2:
            return rows.join(pd.DataFrame(self.labels.astype(np.int64), columns=list(self.classes)))
        return rows.assign(label=[self.classes[label] for label in self.labels.astype(np.int64)])

    def __repr__(self) -> str:
        counts = self._shown()
        if counts is None:
            return f"Source of {len(self)} pictures without labels"
        shown = counts.to_string() if len(counts) else ""
        return f"Source of {len(self)} pictures\n{shown}{self._more()}"

    def _repr_html_(self) -> str:
        counts = self._shown()
        if counts is None:
            return f"<p>Source of {len(self)} pictures without labels</p>"
        table = counts.to_frame("pictures").to_html(border=0) if len(counts) else ""
        return f"<p>Source of {len(self)} pictures</p>\n{table}<p>{self._more()}</p>"

    def _shown(self) -> pd.Series[int] | None:
        """How many examples show each of the first classes; None where there are no labels."""
        if self.labels is None:
            return None
        return pd.Series(self.counts(), index=list(self.classes)).head(SHOWN_CLASSES)

    def _more(self) -> str:
        hidden = len(self.classes) - SHOWN_CLASSES
        return f"\n… {hidden} more classes" if hidden > 0 else ""


def _read_only(array: NDArray[T]) -> NDArray[T]:
    array.setflags(write=False)
    return array


def _checked_labels(labels: Labels, classes: tuple[str, ...], count: int) -> Labels:
    """A read-only copy of `labels` as int64 indices or a float32 table of 0 and 1."""
    labels = cast("Labels", np.asarray(labels))
    if labels.ndim not in (1, 2) or (labels.size and labels.dtype.kind not in "biuf"):
        raise DataError("labels of shape (n,) or (n, classes)", said(labels), "Give class indices, or 0 and 1 a class.")
    if len(labels) != count:
        raise DataError(
            f"one label for each of {count} examples", f"{len(labels)} labels", "Give both the same length."
        )
    if labels.ndim == 2:
        if labels.shape[1] != len(classes):
            raise DataError(
                f"one column for each of the {len(classes)} classes",
                f"labels of shape {labels.shape}",
                "Give `classes` one name a column.",
            )
        if not np.isin(labels, (0, 1)).all():
            raise DataError(
                "0 or 1 for every class of an example",
                f"the values {np.unique(labels)[:5].tolist()}",
                "Round probabilities, or give class indices of shape (n,).",
            )
        return _read_only(np.array(labels, np.float32))
    if count and not (labels.min() >= 0 and labels.max() < len(classes)):
        raise DataError(
            f"labels from 0 to {len(classes) - 1}, one for each of the {len(classes)} classes",
            f"labels from {labels.min()} to {labels.max()}",
            "Number the classes from 0, or name all of them in `classes`.",
        )
    return _read_only(np.array(labels, np.int64))
