"""The features of a frozen prefix, computed once: kept on the disk or in memory and fed to the tail from there.

What is kept is never stale, because it is found by a hash of all that it depends on: configuration and weights of the
prefix, the pictures, how they meet the input, the view of each, the engine, the type of the numbers and the versions of
the packages that compute them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.kept_pictures import free_memory
from cnnkit.data.pipeline import PIXELS
from cnnkit.data.views.chain import Chain, keeps_boxes
from cnnkit.data.views.view import Augmenter
from cnnkit.engines.forward import Forward
from cnnkit.transfer.cache_choice import Choice, FeatureCache, Wanted, choose, in_words
from cnnkit.transfer.feature_store import FORMAT, LOCKS, Entry, FeatureStore, Layout, number_type
from cnnkit.transfer.feature_work import BATCH_SIZE, chunk_work, computed_there, gathered
from cnnkit.transfer.feed import Feed, Images, Inputs, Tensors
from cnnkit.transfer.prefix import Prefix, software
from cnnkit.transfer.progress import Line, Meter
from cnnkit.transfer.user_cache import former_cache
from cnnkit.workers import Workers, folder_seen

# An entry up to this size is copied to memory when it is opened, if that takes no more than a part of what is free.
IN_MEMORY_BYTES = 128_000_000
IN_MEMORY_PART = 0.125


class Features:
    """The features that one `fit` keeps, from phase to phase while the prefix stays the same.

    Args:
        cache: What was asked for.
        display: Where to say what is going on.
        workers: Who computes them; None for this process.
    """

    def __init__(self, cache: FeatureCache, display: Line, workers: Workers | None = None) -> None:
        self._cache = cache
        self._workers = workers
        self._display = display
        self._store = FeatureStore(cache.root)
        self._prefixes: list[Prefix] = []
        self._held: dict[str, Tensors] = {}
        self._entries: list[Entry] = []
        self._disk_failed = False

    def feeds(
        self, forwards: Sequence[Forward], training: Feed, validation: Feed | None, epochs: range
    ) -> tuple[Feed, Feed | None, str]:
        """The same feeds from kept features where that pays, and what was decided, as a part of a sentence.

        Args:
            forwards: The frozen prefix: for pictures of training first, for those of validation last, whose size may be
                another.
            training: Its views are counted over `epochs`.
            validation: Seen once in each of them.
            epochs: Those to come, counted from 0 over the whole run.
        """
        prefixes = [Prefix.of(forward) for forward in forwards]
        if prefixes != self._prefixes:
            self.close()
            self._prefixes = prefixes
        training, choice = self._feed(training, prefixes[0], forwards[0], epochs)
        reason = choice.reason
        if validation is not None:
            validation, of_validation = self._feed(validation, prefixes[-1], forwards[-1], epochs)
            if of_validation.place != choice.place:
                reason = f"{reason}; of validation: {of_validation.reason}"
        return training, validation, reason

    def close(self) -> None:
        """Forgets what is in memory and lets other processes remove what is on the disk."""
        self._held.clear()
        while self._entries:
            self._entries.pop().close()

    def _feed(self, feed: Feed, prefix: Prefix, forward: Forward, epochs: range) -> tuple[Feed, Choice]:
        if feed.mix is not None:
            return feed, Choice("none", "features computed in each epoch, whose pictures are blended")
        if feed.forward is not None and self._cache.dtype != "float32":
            feed = replace(feed, forward=partial(_rounded, feed.forward, self._cache.dtype))
        if any(side is None for shape in prefix.shapes for side in shape):
            return feed, Choice("none", "features of no fixed size, computed in each epoch")
        if self._disk_failed and self._cache.keep == "disk":
            return feed, Choice("none", "features computed in each epoch, the disk has failed")
        if feed.augment is not None and feed.views is None:
            return feed, Choice("none", "features computed in each epoch, whose views are new")
        layout = Layout(
            pictures=len(feed.source),
            shapes=tuple(tuple(int(side or 1) for side in shape) for shape in prefix.shapes),
            dtype=self._cache.dtype,
        )
        views = {feed.view(number) for number in epochs}
        keys = {self._key(feed, layout, prefix, view)[0] for view in views}
        wanted = Wanted(
            picture_bytes=layout.picture_bytes,
            pictures=layout.pictures,
            views=len(views),
            # What others compute pays where it is used once.
            uses=len(epochs) if self._workers is None else len(views) + 1,
            portable=prefix.portable and LOCKS and own(feed.augment),
            there=bool(keys) and all(key in self._held or self._store.has(key) for key in keys),
        )
        disk = 0 if self._disk_failed else self._cache.budget(self._store.used_bytes())
        choice = choose(self._cache, wanted, memory_bytes=free_memory(), disk_bytes=disk)
        if choice.place == "none":
            return feed, choice
        find = self._on_disk if choice.place == "disk" else self._in_memory
        return replace(feed, kept=partial(find, feed, layout, prefix, forward)), choice

    def _in_memory(self, feed: Feed, layout: Layout, prefix: Prefix, forward: Forward, view: int) -> Tensors:
        key, _ = self._key(feed, layout, prefix, view)
        if key not in self._held:
            numbers = range(len(layout.chunks()))
            self._held[key] = gathered(layout, self._computed(feed, layout, forward, view, numbers))
        return self._held[key]

    def _on_disk(self, feed: Feed, layout: Layout, prefix: Prefix, forward: Forward, view: int) -> Tensors | None:
        key, about = self._key(feed, layout, prefix, view)
        if key in self._held or self._disk_failed:
            return self._held.get(key)
        self._say_former()
        with ExitStack() as stack:
            try:
                used = self._store.used_bytes()
                entry = self._store.open(key, layout, about, budget_bytes=self._cache.budget(used))
                self._entries.append(entry)
                missing = stack.enter_context(entry.writing(on_wait=self._say_wait))
                seen = bool(missing) and self._workers is not None and folder_seen(entry.folder, self._workers)
            except OSError as error:
                self._give_up(key, error)
                return None
            folder = entry.folder if seen else None
            for number, parts in self._computed(feed, layout, forward, view, missing, folder):
                try:
                    entry.record(number, parts) if isinstance(parts, str) else entry.write(number, parts)
                except OSError as error:
                    self._give_up(key, error)
                    return None
        small = layout.total_bytes <= min(IN_MEMORY_BYTES, IN_MEMORY_PART * free_memory())
        self._held[key] = entry.in_memory() if small else entry.tensors()
        return self._held[key]

    def _say_former(self) -> None:
        """Once, before the folder is used for the first time."""
        if not self._store.folder.exists() and (former := former_cache()) is not None:
            place, size = former
            self._display.keep(f"{in_words(size)} of features in {place} are of an earlier version, and no longer used")

    def _say_wait(self) -> None:
        self._display.show("another process computes these features: waiting for it")

    def _give_up(self, key: str, error: OSError) -> None:
        self._disk_failed = True
        if self._entries and self._entries[-1].folder.name == key:
            self._entries.pop().close()
        self._store.remove(key)
        self._display.keep(
            f"features cannot be kept in {self._store.folder} ({error.strerror or error}): computed in each epoch"
        )

    def _computed(
        self,
        feed: Feed,
        layout: Layout,
        forward: Forward,
        view: int,
        numbers: Sequence[int],
        folder: Path | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """The features of some chunks; of those that workers put into a folder their digests."""
        chunks = layout.chunks()
        meter = Meter("features", sum(len(chunks[number]) for number in numbers), self._display)
        if self._workers is None:
            return _computed_here(feed, chunks, view, numbers, meter)
        work = chunk_work(feed, forward, layout, view=view, folder=folder)
        return computed_there(self._workers, work, feed.source, numbers, meter)

    def _key(self, feed: Feed, layout: Layout, prefix: Prefix, view: int) -> tuple[str, dict[str, Any]]:
        """The name of an entry and all that it depends on."""
        about: dict[str, Any] = {
            "format": FORMAT,
            "software": software(),
            "pixels": PIXELS,
            "prefix": prefix.digest,
            "pictures": feed.source.pictures_fingerprint,
            "size": feed.size,
            "framing": asdict(feed.framing),
            "view": None,
            "layout": asdict(layout),
            "chunks": len(layout.chunks()),
        }
        if feed.augmenter(view) is not None:
            about["view"] = {"augmentation": repr(feed.augment), "seed": feed.seed, "number": view}
            if keeps_boxes(feed.augment):
                about["view"]["truth"] = feed.truth.digest()
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest(), about


def _computed_here(
    feed: Feed, chunks: list[range], view: int, numbers: Sequence[int], meter: Meter
) -> Iterator[tuple[int, list[NDArray[Any]]]]:
    """The features of some chunks, one after the other; pictures are decoded ahead across chunks."""
    steps = [
        (number, np.arange(start, min(start + BATCH_SIZE, chunks[number].stop)))
        for number in numbers
        for start in range(chunks[number].start, chunks[number].stop, BATCH_SIZE)
    ]

    def run() -> Iterator[tuple[int, Inputs]]:
        batches = feed.pictures((indices for _, indices in steps), view)
        for (number, _), images in zip(steps, batches, strict=True):
            yield number, feed.run(images)
            meter.advance(len(images))

    for number, parts in groupby(run(), key=lambda part: part[0]):
        columns = zip(*(tensors for _, tensors in parts), strict=True)
        yield number, [column[0] if len(column) == 1 else np.concatenate(column) for column in columns]


def own(augment: Augmenter | None) -> bool:
    """Whether the code of an augmentation is cnnkit's: code of the user's own may change under the same name."""
    if isinstance(augment, Chain):
        return all(own(step) for step in augment.steps)
    return augment is None or type(augment).__module__.split(".")[0] == "cnnkit"


def _rounded(
    forward: Callable[[Images], Sequence[NDArray[np.float32]]], dtype: str, images: Images
) -> list[NDArray[np.float32]]:
    """As kept: what is trained does not depend on whether there was room."""
    return [tensor.astype(number_type(dtype)).astype(np.float32) for tensor in forward(images)]
