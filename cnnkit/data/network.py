"""Whether a server can be reached, asked before a library tries for minutes."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Iterable
from urllib.parse import urlsplit

SECONDS = 5.0  # to wait for an answer; where there is no network a refusal comes at once, or never
PORTS = {"http": 80, "https": 443, "ftp": 21}


def any_reachable(urls: Iterable[str], seconds: float = SECONDS) -> bool:
    """Whether a connection to one of these servers, or to the proxy that is set for it, is accepted in time."""
    doors = {_door(url) for url in urls}
    opened, finished = threading.Event(), threading.Semaphore(0)

    def knock(door: tuple[str, int]) -> None:
        try:
            socket.create_connection(door, timeout=seconds).close()
            opened.set()
        except OSError:
            pass
        finally:
            finished.release()

    for door in doors:  # a name that nobody resolves keeps its thread waiting, but not the program
        threading.Thread(target=knock, args=(door,), daemon=True, name="cnnkit-network").start()
    for _ in doors:
        if opened.is_set() or not finished.acquire(timeout=seconds):
            break
    return opened.is_set()


def _door(url: str) -> tuple[str, int]:
    """Host and port that a request for this URL connects to."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return parts.hostname or "", parts.port or PORTS.get(parts.scheme, 443)
