"""The command itself, in a process of its own: it answers, and what it has taken it answers after SIGTERM too."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.cli import main
from cnnkit.errors import InputError, MissingExtraError
from cnnkit.serving import starting
from tests.serving.worlds import networks, pixels, png

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_sigterm_answers_what_was_taken(tmp_path: Path) -> None:
    bundle = ck.save(networks()["labels"], tmp_path / "photos")
    command = [sys.executable, "-m", "cnnkit", "serve", f"again={bundle}", "--port", "0", "--json"]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as server:
        try:
            assert server.stdout is not None
            told = json.loads(server.stdout.readline())
            address = told["address"]
            assert address.startswith("http://127.0.0.1:")
            reply = httpx.post(f"{address}/predict/again", files={"files": png()}, timeout=60)
            expected = ck.predict(networks()["labels"], pixels())
            told = reply.json()["table"][0]["probabilities"]
            np.testing.assert_allclose(list(told.values()), expected[["ant", "bee", "cat"]].to_numpy()[0], atol=1e-6)
            assert httpx.get(f"{address}/", headers={"Host": "evil.example"}).status_code == 421

            taken, begun, stopping = [], threading.Event(), threading.Event()

            def ask() -> None:
                request = httpx.Request("POST", f"{address}/predict", files={"files": png()})
                content = request.read()

                def body():
                    yield content[:100]
                    begun.set()
                    assert stopping.wait(20)
                    yield content[100:]

                kind = {"Content-Type": request.headers["content-type"]}
                taken.append(httpx.post(f"{address}/predict", content=body(), headers=kind, timeout=60))

            asking = threading.Thread(target=ask)
            asking.start()
            assert begun.wait(20)
            httpx.get(f"{address}/v2/health/live")  # by now the first bytes of the other have arrived
            server.send_signal(signal.SIGTERM)
            stopping.set()
            asking.join()
            assert taken[0].status_code == 200
            assert server.wait(60) == 0
        finally:
            server.kill()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--host", "0.0.0.0"), "a token"),  # noqa: S104  (refused)
        (("--host", "nowhere.example"), "a token"),
        (("--port", "70000"), "--port"),
        (("--queue", "0"), "--queue"),
    ],
)
def test_what_is_refused_before_anything_is_loaded(arguments, words: str, tmp_path, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["serve", str(tmp_path), *arguments])
    assert end.value.code == 2
    assert words in capsys.readouterr().err


def test_the_address_that_is_listened_on_is_a_name_of_the_server(monkeypatch) -> None:
    servers = []
    monkeypatch.setattr(starting, "_run", lambda server, listening: servers.append(server))
    ck.serving.serve([networks()["labels"]], host="127.0.0.2", port=0, say=lambda address: None)

    async def status(host: str) -> int:
        transport = httpx.ASGITransport(servers[0].config.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.2") as client:
            return (await client.get("/", headers={"Host": host})).status_code

    hosts = {"127.0.0.2:80": 200, "LocalHost": 200, "[::1]:80": 200, "evil.example": 421}
    assert {host: asyncio.run(status(host)) for host in hosts} == hosts


def test_a_port_that_is_taken_and_a_package_that_is_missing(monkeypatch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InputError, match="a free port"):
        ck.serving.serve([networks()["labels"]], port=taken.getsockname()[1])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install '.\[serve\]'"):
        ck.serving.app([networks()["labels"]])
