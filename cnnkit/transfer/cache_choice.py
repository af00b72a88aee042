"""Whether the features of a frozen prefix are kept, and where: decided from sizes, said in one line."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from cnnkit.errors import InputError, unknown_name
from cnnkit.transfer.user_cache import cache_folder

Keep = Literal["auto", "none", "memory", "disk"]
Place = Literal["none", "memory", "disk"]
Number = Literal["float32", "float16", "bfloat16"]

DEFAULT_BUDGET = 10_000_000_000  # bytes
MEMORY_PART = 0.5  # of the free memory that "auto" takes


@dataclass(frozen=True)
class FeatureCache:
    """How `fit` keeps what a frozen prefix makes of the pictures, so that it is computed once.

    `cache="disk"` in `fit` is short for `cache=FeatureCache("disk")`.

    Args:
        keep: `"disk"` keeps features in files, for the next phase, the next head and the next run; `"memory"` until
            `fit` returns; `"none"` computes them anew in each epoch; `"auto"` takes the disk where they fit into the
            budget, else the memory where they fit into half of what is free, and keeps nothing that would not be
            used twice.
        folder: Where the files are; by default that of the environment variable `CNNKIT_CACHE`, else the user's cache
            folder, `~/.cache/cnnkit` on Linux. It can be deleted at any time; `cnnkit cache` shows what it holds.
        dtype: What features are rounded to. `"float32"` loses nothing: the trained weights are those of
            `"none"`. The other two halve the size.
        budget_bytes: What all files in the folder may take; the entries that were not used for longest give way. By
            default 10 GB, but no more than half of the free disk.

    Raises:
        UnknownNameError: No such place, or no such dtype.
        InputError: A budget below 0.
    """

    keep: Keep = "auto"
    folder: str | Path | None = None
    dtype: Number = "float32"
    budget_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.keep not in get_args(Keep):
            raise unknown_name("a place for features", str(self.keep), get_args(Keep))
        if self.dtype not in get_args(Number):
            raise unknown_name("a dtype of features", str(self.dtype), get_args(Number))
        if self.budget_bytes is not None and self.budget_bytes < 0:
            raise InputError("a budget of 0 bytes or more", str(self.budget_bytes), "None is half of the free disk.")

    @property
    def root(self) -> Path:
        """The folder, as an absolute path."""
        return Path(self.folder).expanduser().absolute() if self.folder else cache_folder()

    def budget(self, used_bytes: int) -> int:
        """What the folder may hold in all, where it holds `used_bytes` already."""
        if self.budget_bytes is not None:
            return self.budget_bytes
        return min(DEFAULT_BUDGET, used_bytes + free_disk(self.root) // 2)


@dataclass(frozen=True)
class Wanted:
    """The features that a phase would keep.

    Attributes:
        picture_bytes: Of one picture's features.
        pictures: How many.
        views: How many versions of each.
        uses: In how many epochs.
        portable: Whether their key says all that they depend on, which code of the user's own does not.
        there: Whether they are kept already.
    """

    picture_bytes: int
    pictures: int
    views: int
    uses: int
    portable: bool
    there: bool = False

    @property
    def total_bytes(self) -> int:
        """Of all versions of all pictures."""
        return self.picture_bytes * self.pictures * self.views


@dataclass(frozen=True)
class Choice:
    """Where features are kept and why, the reason as a part of a sentence."""

    place: Place
    reason: str


def choose(cache: FeatureCache, wanted: Wanted, *, memory_bytes: int, disk_bytes: int) -> Choice:
    """Decides from sizes alone.

    Args:
        cache: What was asked for.
        wanted: What there is to keep.
        memory_bytes: Free memory.
        disk_bytes: What the folder may hold.
    """
    size = f"{wanted.picture_bytes:,} bytes a picture, {in_words(wanted.total_bytes)}"
    if cache.keep == "none":
        return Choice("none", "features computed in each epoch")
    if cache.keep == "auto":
        if wanted.uses <= wanted.views and not wanted.there:
            return Choice("none", "features not kept, each would be used once")
        fits_disk, fits_memory = wanted.total_bytes <= disk_bytes, wanted.total_bytes <= MEMORY_PART * memory_bytes
        if not (fits_disk and wanted.portable) and not fits_memory:
            return Choice("none", f"features not kept, {in_words(wanted.total_bytes)} fit neither disk nor memory")
        place: Place = "disk" if fits_disk and wanted.portable else "memory"
    else:
        place = "disk" if cache.keep == "disk" and wanted.portable else "memory"
    where = f"in {cache.root}, of at most {in_words(disk_bytes)}," if place == "disk" else "in memory"
    if cache.keep != "memory" and not wanted.portable:
        where += ", since a key cannot tell code of the user's own"
    versions = f" of {wanted.views} views" if wanted.views > 1 else ""
    return Choice(place, f"features{versions} kept {where} ({size})")


def free_disk(folder: Path) -> int:
    """Free bytes of the disk that holds the folder, or would."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(existing).free


def in_words(count: float) -> str:
    """A number of bytes for people.

    >>> in_words(2_500_000), in_words(12)
    ('2.5 MB', '12 bytes')
    """
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while count >= 1000 and len(units) > 1:
        count /= 1000
        del units[0]
    return f"{count:.3g} {units[0]}"
