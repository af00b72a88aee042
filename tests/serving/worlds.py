"""Networks to serve, pictures to send, and a server that really listens."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import uvicorn
from PIL import Image

import cnnkit as ck
from tests.transfer.test_predictor import HEADS, frame, network

SHAPE = (48, 100)


@cache
def networks() -> dict[str, ck.Network]:
    """One small network per kind of head."""
    return {kind: network(kind) for kind in HEADS}


def pixels(seed: int = 0, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return frame(shape, seed)


def png(seed: int = 0, shape: tuple[int, int] = SHAPE) -> bytes:
    return encoded(pixels(seed, shape), "PNG")


def encoded(picture: np.ndarray, kind: str) -> bytes:
    file = BytesIO()
    Image.fromarray(picture).save(file, kind)
    return file.getvalue()


def b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """The host and port of a server in a thread, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [free]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"127.0.0.1:{free.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def client_of(app: Any) -> Iterator[httpx.Client]:
    """A client of a server in a thread."""
    with listening(app) as address, httpx.Client(base_url=f"http://{address}", timeout=60) as client:
        yield client
