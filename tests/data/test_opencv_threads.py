"""OpenCV's own threads step aside and come back."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import cv2
import pytest

from cnnkit.data.opencv_threads import one_opencv_thread

BEFORE = 3


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    """Whatever the machine has."""
    usual = cv2.getNumThreads()
    cv2.setNumThreads(BEFORE)
    yield
    cv2.setNumThreads(usual)


def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    with one_opencv_thread():
        assert cv2.getNumThreads() == 1
        with one_opencv_thread():
            assert cv2.getNumThreads() == 1
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == BEFORE


def test_the_number_comes_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), one_opencv_thread():
        raise ZeroDivisionError
    assert cv2.getNumThreads() == BEFORE


def test_the_last_thread_to_leave_brings_the_number_back() -> None:
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with one_opencv_thread():
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=stay)
    other.start()
    assert inside.wait(10)
    with one_opencv_thread():
        pass
    assert cv2.getNumThreads() == 1
    leave.set()
    other.join()
    assert cv2.getNumThreads() == BEFORE
