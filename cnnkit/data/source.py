"""A source: examples with stable ids and their truth, whose pictures are read one at a time.

Nothing here holds pictures. A reader fetches one on demand (from a file, an array, a record, a renderer), and
a source says which of the reader's pictures belong to it, in which order and with which truth.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.ahead import usual_threads
from cnnkit.data.arguments import listed, said
from cnnkit.data.targets.column import example_indices
from cnnkit.data.targets.labels import Labels
from cnnkit.data.targets.tags import Tags, labels_or_tags
from cnnkit.data.targets.targets import Targets
from cnnkit.errors import DataError, InputError

# Classes that a printed source or dataset shows.
SHOWN_CLASSES = 12
# Kinds of truth whose names are no classes.
WITHOUT_CLASSES = ("points", "pictures", "vectors")
LabelArray = NDArray[np.int64] | NDArray[np.float32]


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

    def reduction(self, position: int, least: int) -> int:
        """What `read_scaled` divides both sides of the picture at `position` by."""


class NoPictures:
    """The reader of a source without examples."""

    def read(self, position: int) -> NDArray[np.uint8]:
        """Always an IndexError."""
        raise IndexError(position)

    def digest(self, position: int) -> str:
        """Always an IndexError."""
        raise IndexError(position)


@runtime_checkable
class ShapedReader(Protocol):
    """A reader that knows the shape of a picture without decoding it."""

    def shape(self, position: int) -> tuple[int, int]:
        """Height and width of the picture at `position`, upright, in pixels."""


@dataclass(frozen=True, eq=False)
class Source:
    """Examples: ids, truth, and where a reader finds their pictures.

    Args:
        ids: One stable, unique name per example; the relative path with "/" for files.
        targets: The truth of all examples, one column of one kind (`ck.data.targets`); or None for examples without.
        reader: Where the pictures come from.
        positions: (n,) the position in `reader` of each example.

    Raises:
        DataError: Lengths that differ, or an id that occurs twice.
    """

    ids: tuple[str, ...]
    targets: Targets | None
    reader: Reader
    positions: NDArray[np.int64]

    def __post_init__(self) -> None:
        texts = listed(self.ids)
        if texts is None or not all(isinstance(text, str) for text in texts):
            raise InputError("ids as a tuple of texts", said(self.ids), "One for each, in order.")
        object.__setattr__(self, "ids", tuple(texts))
        if self.targets is not None and not isinstance(self.targets, Targets):
            raise InputError(
                "targets, or None",
                said(self.targets),
                "Source.labelled(ids, classes, labels, ...) makes them of class indices.",
            )
        if not callable(getattr(self.reader, "read", None)) or not callable(getattr(self.reader, "digest", None)):
            raise InputError("a reader, with read and digest", said(self.reader), "ck.data.Reader describes one.")
        count = len(self.ids)
        given = np.asarray(self.positions)
        if given.size and given.dtype.kind not in "iu":
            raise InputError(
                "positions as whole numbers", said(self.positions), "np.arange(len(ids)) are the usual ones."
            )
        positions = np.array(given, np.int64)
        positions.setflags(write=False)
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
        if self.targets is not None and len(self.targets) != count:
            raise DataError(
                f"one label for each of {count} examples",
                f"{len(self.targets)} {self.targets.kind}",
                "Give both the same length.",
            )

    @classmethod
    def labelled(
        cls,
        ids: Sequence[str],
        classes: Sequence[str],
        labels: ArrayLike | None,
        reader: Reader,
        positions: NDArray[np.int64],
    ) -> Source:
        """A source of class labels.

        Args:
            ids: As of `Source`.
            classes: The class names; the index in this tuple is the label.
            labels: (n,) class indices; or (n, classes) of 0 and 1, where an example may show several classes; or None
                for examples without labels.
            reader: As of `Source`.
            positions: As of `Source`.

        Raises:
            DataError: As of `Source`, or a label that is no class.
        """
        names = listed(classes)
        if names is None or not all(isinstance(name, str) for name in names):
            raise InputError("classes as a tuple of texts", said(classes), "One for each, in order.")
        targets = None if labels is None else labels_or_tags(tuple(names), labels)
        return cls(tuple(ids), targets, reader, positions)

    @classmethod
    def empty(cls, truth: Sequence[str] | Targets) -> Source:
        """A source without examples: the part of a dataset that does not exist.

        Args:
            truth: The class names; or targets, of whose kind and names it has none.
        """
        nothing = np.zeros(0, np.int64)
        targets = truth.take(nothing) if isinstance(truth, Targets) else Labels(tuple(truth), nothing)
        return cls((), targets, NoPictures(), nothing)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def kind(self) -> str:
        """The kind of truth: "labels", "tags", "masks", …; "" where there is none."""
        return "" if self.targets is None else self.targets.kind

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes or points of the truth; () where nothing has a name or there is no truth."""
        return () if self.targets is None else self.targets.names

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names.

        Raises:
            DataError: The truth has no classes: points, say.
        """
        if self.kind in WITHOUT_CLASSES:
            raise DataError("truth that has classes", self.kind, "source.targets holds all of it.")
        return self.names

    @property
    def labels(self) -> LabelArray | None:
        """(n,) class indices, or (n, classes) of 0 and 1 where an example may show several; None without truth.

        Raises:
            DataError: The truth is of another kind.
        """
        if self.targets is None:
            return None
        if isinstance(self.targets, Labels | Tags):
            return self.targets.values
        raise DataError("labels or tags", self.kind, "source.targets holds them.")

    @property
    def multi_label(self) -> bool:
        """Whether an example may show several classes at once."""
        return isinstance(self.targets, Tags)

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

    def shape(self, index: int) -> tuple[int, int]:
        """Height and width of the picture of example `index` in pixels; not decoded where the reader knows it."""
        if isinstance(self.reader, ShapedReader):
            return self.reader.shape(int(self.positions[index]))
        height, width = self.image(index).shape[:2]
        return height, width

    def reduction(self, index: int, *, least: int) -> int:
        """What `image(index, least=least)` divides both sides of the photograph by; 1 where it is decoded as it is."""
        return self.reader.reduction(int(self.positions[index]), least) if isinstance(self.reader, ScalingReader) else 1

    def take(self, indices: ArrayLike) -> Source:
        """The examples at `indices` (integers, or a mask of one bool per example), in that order."""
        places = example_indices(indices, len(self))
        return Source(
            ids=tuple(self.ids[index] for index in places),
            targets=None if self.targets is None else self.targets.take(places),
            reader=self.reader,
            positions=self.positions[places],
        )

    def counts(self) -> NDArray[np.int64]:
        """(names,) how many examples show each class; empty where there is no truth."""
        return np.zeros(0, np.int64) if self.targets is None else self.targets.counts()

    def digests(self, indices: ArrayLike | None = None) -> list[str]:
        """The content hashes of the examples at `indices`, of all by default, read by several threads."""
        chosen = np.arange(len(self)) if indices is None else example_indices(indices, len(self))
        with ThreadPoolExecutor(max_workers=usual_threads()) as pool:
            return list(pool.map(self.reader.digest, self.positions[chosen].tolist()))

    @cached_property
    def pictures_fingerprint(self) -> str:
        """A sha256 over the content of every picture, in order: the same pictures, whatever is known of them."""
        return _hash(self.digests())

    @cached_property
    def fingerprint(self) -> str:
        """A sha256 over ids, truth and the content of every picture, in order."""
        truth = "" if self.targets is None else self.targets.digest()
        return _hash([self.pictures_fingerprint, truth, *self.ids])

    def table(self) -> pd.DataFrame:
        """The truth as rows: of labels id and label, of tags id and a column of 0 and 1 per class."""
        if self.targets is None:
            return pd.DataFrame({"id": list(self.ids)}, dtype="str")
        return self.targets.table(self.ids)

    def __repr__(self) -> str:
        counts = self._shown()
        shown = counts.to_string() if len(counts) else ""
        return f"{self._heading()}\n{shown}{self._more()}" if self.targets is not None else self._heading()

    def _repr_html_(self) -> str:
        counts = self._shown()
        table = counts.to_frame("pictures").to_html(border=0) if len(counts) else ""
        more = f"\n{table}<p>{self._more()}</p>" if self.targets is not None else ""
        return f"<p>{self._heading()}</p>{more}"

    def _heading(self) -> str:
        what = {"": " without labels", "labels": "", "tags": ""}.get(self.kind, f" with {self.kind}")
        return f"Source of {len(self)} pictures{what}"

    def _shown(self) -> pd.Series[int]:
        """How many examples show each of the first classes."""
        return pd.Series(self.counts(), index=list(self.names)).head(SHOWN_CLASSES)

    def _more(self) -> str:
        hidden = len(self.names) - SHOWN_CLASSES
        return f"\n… {hidden} more classes" if hidden > 0 else ""


def _hash(parts: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part.encode() + b"\0")
    return whole.hexdigest()
