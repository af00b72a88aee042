"""Splits: proportions, determinism, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnkit.data.source import NoPictures, Source
from cnnkit.data.split import arranged, from_file, stratified
from cnnkit.data.targets.tags import Tags
from cnnkit.errors import DataError, InputError, UnknownNameError

SHARES = (0.7, 0.15, 0.15)


def source(labels: np.ndarray, name: str = "p") -> Source:
    ids = tuple(f"{name}{index}" for index in range(len(labels)))
    return Source.labelled(ids, ("a", "b"), labels, NoPictures(), np.arange(len(labels)))


def test_every_class_is_divided_in_proportion() -> None:
    labels = np.repeat([0, 1, 2], [1000, 100, 20])
    parts = stratified(labels, fractions=SHARES, seed=0, classes="abc")
    counts = [np.bincount(labels[part], minlength=3).tolist() for part in parts]
    assert counts == [[700, 70, 14], [150, 15, 3], [150, 15, 3]]
    assert sorted(np.concatenate(parts).tolist()) == list(range(1120))


@pytest.mark.parametrize("count", range(3, 40))
def test_sizes_are_within_one_of_the_exact_share_and_never_zero(count: int) -> None:
    parts = stratified(np.zeros(count, np.int64), fractions=SHARES, seed=0, classes=("a",))
    sizes = np.array([len(part) for part in parts])
    assert sizes.sum() == count
    assert (sizes >= 1).all()
    if count >= 7:
        assert np.abs(sizes - np.array(SHARES) * count).max() < 1 + 1e-9


def test_a_split_is_a_function_of_labels_and_seed() -> None:
    labels = np.arange(60) % 3
    one, same, other = (stratified(labels, fractions=SHARES, seed=seed, classes="abc") for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, same, strict=True))
    assert any(a.tolist() != b.tolist() for a, b in zip(one, other, strict=True))


def test_a_part_of_share_zero_is_empty() -> None:
    parts = stratified(np.arange(8) % 2, fractions=(0.5, 0.5, 0), seed=0, classes="ab")
    assert [len(part) for part in parts] == [4, 4, 0]


def test_too_few_examples_of_a_class() -> None:
    with pytest.raises(DataError, match="at least 3 examples of 'dog'"):
        stratified(np.array([0, 0, 0, 1, 1]), fractions=SHARES, seed=0, classes=("cat", "dog"))


def test_several_labels_are_stratified_by_combination() -> None:
    labels = np.repeat([[1, 0], [1, 1], [0, 1]], [40, 20, 1], axis=0).astype(np.float32)
    parts = stratified(Tags(("a", "b"), labels).strata(), fractions=(0.5, 0.25, 0.25), seed=0)
    assert [int((labels[part].sum(axis=1) == 2).sum()) for part in parts] == [10, 5, 5]
    assert sum(len(part) for part in parts) == 61


@pytest.mark.parametrize("shares", [(0.5, 0.2), (1.2, -0.2), ((1.0,),)])
def test_shares_must_add_up(shares: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="add up to 1"):
        stratified(np.zeros(9, np.int64), fractions=shares, seed=0, classes=("a",))


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match="seed"):
        stratified(np.zeros(9, np.int64), fractions=SHARES, seed=-1, classes=("a",))


def test_what_is_given_stays_and_the_rest_is_taken_from_train() -> None:
    train, other = source(np.arange(40) % 2), source(np.arange(6) % 2, "other")
    both = arranged({"train": train, "validation": other})
    assert both["train"] is train
    assert both["validation"] is other
    assert len(both["test"]) == 0
    tested = arranged({"train": train, "test": other}, split=(0.6, 0.2, 0.2))
    assert tested["test"] is other
    assert [len(tested["train"]), len(tested["validation"])] == [30, 10]
    alone = arranged({"train": train}, split=(0.8, 0.1, 0.1))
    assert [len(alone[name]) for name in ("train", "validation", "test")] == [32, 4, 4]


def test_what_cannot_be_arranged() -> None:
    for split in ((0.5, 0.5), (0, 0.5, 0.5)):
        with pytest.raises(InputError, match="three shares"):
            arranged({"train": source(np.arange(40) % 2)}, split=split)
    unlabelled = Source(("x",), None, NoPictures(), np.zeros(1, np.int64))
    with pytest.raises(DataError, match="labels to split by"):
        arranged({"train": unlabelled})


def test_a_file_says_who_goes_where(tmp_path: Path) -> None:
    file = tmp_path / "split.csv"
    file.write_text("id,split\np3,test\np0,train\np1,VAL\np2,training\n")
    parts = from_file(source(np.array([0, 1, 0, 1])), file)
    assert {name: part.ids for name, part in parts.items()} == {
        "train": ("p0", "p2"),
        "validation": ("p1",),
        "test": ("p3",),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,part\n", "columns id and split"),
        ("", "columns id and split"),
        ("id,split\np9,train\n", "'p9'"),
        ("id,split\np0,train\np0,test\n", "'p0' twice"),
        ("id,split\np0,train\n", "the first 'p1'"),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "split.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        from_file(source(np.array([0, 1])), file)


def test_an_unknown_split_gets_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "split.csv"
    file.write_text("id,split\np0,trian\n")
    with pytest.raises(UnknownNameError, match="'train'"):
        from_file(source(np.array([0])), file)
