"""Memory of batches that is used again."""

from __future__ import annotations

import gc

import numpy as np

from cnnkit.keras_generator.batch_memory import WAITING, BatchMemory


def test_an_array_is_as_of_numpy() -> None:
    array = BatchMemory().empty((3, 4, 5), "float64")
    assert array.shape == (3, 4, 5)
    assert array.dtype == np.float64
    assert array.flags.c_contiguous
    assert array.flags.writeable


def test_what_anybody_still_holds_is_never_written_over() -> None:
    """Views, slices of views, memoryviews and other types of view hold it too."""
    memory = BatchMemory()
    holds = (
        lambda batch: batch,
        lambda batch: batch[1:][0],
        lambda batch: memoryview(batch),
        lambda batch: batch.view(np.uint8).reshape(-1)[::2],
        lambda batch: np.moveaxis(batch, -1, 1),
    )
    for hold in holds:
        batch = memory.empty((4, 8, 8, 3), np.float32)
        batch[...] = 7
        held = hold(batch)
        expected = np.array(held)
        del batch
        for value in range(2 * WAITING):
            memory.empty((4, 8, 8, 3), np.float32)[...] = value
        assert (np.asarray(held) == expected).all()


def test_blocks_that_wait_are_few_and_fit() -> None:
    memory = BatchMemory()
    batches = [memory.empty((100,), np.uint8) for _ in range(WAITING + 3)]
    addresses = {batch.ctypes.data for batch in batches}
    batches.clear()
    gc.collect()
    assert len(memory._waiting) == WAITING
    again = [memory.empty((90,), np.uint8) for _ in range(WAITING)]
    assert {batch.ctypes.data for batch in again} <= addresses
    again.clear()
    larger = memory.empty((1000,), np.uint8)
    larger[...] = 1
    assert larger.sum() == 1000
