from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cnnkit.errors import InputError, UnknownNameError
from cnnkit.transfer.cache_choice import FeatureCache, Wanted, choose, free_disk

POOLED = Wanted(picture_bytes=5120, pictures=1000, views=1, uses=10, portable=True)


@pytest.mark.parametrize(
    ("wanted", "memory", "disk", "place"),
    [
        (POOLED, 10**9, 10**9, "disk"),
        (POOLED, 10**9, 10**6, "memory"),  # 5 MB do not fit on the disk
        (POOLED, 9 * 10**6, 10**6, "none"),  # nor into half of the memory
        (Wanted(5120, 1000, views=1, uses=1, portable=True), 10**9, 10**9, "none"),  # one epoch gains nothing
        (Wanted(5120, 1000, views=8, uses=8, portable=True), 10**9, 10**9, "none"),  # nor eight with a view each
        (Wanted(5120, 1000, views=8, uses=9, portable=True), 10**9, 10**9, "disk"),
        (Wanted(5120, 1000, views=1, uses=10, portable=False), 10**9, 10**9, "memory"),
    ],
)
def test_auto_decides_from_sizes(wanted, memory, disk, place) -> None:
    assert choose(FeatureCache(), wanted, memory_bytes=memory, disk_bytes=disk).place == place


@pytest.mark.parametrize("keep", ["none", "memory", "disk"])
def test_what_is_asked_for_is_done(keep) -> None:
    assert choose(FeatureCache(keep), POOLED, memory_bytes=0, disk_bytes=0).place == keep


def test_code_of_the_users_own_is_never_kept_in_files() -> None:
    own = Wanted(5120, 1000, views=1, uses=10, portable=False)
    assert choose(FeatureCache("disk"), own, memory_bytes=10**9, disk_bytes=10**9).place == "memory"


def test_the_reason_says_where_and_how_much() -> None:
    choice = choose(FeatureCache(folder="/somewhere"), POOLED, memory_bytes=10**9, disk_bytes=10**9)
    assert choice.reason == "features kept in /somewhere, of at most 1 GB, (5,120 bytes a picture, 5.12 MB)"


def test_the_folder(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CNNKIT_CACHE", str(tmp_path / "elsewhere"))
    assert FeatureCache().root == tmp_path / "elsewhere"
    assert FeatureCache(folder=tmp_path).root == tmp_path
    assert FeatureCache(folder="~/features").root == Path.home() / "features"


def test_the_budget_is_half_of_the_free_disk_at_most(tmp_path, monkeypatch) -> None:
    free = free_disk(tmp_path / "not" / "there")
    assert 0 < free <= shutil.disk_usage(tmp_path).total
    monkeypatch.setattr("cnnkit.transfer.cache_choice.free_disk", lambda folder: 10)
    assert FeatureCache(folder=tmp_path).budget(0) == 5
    assert FeatureCache(folder=tmp_path).budget(4) == 9
    assert FeatureCache(budget_bytes=7).budget(0) == 7


def test_bad_settings() -> None:
    with pytest.raises(UnknownNameError, match="'memory'"):
        FeatureCache("memry")
    with pytest.raises(UnknownNameError, match="float16"):
        FeatureCache(dtype="float61")
    with pytest.raises(InputError, match="0 bytes or more"):
        FeatureCache(budget_bytes=-1)
    assert FeatureCache().root.is_absolute()


def test_what_is_kept_already_is_used_even_once() -> None:
    once = Wanted(5120, 1000, views=1, uses=1, portable=True, there=True)
    assert choose(FeatureCache(), once, memory_bytes=10**9, disk_bytes=10**9).place == "disk"
