"""Which examples train, which choose, which test: a pure function of labels and seed, or a file.

The labels decide, never the order in which a disk lists files, so the same photographs give the same split
everywhere. Each class is divided in the same proportion.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import path_of, seed_of, shares_of
from cnnkit.data.dataset import SPLITS, Dataset
from cnnkit.data.random_streams import stratum_order
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError, unknown_name

# Other names of the three splits, in folders and in split files.
ALIASES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "development": "validation",
    "eval": "validation",
    "evaluation": "validation",
    "test": "test",
    "testing": "test",
}
# What else the name of a split's folder is made of: training_set, seg_train, train_images, TestData, val2017.
_AFFIX = "(?:set|seg|data|dataset|image|images|img|imgs|picture|pictures|photo|photos|pics|split|folder|files)"
_SPLIT_NAME = re.compile(f"{_AFFIX}*({'|'.join(sorted(ALIASES, key=len, reverse=True))}){_AFFIX}*")
DEFAULT_SPLIT = (0.7, 0.15, 0.15)


def split_of(name: str) -> str:
    """The split that a name means, whatever its case, with the usual affixes and numbers; "" if it means none.

    >>> [split_of(name) for name in ("Training", "seg_test", "val2017", "train_station")]
    ['train', 'test', 'validation', '']
    """
    found = _SPLIT_NAME.fullmatch(re.sub(r"[\W_\d]+", "", name.lower()))
    return ALIASES[found[1]] if found else ""


def stratified(
    strata: NDArray[np.int64], *, fractions: Sequence[float], seed: int, classes: Sequence[str] | None = None
) -> list[NDArray[np.int64]]:
    """The indices of each part, ascending, every stratum in proportion.

    Args:
        strata: (n,) the stratum of each example: class indices, or what `strata()` of targets says.
        fractions: The share of each part, 0…1, together 1.
        seed: Another seed, another split.
        classes: The class names, where strata are classes, each of which has to be in every part. Without them strata
            with fewer examples than parts are pooled.

    Returns:
        One array per fraction. A part of fraction 0 is empty; every other one has at least one example of each class.

    Raises:
        InputError: Fractions that are negative or do not add up to 1.
        DataError: A class with fewer examples than parts.

    >>> parts = stratified(np.array([0, 0, 0, 0, 1, 1]), fractions=(0.5, 0.5), seed=0, classes=("cat", "dog"))
    >>> [len(part) for part in parts]
    [3, 3]
    """
    shares = shares_of(fractions)
    wanted = int(np.count_nonzero(shares))
    strata = strata.astype(np.int64) if classes is not None else _pooled(strata, wanted)
    parts: list[list[int]] = [[] for _ in shares]
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        if classes is not None and len(members) < wanted:
            raise DataError(
                f"at least {wanted} examples of {classes[stratum]!r}, one for each part of the split",
                str(len(members)),
                "Add examples, leave the class out, or give the parts yourself.",
            )
        shuffled = members[stratum_order(len(members), seed=seed, stratum=int(stratum))]
        stops = np.cumsum(_part_sizes(len(members), shares))
        for part, chosen in zip(parts, np.split(shuffled, stops[:-1]), strict=True):
            part.extend(chosen.tolist())
    return [np.sort(np.array(part, np.int64)) for part in parts]


def arranged(
    parts: Mapping[str, Source], *, split: Sequence[float] = DEFAULT_SPLIT, seed: int = 0
) -> dict[str, Source]:
    """All three sources from those that are given.

    Train alone is split in three. Train and validation stay as they are, and test is empty. Train and test: the
    validation part is taken from train, in the proportion of the first two numbers of `split`.

    Args:
        parts: `train` and perhaps `validation` and `test`.
        split: The shares of train, validation and test.
        seed: Another seed, another split.
    """
    train, seed, shares = parts["train"], seed_of(seed), shares_of(split)
    if "validation" in parts:
        return {name: parts.get(name, Source.empty(train.targets or ())) for name in SPLITS}
    if len(shares) != 3 or shares[0] == 0:
        raise InputError(
            "three shares (train, validation, test), the first above 0",
            str(tuple(split)),
            "For example split=(0.7, 0.15, 0.15).",
        )
    if "test" in parts:
        if shares[0] + shares[1] < 1:
            shares = np.array([shares[0], shares[1], 0.0]) / (shares[0] + shares[1])
        shares = shares[:2]
    if train.targets is None:
        raise DataError("labels to split by", "none", "Give the parts yourself.")
    classes = train.names if train.kind == "labels" else None
    chosen = stratified(train.targets.strata(), fractions=shares.tolist(), seed=seed, classes=classes)
    taken = {name: train.take(indices) for name, indices in zip(SPLITS, chosen, strict=False)}
    return {**taken, **{name: source for name, source in parts.items() if name != "train"}}


def from_file(source: Source, path: str | Path) -> dict[str, Source]:
    """The three sources as a CSV file with the columns `id` and `split` says.

    Args:
        source: All examples.
        path: The file; a split is named train, validation (or val, valid) or test. Every id occurs once.

    Raises:
        DataError: Another header, an id without an example, an example without a line, or a double line.
        UnknownNameError: Another name of a split.
    """
    file = path_of(path, "a CSV file of splits")
    try:
        lines = csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines())
        header, rows = lines.fieldnames, [(row.get("id"), row.get("split") or "") for row in lines]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"a CSV file of splits at {file}", str(error), "It has the columns id and split.") from error
    if not {"id", "split"} <= set(header or ()):
        raise DataError(f"the columns id and split in {path}", str(header), "Begin the file with the line: id,split")
    index_of = {name: index for index, name in enumerate(source.ids)}
    chosen: dict[str, list[int]] = {name: [] for name in SPLITS}
    seen = set()
    for name, split in rows:
        if name not in index_of:
            raise DataError(f"ids of this dataset in {path}", repr(name), f"An id looks like {source.ids[0]!r}.")
        if name in seen:
            raise DataError(f"every id once in {path}", f"{name!r} twice", "Remove one line.")
        if not split_of(split):
            raise unknown_name("a split", split, SPLITS)
        seen.add(name)
        chosen[split_of(split)].append(index_of[name])
    missing = [name for name in source.ids if name not in seen]
    if missing:
        raise DataError(
            f"a line for each of the {len(source)} examples in {path}",
            f"none for {len(missing)}, the first {missing[0]!r}",
            "Add the missing lines.",
        )
    return {name: source.take(sorted(indices)) for name, indices in chosen.items()}


def as_dataset(parts: Mapping[str, Source]) -> Dataset:
    """The dataset of three sources with the same classes."""
    return Dataset(parts["train"].names, parts["train"], parts["validation"], parts["test"])


def _part_sizes(count: int, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of `count` go to each part: the largest remainders are rounded up, and no part starves."""
    exact = shares * count
    sizes = np.floor(exact + 1e-9).astype(np.int64)
    for index in np.argsort(-(exact - sizes), kind="stable")[: count - sizes.sum()]:
        sizes[index] += 1
    for index in np.flatnonzero((sizes == 0) & (shares > 0)):
        if sizes.max() > 1:
            sizes[sizes.argmax()] -= 1
            sizes[index] += 1
    return sizes


def _pooled(strata: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    """The same strata, but for those with fewer examples than parts, which become one."""
    counts = np.bincount(strata)
    return np.where(counts[strata] < wanted, len(counts), strata).astype(np.int64)
