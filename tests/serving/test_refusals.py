"""What a server refuses: with the status of HTTP, in the form of each interface, and before it costs anything."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import cnnkit as ck
from cnnkit.errors import InputError
from cnnkit.serving import Limits
from cnnkit.serving.batching import Batcher
from cnnkit.serving.bodies import numbers
from cnnkit.serving.meters import Meters
from cnnkit.serving.served import Handler, Served
from tests.serving.worlds import b64, client_of, encoded, networks, pixels, png

KEY = "0123456789abcdef"
LIMITS = Limits(body_bytes=200_000, pixels=1_000_000, pictures=3, queue=4, seconds=20)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with client_of(ck.serving.app({"labels": networks()["labels"]}, limits=LIMITS)) as client:
        yield client


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that declares any number of pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100_000))), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def comment_like_scans() -> bytes:
    """A PNG whose comment has the bytes of two hundred scans."""
    about = PngInfo()
    about.add_text("Comment", "\xff\xda" * 200)
    file = BytesIO()
    Image.fromarray(pixels()).save(file, "PNG", pnginfo=about)
    assert b"\xff\xda" * 200 in file.getvalue()
    return file.getvalue()


def many_scans() -> bytes:
    """A JPEG whose scan is there two hundred times."""
    whole = encoded(pixels(shape=(8, 8)), "JPEG")
    scan = whole.index(b"\xff\xda")
    return whole[:scan] + whole[scan:-2] * 200 + b"\xff\xd9"


def v1(instances: Any) -> dict[str, Any]:
    return {"path": "/v1/models/labels:predict", "json": {"instances": instances}}


def v2(**tensor: Any) -> dict[str, Any]:
    given = {"name": "images", "datatype": "UINT8", "shape": [1, 2, 2, 3], "data": list(range(12))} | tensor
    return {"path": "/v2/models/labels/infer", "json": {"inputs": [given]}}


def form(data: bytes, name: str = "a.png") -> dict[str, Any]:
    return {"path": "/predict", "files": {"files": (name, data)}}


# What is wrong → request, status, and what the answer says.
REFUSED: dict[str, tuple[Callable[[], dict[str, Any]], int, str]] = {
    "no json": (lambda: {"path": "/v1/models/labels:predict", "content": b"{nix"}, 400, "a body of JSON"),
    "no object": (lambda: {"path": "/v1/models/labels:predict", "content": b"[1]"}, 400, "an object"),
    "deep json": (lambda: {"path": "/v2/models/labels/infer", "content": b"[" * 100_000}, 400, "deeply nested"),
    "binary json": (lambda: {"path": "/v1/models/labels:predict", "content": b"\xff\xfe\x00"}, 400, "a body of JSON"),
    "neither": (lambda: {"path": "/v1/models/labels:predict", "json": {}}, 400, "neither"),
    "another key": (lambda: {"path": "/v1/models/labels:predict", "json": {"instance": []}}, 400, "instance"),
    "another signature": (
        lambda: {"path": "/v1/models/labels:predict", "json": {"signature_name": "x", "instances": [1]}},
        400,
        "serving_default",
    ),
    "no pictures": (lambda: v1([]), 422, "1 to 3 pictures"),
    "too many pictures": (lambda: v1([[[[0, 0, 0]]]] * 4), 413, "1 to 3 pictures"),
    "unequal rows": (lambda: v1([[[[0, 0, 0]], [[0, 0]]]]), 422, "equal lengths"),
    "text for numbers": (lambda: v1([[["a"]]]), 422, "equal lengths"),
    "two channels": (lambda: v1([[[[0, 0]]]]), 422, "shape (1, 1, 2)"),
    "scaled to one": (lambda: v1([(pixels() / 255).round(3)[:9].tolist()]), 422, "divided by 255"),
    "not finite": (
        lambda: {"path": "/v1/models/labels:predict", "content": b'{"instances":[[[[NaN,0,0]]]]}'},
        422,
        "NaN",
    ),
    "no base64": (lambda: v1([{"b64": "%%"}]), 422, "base64"),
    "another object": (lambda: v1([{"b65": "aa"}]), 422, "b64"),
    "no picture": (lambda: v1([b64(b"nothing of the kind")]), 415, "something else"),
    "an empty file": (lambda: form(b""), 415, "a whole picture"),
    "a text file": (lambda: form(b"hello", "a.txt"), 415, "b'hello'"),
    "a truncated file": (lambda: form(encoded(pixels(), "JPEG")[:-900]), 415, "truncated"),
    "no form": (lambda: {"path": "/predict", "json": {}}, 415, "multipart/form-data"),
    "no boundary": (
        lambda: {"path": "/predict", "content": b"x", "headers": {"content-type": "multipart/form-data"}},
        400,
        "a form of files",
    ),
    "no file": (lambda: {"path": "/predict", "data": {"a": "b"}, "files": {}}, 415, "multipart/form-data"),
    "a body too large": (lambda: form(bytes(300_000)), 413, "200,000 bytes"),
    "a compressed body": (
        lambda: {"path": "/predict", "content": b"x", "headers": {"content-encoding": "gzip"}},
        415,
        "",
    ),
    "a bomb": (lambda: form(bomb(30_000, 30_000)), 413, "900,000,000 pixels"),
    "a larger bomb": (lambda: v1([b64(bomb(2**31 - 1, 2**31 - 1))]), 413, "1,000,000 pixels"),
    "a thousand scans": (lambda: form(many_scans()), 413, "scans"),
    "no inputs": (lambda: {"path": "/v2/models/labels/infer", "json": {"inputs": 1}}, 400, "a list of tensors"),
    "another input": (lambda: v2(name="x"), 400, "one input, 'images'"),
    "another shape": (lambda: v2(shape=[1, 2, 2, 4]), 422, "16 elements"),
    "a negative side": (lambda: v2(shape=[1, -2, -2, 3]), 422, "whole numbers"),
    "an endless shape": (lambda: v2(shape=[3] * 9), 422, "at most 8 whole numbers"),
    "three axes": (lambda: v2(shape=[2, 2, 3]), 422, "[n, height, width, 3]"),
    "another datatype": (lambda: v2(datatype="FP12"), 422, "FP12"),
    "bytes too few": (lambda: v2(parameters={"binary_data_size": 12}), 400, "binary_data_size"),
    "another model": (lambda: {"path": "/v2/models/lables/infer", "json": {}}, 404, "a model of labels"),
    "another version": (
        lambda: {"path": "/v1/models/labels/versions/9:predict", "json": {}},
        404,
        "a version of labels",
    ),
    "an endless version": (
        lambda: {"path": f"/v1/models/labels/versions/{'1' * 5_000}:predict", "json": {}},
        404,
        "2,000 characters",
    ),
    "an endless length": (
        lambda: v2() | {"headers": {"Inference-Header-Content-Length": "1" * 5_000}},
        400,
        "Inference-Header-Content-Length up to",
    ),
    "another address": (lambda: {"path": "/v1/nix", "json": {}}, 404, "an address"),
    "another method": (lambda: {"path": "/metrics", "json": {}}, 405, "a method"),
    "a version of text": (lambda: form(png()) | {"path": "/predict?version=x"}, 422, "whole number"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_says_why(client, what: str) -> None:
    request, status, words = REFUSED[what]
    arguments = request()
    path = arguments.pop("path")
    reply = client.post(path, **arguments)
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    told = error if path.startswith(("/v1", "/v2")) else json.dumps(error, ensure_ascii=False)
    assert words in told
    assert ("Expected" in told) == path.startswith(("/v1", "/v2"))


def test_a_bomb_takes_no_memory(client) -> None:
    tracemalloc.start()
    assert client.post("/predict", files={"files": bomb(30_000, 30_000)}).status_code == 413
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_scans_are_those_of_a_jpeg(client) -> None:
    assert client.post("/predict", files={"files": comment_like_scans()}).status_code == 200


def test_whole_numbers_of_pictures_take_a_byte_each() -> None:
    """Of JSON's 0…255; what is none is told as it came."""
    types = {(0, 255): "u1", (0, 256): "i8", (-1, 255): "i8", (0.5, 255): "f8"}
    assert {ends: numbers([[ends]], "images").dtype.str[1:] for ends in types} == types


def test_a_full_queue_answers_503_and_the_rest_is_answered() -> None:
    async def run() -> None:
        app = ck.serving.app({"labels": networks()["labels"]}, limits=LIMITS)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            sent = [client.post("/predict", files={"files": png(seed)}) for seed in range(12)]
            replies = await asyncio.gather(*sent)
            counts = [reply.status_code for reply in replies]
            assert counts.count(200) == LIMITS.queue
            assert counts.count(503) == 12 - LIMITS.queue
            assert {reply.headers.get("retry-after") for reply in replies if reply.status_code == 503} == {"1"}
            assert (await client.post("/predict", files={"files": png()})).status_code == 200

    asyncio.run(run())


def test_after_a_picture_that_fails_the_others_are_not_decoded(monkeypatch) -> None:
    decoded, release = [], threading.Event()

    def prepare(picture: Any, name: str, *_: Any) -> None:
        if name == "0":
            raise InputError("a picture", "none", "Send one.")
        decoded.append(name)
        release.wait(20)

    monkeypatch.setattr("cnnkit.serving.served.prepare", prepare)

    async def run() -> None:
        handler = Handler(Limits(), Meters())
        handler._threads = ThreadPoolExecutor(1)
        served = SimpleNamespace(predictor=None, batcher=Batcher(lambda images: images, Limits()))
        with pytest.raises(InputError, match="a picture"):
            await handler.answer(cast("Served", served), [b""] * 6, [str(number) for number in range(6)])
        await asyncio.sleep(0)  # a round of the loop hands the cancellations on to the threads
        release.set()
        await asyncio.to_thread(handler._threads.shutdown)
        served.batcher.close()

    asyncio.run(run())
    assert len(decoded) <= 1  # the one that had begun


def test_what_takes_too_long_is_answered_504_and_leaves_its_place() -> None:
    async def run() -> None:
        app = ck.serving.app({"labels": networks()["labels"]}, limits=Limits(seconds=0.2))
        served = app.state.repository.find("labels")
        release = threading.Event()
        outputs, served.batcher._run = served.batcher._run, lambda images: release.wait(20) and None
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            reply = await client.post("/v1/models/labels:predict", json={"instances": [b64(png())]})
            assert reply.status_code == 504
            assert "within 0.2 s" in reply.json()["error"]
            release.set()
            served.batcher._run = outputs
            text = (await client.get("/metrics")).text
            assert "cnnkit_queue_pictures 0.0" in text

            async def endless() -> Any:
                yield b"{"
                await asyncio.sleep(20)

            reply = await client.post("/v1/models/labels:predict", content=endless())
            assert reply.status_code == 408

    asyncio.run(run())


def test_a_token_and_a_name() -> None:
    app = ck.serving.app({"labels": networks()["labels"]}, token=KEY, hosts=["here"])
    with client_of(app) as client:
        client.headers["Host"] = "here:8000"
        for path in ("/", "/page.js", "/page.css", "/v2/health/ready"):
            assert client.get(path).status_code == 200
        for path in ("/models", "/metrics", "/v1/models/labels", "/v2", "/openapi.json"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"Authorization": f"Bearer {KEY[:-1]}"}).status_code == 401
            assert client.get(path, headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
        assert client.get("/", headers={"Host": "elsewhere:8000"}).status_code == 421
        assert client.get("/", headers={"Host": "here"}).status_code == 200


def test_another_page_cannot_ask(client) -> None:
    asked = {"url": "/predict", "files": {"files": png()}}
    for origin in ("https://evil.example", "null", f"http://{client.base_url.host}:1", "http://[", "://"):
        reply = client.post(**asked, headers={"Origin": origin})
        assert (reply.status_code, "a page of" in reply.text) == (403, True)
    own = f"{client.base_url}".rstrip("/")
    assert client.post(**asked, headers={"Origin": own}).status_code == 200


def test_a_browser_may_do_little(client) -> None:
    headers = client.get("/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"networks": []}, "at least one"),
        ({"networks": "runs"}, "in a list or by name"),
        ({"networks": [1]}, "in a list or by name"),
        ({"networks": {"a/b": 0}}, "in a list or by name"),
        ({"limits": 3}, "limits, or None"),
        ({"token": 3}, "a token"),
        ({"hosts": "here"}, "a list of names"),
        ({"versions": 0}, "versions"),
        ({"reload_seconds": 0}, "reload_seconds above 0"),
    ],
)
def test_wrong_arguments(arguments, words: str) -> None:
    with pytest.raises(InputError, match=words):
        ck.serving.app(**{"networks": {"labels": networks()["labels"]}} | arguments)


def test_names_and_limits() -> None:
    net = networks()["labels"]
    with pytest.raises(InputError, match="different names"):
        ck.serving.app([net, net])
    with pytest.raises(InputError, match="letters, digits"):
        ck.serving.app({"a/b": net})
    for wrong in ({"queue": 1}, {"seconds": 0}, {"batch": 0}, {"pixels": "many"}):
        with pytest.raises(InputError):
            Limits(**wrong)
