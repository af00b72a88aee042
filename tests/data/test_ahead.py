from __future__ import annotations

import os
import threading
import time

import pytest

from cnnkit.data.ahead import ahead, usual_threads

USUAL = min(os.cpu_count() or 1, 16)


def test_results_come_in_order_whatever_the_threads() -> None:
    def slow_at_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert list(ahead(slow_at_first, range(20), threads=4)) == [item * item for item in range(20)]


def test_only_a_few_results_wait() -> None:
    begun = []
    results = ahead(lambda item: begun.append(item) or item, range(100), threads=2)
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 4
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("cnnkit-ahead")]


def test_an_error_comes_when_its_result_is_due() -> None:
    results = ahead(lambda item: 1 // item, [1, 0, 1], threads=2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


@pytest.mark.parametrize(("said", "threads"), [("3", 3), ("0", 1), ("", USUAL), ("many", USUAL)])
def test_threads_where_processes_share_a_machine(monkeypatch: pytest.MonkeyPatch, said: str, threads: int) -> None:
    monkeypatch.setenv("CNNKIT_THREADS", said)
    assert usual_threads() == threads
