"""Children of a process that has used threads: what they make is what the parent makes, and they come to an end."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

import cnnkit as ck
from cnnkit.data.ahead import ahead
from cnnkit.data.kept_pictures import KeptPictures
from cnnkit.data.opencv_threads import one_opencv_thread
from cnnkit.data.per_process import PerProcess

X = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)
Y = np.arange(24) % 2


def in_a_child(work: Callable[[], bytes]) -> bytes:
    """What `work` gives in a forked child; one that hangs is ended after 20 seconds."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            with os.fdopen(write, "wb") as pipe:
                pipe.write(work())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    assert not os.WIFSIGNALED(status), "the child waited for threads that it does not have"
    return answer


def test_a_flow_that_was_used_before() -> None:
    flow = ck.keras_generator.ImageDataGenerator(rotation_range=20, threads=4).flow(X, Y, batch_size=8, seed=3)
    here = flow[0][0].tobytes()
    assert in_a_child(lambda: flow[0][0].tobytes()) == here
    assert in_a_child(lambda: next(flow)[0].tobytes()) == here
    assert flow[0][0].tobytes() == here


def test_pictures_made_ahead() -> None:
    source = ck.data.arrays(X, Y).train
    kept = KeptPictures()

    def epoch() -> bytes:
        batches = ck.data.batches(
            source, ck.data.Framing(), (16, 16), augment=ck.data.Augmentation.gentle(), kept=kept, threads=3
        )
        return b"".join(batch.images.tobytes() for batch in batches)

    here = epoch()
    assert in_a_child(epoch) == here
    assert in_a_child(lambda: "".join(source.digests()).encode()) == "".join(source.digests()).encode()


def test_results_that_were_on_their_way() -> None:
    results = ahead(lambda item: bytes([item]), range(20), threads=3)
    assert next(results) == b"\0"
    assert in_a_child(lambda: b"".join(results)) == bytes(range(1, 20))
    assert b"".join(results) == bytes(range(1, 20))


def test_a_lock_that_another_thread_holds() -> None:
    kept, inside, leave = KeptPictures(), threading.Event(), threading.Event()

    def hold() -> None:
        with kept._lock():
            inside.set()
            leave.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    assert in_a_child(lambda: kept.get(0, lambda: X[0].copy()).tobytes()) == X[0].tobytes()
    leave.set()
    holder.join()


def test_opencv_has_threads_of_its_own() -> None:
    usual = cv2.getNumThreads()
    cv2.setNumThreads(4)
    large = np.random.default_rng(1).random((1500, 1500), dtype=np.float32)
    here = cv2.GaussianBlur(large, (9, 9), 3).tobytes()

    def work() -> bytes:
        with one_opencv_thread():
            cv2.GaussianBlur(large, (9, 9), 3)
        assert cv2.getNumThreads() == 4
        return cv2.GaussianBlur(large, (9, 9), 3).tobytes()

    try:
        assert in_a_child(work) == here
        assert cv2.getNumThreads() == 4
        with one_opencv_thread():
            assert in_a_child(work) == here
            assert cv2.getNumThreads() == 1
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(usual)


def test_pillow_images_of_a_list(tmp_path: Path) -> None:
    Image.fromarray(X[0]).save(tmp_path / "a.png")
    source = ck.data.as_source([Image.open(tmp_path / "a.png"), X[1]])
    source.image(0)
    assert in_a_child(lambda: source.image(0).tobytes()) == X[0].tobytes()


def test_neither_locks_nor_pools_are_sent_to_another_process() -> None:
    lock = PerProcess(threading.Lock)
    with lock():
        assert pickle.loads(pickle.dumps(lock))().acquire(blocking=False)  # noqa: S301  (our own bytes)


def test_keras_with_processes() -> None:
    import keras

    flow = ck.keras_generator.ImageDataGenerator(threads=3).flow(X, Y, batch_size=8, seed=3)
    flow[0]
    flow.workers, flow.use_multiprocessing = 2, True
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(flow, epochs=1, verbose=0).history["loss"]) == 1
