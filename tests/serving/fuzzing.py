"""Requests near those that are right: bytes turned, numbers out of range, parts of the JSON changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np

from tests.serving.worlds import b64, encoded, pixels, png

ODD = (None, True, -1, 0, 3.5, 1e308, 10**30, "", "images", "\ud800", [], [[]], {}, {"b64": 7}, [None], float("nan"))
PATHS = (
    *("/v1/models/labels:predict", "/v1/models/boxes/versions/1:predict", "/v1/models/masks:predict"),
    *("/v2/models/labels/infer", "/v2/models/tags/versions/1/infer", "/v2/models/boxes/infer"),
    *("/predict", "/predict/masks", "/gradcam/labels", "/v2/models/%00/infer", "/v1/models/labels/versions/99:predict"),
)
METHODS = ("POST",) * 12 + ("GET", "PUT", "DELETE", "HEAD", "OPTIONS")


class Fuzz:
    """A stream of requests, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.pictures = [png(), encoded(pixels(), "JPEG"), encoded(pixels(), "GIF"), encoded(pixels(), "WEBP")]
        self.pictures += [encoded(pixels(), "TIFF"), encoded(pixels(), "BMP"), b"", b"\xff\xd8\xff"]

    def choice(self, values: Any) -> Any:
        return values[int(self.random.integers(len(values)))]

    def picture(self) -> bytes:
        """A file, in half of the cases with a few bytes turned or its end cut off."""
        data = bytearray(self.choice(self.pictures))
        if data and self.random.random() < 0.5:
            for place in self.random.integers(len(data), size=int(self.random.integers(1, 8))):
                data[place] = int(self.random.integers(256))
            if self.random.random() < 0.3:
                del data[int(self.random.integers(len(data))) :]
        return bytes(data)

    def v1(self) -> Any:
        pictures: list[Callable[[], Any]] = [
            lambda: b64(self.picture()),
            lambda: self.random.integers(-20, 300, self.random.integers(1, 6, size=3)).tolist(),
            lambda: self.random.integers(0, 256, (4, 5, 3)).tolist(),
        ]
        values = [self.choice(pictures)() for _ in range(int(self.random.integers(1, 4)))]
        return {self.choice(("instances", "inputs", "instances")): values}

    def v2(self) -> Any:
        shape = [1, *self.random.integers(1, 6, size=2).tolist(), 3]
        data = self.random.integers(0, 256, int(np.prod(shape))).tolist()
        tensor = {"name": "images", "datatype": self.choice(("UINT8", "FP32", "INT64")), "shape": shape, "data": data}
        if self.random.random() < 0.4:
            text = b64(self.picture())["b64"]
            tensor = {"name": "images", "datatype": "BYTES", "shape": [1], "data": [text]}
        return {"inputs": [tensor], "id": "1"}

    def changed(self, value: Any) -> Any:
        """The same JSON with one odd value somewhere."""
        if isinstance(value, dict) and value and self.random.random() < 0.8:
            key = self.choice(list(value))
            return {**value, key: self.changed(value[key])}
        if isinstance(value, list) and value and self.random.random() < 0.7:
            place = int(self.random.integers(len(value)))
            return [*value[:place], self.changed(value[place]), *value[place + 1 :]]
        return self.choice(ODD)

    def request(self) -> dict[str, Any]:
        path, method = self.choice(PATHS), self.choice(METHODS)
        if path.startswith(("/predict", "/gradcam")):
            return {"method": method, "url": path, "files": {"files": ("a\x00\r\n.png", self.picture())}}
        body = self.v1() if "/v1" in path else self.v2()
        if self.random.random() < 0.5:
            body = self.changed(body)
        content = bytearray(json.dumps(body).encode())
        headers = {}
        if self.random.random() < 0.2:
            content[int(self.random.integers(len(content)))] = int(self.random.integers(256))
        if "/v2" in path and self.random.random() < 0.4:
            size = int(self.random.integers(0, 80))
            headers["Inference-Header-Content-Length"] = self.choice(
                (str(len(content)), "x", "-1", "9" * 30, str(size))
            )
            content += self.random.bytes(size)
        return {"method": method, "url": path, "content": bytes(content), "headers": headers}

    async def run(self, app: Any, *, requests: int) -> Counter[int]:
        """How often each status was answered."""
        counts: Counter[int] = Counter()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", timeout=60) as client:
            for _ in range(requests):
                given = self.request()
                reply = await client.request(**given)
                assert reply.status_code < 500, (reply.status_code, reply.text, given)
                counts[reply.status_code] += 1
        return counts
