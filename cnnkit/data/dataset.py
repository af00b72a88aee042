"""A dataset: the sources to train on, to choose by and to report on."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import combinations

import numpy as np
import pandas as pd

from cnnkit.data.arguments import listed, said
from cnnkit.data.source import SHOWN_CLASSES, WITHOUT_CLASSES, SizedReader, Source
from cnnkit.data.targets.targets import MeasuredTargets
from cnnkit.errors import DataError, InputError

SPLITS = ("train", "validation", "test")

# A class this many times rarer than the largest is worth a warning: class weights or more pictures.
IMBALANCE_WARNING = 3.0
# Below this many training pictures a class is learned by heart.
FEW_PICTURES = 10


@dataclass(frozen=True)
class SkippedFile:
    """A file that `on_error="skip"` left out, and why."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three sources with truth of one kind. A part that does not exist is an empty source.

    Train and validation have the same names in the same order; the test part may have others (other people, say).

    Args:
        classes: The names of the truth, of classes in the order of the labels; () where nothing has a name.
        train: What the weights are fitted to.
        validation: What epochs and settings are chosen by.
        test: What the result is reported on.
        skipped: Files that were left out because they are no pictures, when that was asked for.
        ignored: How many files were passed over because their names are no picture's (`.txt`, `.json`, …).

    Raises:
        DataError: A part with truth of another kind, or validation with other names.
    """

    classes: tuple[str, ...]
    train: Source
    validation: Source
    test: Source
    skipped: tuple[SkippedFile, ...] = ()
    ignored: int = 0

    def __post_init__(self) -> None:
        if (classes := listed(self.classes)) is None:
            raise InputError("the names of the classes as a tuple", said(self.classes), "Those of the sources.")
        object.__setattr__(self, "classes", tuple(classes))
        for name, source in self.parts().items():
            if not isinstance(source, Source):
                raise InputError(f"a source as {name}", said(source), "Source.empty(classes) is one without examples.")
            if len(source) and source.kind != self.train.kind and source.targets is not None and len(self.train):
                raise DataError(
                    f"{self.train.kind or 'no truth'} in every part, as in train",
                    f"{source.kind} in {name}",
                    "Give all three parts truth of one kind.",
                )
            if name != "test" and source.names != self.classes:
                raise DataError(
                    f"the classes {list(self.classes)} in train and validation",
                    f"{list(source.names)} in {name}",
                    "Give both the same classes in the same order.",
                )

    def parts(self) -> dict[str, Source]:
        """The three sources by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def whole(self) -> Source:
        """All examples as one source, part after part.

        Raises:
            DataError: Parts with readers of their own, or without truth.
            InputError: Parts whose classes differ.
        """
        parts = [part for part in self.parts().values() if len(part)]
        columns = [part.targets for part in parts if part.targets is not None]
        if len({id(part.reader) for part in parts}) != 1 or len(columns) != len(parts):
            raise DataError("pictures with truth from one place", "parts from several", "Give one part of the dataset.")
        return Source(
            tuple(name for part in parts for name in part.ids),
            columns[0].joined(columns),
            parts[0].reader,
            np.concatenate([part.positions for part in parts]),
        )

    @property
    def kind(self) -> str:
        """The kind of truth, such as "labels" or "masks"."""
        return self.train.kind

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes or points of the truth."""
        return self.classes

    @cached_property
    def fingerprint(self) -> str:
        """A sha256 over ids, truth and pictures of all parts: the same data, the same string."""
        parts = "".join(source.fingerprint for source in self.parts().values())
        return hashlib.sha256(parts.encode()).hexdigest()

    def counts(self) -> pd.DataFrame:
        """Examples that show each class: index class, columns train, validation, test."""
        names = list(dict.fromkeys((*self.classes, *self.test.names)))
        index = pd.Index(names, name="class", dtype="str")
        columns = {part: dict(zip(source.names, source.counts(), strict=True)) for part, source in self.parts().items()}
        rows = {part: [shown.get(name, 0) for name in names] for part, shown in columns.items()}
        return pd.DataFrame(rows, index=index)

    @property
    def imbalance(self) -> float:
        """Training examples of the largest class over those of the smallest; inf where one has none."""
        counts = self.train.counts()
        if not counts.any():
            return 1.0
        return float(counts.max() / counts.min()) if counts.min() else float("inf")

    def report(self) -> pd.DataFrame:
        """What is in the dataset and what to worry about.

        Returns:
            One row per class and a last one, `all`: the counts in train, validation and test, their total, the
            class's share of all examples (0…1), and a warning in words, empty where there is none. The last
            row counts the pictures that are in two parts; `duplicates` lists them.
            Before the warning, of the training part: for masks `pixels`, the share of each class of all pixels that
            are not void, in the last row the share of these; for boxes `boxes`, their number, `area`, the mean in
            pixels, and `aspect`, the geometric mean of width / height.
        """
        counts = self.counts()
        sizes = {name: len(source) for name, source in self.parts().items()}
        table = pd.concat([counts, pd.DataFrame(sizes, index=pd.Index(["all"], name="class"))])
        table.index.name = "class"
        table["total"] = table.sum(axis=1)
        table["share"] = (table["total"] / max(1, sum(sizes.values()))).round(4)
        if isinstance(self.train.targets, MeasuredTargets):
            for name, values in self.train.targets.measures().items():
                value_of = dict(zip(self.train.names, values, strict=False))
                column = [*(value_of.get(known, float("nan")) for known in counts.index), values[-1]]
                table[name] = pd.Series(column, table.index, dtype="float64").round(4)
        table["warning"] = [self._class_warning(name) for name in counts.index] + [self._warning()]
        return table

    def duplicates(self) -> pd.DataFrame:
        """Pictures with the same content in two parts: columns id, split, other_id, other_split.

        A picture to train on that is tested again makes the result look better than it is. Content is
        compared by hash; where the reader knows the stored size, only pictures of equal size are hashed.
        """
        examples = [(name, index) for name, source in self.parts().items() for index in range(len(source))]
        parts = self.parts()
        if all(isinstance(source.reader, SizedReader) for source in parts.values() if len(source)):
            examples = _across_splits(examples, lambda name, index: str(_size(parts[name], index)))
        digests: dict[tuple[str, int], str] = {}
        for name, source in parts.items():
            wanted = [index for split, index in examples if split == name]
            digests.update(zip(((name, index) for index in wanted), source.digests(wanted), strict=True))
        groups: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for example in examples:
            groups[digests[example]].append(example)
        rows = [
            (parts[first].ids[index], first, parts[second].ids[other], second)
            for group in groups.values()
            for (first, index), (second, other) in combinations(group, 2)
            if first != second
        ]
        return pd.DataFrame(rows, columns=["id", "split", "other_id", "other_split"])

    def _class_warning(self, name: str) -> str:
        if name not in self.classes:
            return "in the test part alone"
        index = self.classes.index(name)
        count, largest = int(self.train.counts()[index]), int(self.train.counts().max(initial=0))
        if not len(self.train):
            return ""
        if count == 0:
            return "nothing to train on"
        warnings = []
        if largest > IMBALANCE_WARNING * count:
            warnings.append(f"{largest / count:.1f} times rarer than the largest class: use class weights")
        if count < FEW_PICTURES:
            warnings.append(f"only {count} to train on")
        if len(self.validation) and self.validation.targets is not None and not self.validation.counts()[index]:
            warnings.append("none in validation")
        return "; ".join(warnings)

    def _warning(self) -> str:
        warnings = []
        if self.imbalance > IMBALANCE_WARNING:
            warnings.append(f"imbalance {self.imbalance:.1f}")
        duplicates = self.duplicates()
        if len(duplicates):
            warnings.append(f"{duplicates['id'].nunique()} pictures are in two splits: see duplicates()")
        if self.skipped:
            warnings.append(f"{len(self.skipped)} files skipped")
        return "; ".join(warnings)

    def __repr__(self) -> str:
        counts = self.counts()
        shown = counts.head(SHOWN_CLASSES).to_string() if len(counts) else ""
        return f"{self._heading()}\n{shown}{self._more()}"

    def _repr_html_(self) -> str:
        table = self.counts().head(SHOWN_CLASSES).to_html(border=0) if self.classes else ""
        return f"<p>{escape(self._heading())}</p>\n{table}<p>{self._more()}</p>"

    def _heading(self) -> str:
        sizes = ", ".join(f"{len(source)} {name}" for name, source in self.parts().items())
        skipped = f"; {len(self.skipped)} files skipped" if self.skipped else ""
        what = "classes" if self.train.kind not in WITHOUT_CLASSES else self.train.kind
        count = f"{len(self.classes)} " if self.classes else ""  # pictures as truth have no names
        return f"Dataset of {count}{what}: {sizes}{skipped}"

    def _more(self) -> str:
        hidden = len(self.classes) - SHOWN_CLASSES
        return f"\n… {hidden} more classes" if hidden > 0 else ""


def _across_splits(examples: list[tuple[str, int]], key: Callable[[str, int], str]) -> list[tuple[str, int]]:
    """The examples whose key also occurs in another split."""
    splits: dict[str, set[str]] = defaultdict(set)
    keys = [key(*example) for example in examples]
    for value, (name, _) in zip(keys, examples, strict=True):
        splits[value].add(name)
    return [example for value, example in zip(keys, examples, strict=True) if len(splits[value]) > 1]


def _size(source: Source, index: int) -> int:
    reader = source.reader
    return reader.file_size(int(source.positions[index])) if isinstance(reader, SizedReader) else 0
