"""Bundles that are saved again are loaded anew, while every request is answered by one version or the other."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import BundleError
from cnnkit.export.manifest import MANIFEST_FILE
from cnnkit.serving.meters import Meters
from cnnkit.serving.repository import Repository, named
from tests.serving.worlds import b64, networks, png
from tests.transfer.test_predictor import network

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def sure_of(index: int) -> ck.Network:
    """A network that says the same of every picture."""
    net = network()
    net.model.layers[-1].bias.assign(50.0 * np.eye(3)[index])
    return net


async def label(client: httpx.AsyncClient, path: str = "/v1/models/photos:predict") -> int:
    reply = await client.post(path, json={"instances": [b64(png())]})
    assert reply.status_code == 200, reply.text
    return int(np.argmax(reply.json()["predictions"][0]))


def test_a_bundle_that_is_saved_again_replaces_itself_without_a_lost_request(tmp_path: Path) -> None:
    folder = ck.save(sure_of(0), tmp_path / "photos")

    async def run() -> None:
        app = ck.serving.app([folder])
        repository = app.state.repository
        old = repository.find("photos")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            answers: list[int] = []
            done = asyncio.Event()

            async def ask() -> None:
                while not done.is_set():
                    answers.append(await label(client))

            asking = [asyncio.create_task(ask()) for _ in range(4)]
            await repository.refresh("photos")
            assert repository.versions("photos") == [1]  # nothing is new
            await asyncio.to_thread(ck.save, sure_of(1), folder)
            await repository.refresh("photos")
            assert repository.versions("photos") == [2]
            assert await label(client) == 1
            done.set()
            await asyncio.gather(*asking)
            assert 0 in answers
            assert set(answers) <= {0, 1}  # the last of them may have been asked before the new version was there
            assert old.batcher._thread._shutdown
            whole = (folder / "model.weights.h5").read_bytes()
            (folder / "model.weights.h5").write_bytes(whole[:-100])  # as while it is copied
            with pytest.raises(BundleError):
                await repository.refresh("photos")
            assert await label(client) == 1
            (folder / "model.weights.h5").write_bytes(whole)
            await repository.refresh("photos")
            assert repository.versions("photos") == [3]
            shutil.rmtree(folder)
            await repository.refresh("photos")
            assert await label(client) == 1

    asyncio.run(run())


def test_numbered_bundles_are_versions_of_which_the_newest_are_served(tmp_path: Path) -> None:
    for number in (1, 2):
        ck.save(sure_of(number - 1), tmp_path / "photos" / str(number))
    (tmp_path / "photos" / "notes").mkdir()

    async def run() -> None:
        app = ck.serving.app([tmp_path / "photos"], versions=2)
        repository = app.state.repository
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            assert repository.versions("photos") == [1, 2]
            assert await label(client) == 1
            assert await label(client, "/v1/models/photos/versions/1:predict") == 0
            await asyncio.to_thread(ck.save, sure_of(2), tmp_path / "photos" / "10")
            await repository.refresh("photos")
            assert repository.versions("photos") == [2, 10]
            assert await label(client) == 2
            assert (await client.get("/v2/models/photos")).json()["versions"] == ["2", "10"]
            reply = await client.post("/v1/models/photos/versions/1:predict", json={"instances": [b64(png())]})
            assert reply.status_code == 404

    asyncio.run(run())


def test_whatever_a_new_bundle_raises_the_watch_goes_on(tmp_path: Path, monkeypatch, caplog) -> None:
    made: list[int] = []
    retired: list[threading.Thread] = []

    def make(name: str, version: int, _: object) -> Any:
        made.append(version)
        if len(made) == 2:
            raise RuntimeError("an odd bundle")
        return SimpleNamespace(retire=lambda: retired.append(threading.current_thread()))

    monkeypatch.setattr("cnnkit.serving.repository.load", lambda bundle: None)
    manifest = tmp_path / "photos" / "1" / MANIFEST_FILE
    manifest.parent.mkdir(parents=True)
    manifest.write_text("")
    repository = Repository(make, Meters())
    repository.add("photos", tmp_path / "photos")

    async def run() -> None:
        watching = asyncio.create_task(repository.watch(0.001))
        for loads in (2, 3):
            manifest.write_text("x" * loads)
            async with asyncio.timeout(20):
                while len(made) < loads or len(retired) < loads - 2:
                    await asyncio.sleep(0.001)
        watching.cancel()

    asyncio.run(run())
    assert retired == [threading.main_thread()]
    assert "an odd bundle" in caplog.text


def test_names(tmp_path: Path) -> None:
    net = networks()["labels"]
    assert named([net]) == {"model": net}
    assert named(["cats=runs/4", "runs/photos"]) == {"cats": Path("runs/4"), "photos": Path("runs/photos")}
    with pytest.raises(BundleError, match="folders called 1, 2"):
        ck.serving.app([tmp_path])
