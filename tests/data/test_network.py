"""Whether a server answers: real sockets on this machine."""

from __future__ import annotations

import socket

import pytest

from cnnkit.data.network import any_reachable


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)


def test_one_of_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert any_reachable([f"http://127.0.0.1:{port}/a.zip"])
        assert any_reachable(["http://127.0.0.1:9/a.zip", f"http://127.0.0.1:{port}/b.zip"])
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        assert any_reachable(["http://nowhere.invalid/a.zip"])  # the proxy may know the way


def test_nobody_answers() -> None:
    assert not any_reachable(["http://127.0.0.1:9/a.zip", "https://nowhere.invalid/a.zip"])
    assert not any_reachable([])
