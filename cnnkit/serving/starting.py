"""Starting a server: `ck.serving.app` for one's own, `ck.serving.serve` for that of `cnnkit serve`."""

from __future__ import annotations

import importlib.util
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.data.arguments import number, whole_number
from cnnkit.errors import InputError, missing_extra
from cnnkit.serving.limits import Limits
from cnnkit.serving.repository import named
from cnnkit.transfer.network import Network

if TYPE_CHECKING:
    from fastapi import FastAPI

Networks = Sequence[Network | str | Path] | Mapping[str, Network | str | Path]
LOCAL = ("127.0.0.1", "localhost", "[::1]")
PACKAGES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")


def app(
    networks: Networks,
    *,
    limits: Limits | None = None,
    token: str = "",
    hosts: Sequence[str] = (),
    versions: int = 2,
    reload_seconds: float = 2.0,
) -> FastAPI:
    """Networks as an application of FastAPI, for uvicorn or as a part of a larger one.

    It has four faces: TensorFlow Serving's REST interface below `/v1`, KServe's V2 (the Open Inference Protocol) below
    `/v2`, `POST /predict` for files in a form, and a page at `/`; and `/metrics` for Prometheus. All give what
    `ck.predict` gives. Networks that are given as bundles are loaded anew when they are saved again.

    Args:
        networks: Networks or paths of bundles, in a list or by name. A list may say the name too, `"cats=runs/4"`; else
            a bundle is called as its folder and a network "model". A folder of folders 1, 2, … holds versions.
        limits: What is refused; by default `Limits()`.
        token: What clients have to send as `Authorization: Bearer TOKEN`; "" for none.
        hosts: Names by which the server may be asked for; () for any.
        versions: Of a folder of numbered bundles, how many of the newest are served.
        reload_seconds: Between two looks at the folders.

    Returns:
        The application, its networks warm.

    Raises:
        InputError: No networks, or names that cannot be part of an address or come twice.
        BundleError: A bundle is damaged, or there is none.
        MissingExtraError: FastAPI is not installed.
    """
    _require_packages()
    from cnnkit.serving.application import application

    if limits is not None and not isinstance(limits, Limits):
        raise InputError("limits, or None", f"{limits!r}"[:100], "ck.serving.Limits() are the usual ones.")
    if not isinstance(token, str) or not token.isascii():
        raise InputError("a token of ASCII text", type(token).__name__, "openssl rand -hex 16 makes one.")
    if isinstance(hosts, str) or not all(isinstance(host, str) for host in hosts):
        raise InputError("hosts as a list of names", f"{hosts!r}"[:100], 'For example ["localhost"].')
    whole_number(versions, "versions", least=1, remedy="2 is the default.")
    expected, remedy = "reload_seconds above 0", "2 is the default."
    if not number(reload_seconds, "reload_seconds", expected, remedy) > 0:
        raise InputError(expected, repr(reload_seconds), remedy)
    return application(
        named(networks),
        limits=limits or Limits(),
        token=token,
        hosts=tuple(hosts),
        versions=versions,
        reload_seconds=reload_seconds,
    )


def serve(
    networks: Networks,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    token: str = "",
    say: Callable[[str], None] = print,
) -> None:
    """Serves networks until SIGTERM or Ctrl-C; what was taken by then is answered.

    Args:
        networks: As of `app`.
        host: Where to listen; anything else than this machine itself needs a token.
        port: Where to listen; 0 for one that is free.
        limits: As of `app`.
        token: As of `app`.
        say: Is told the address, once the networks are warm.

    Raises:
        InputError: Another host than this machine without a token, a port that is taken, or as of `app`.
        BundleError: A bundle is damaged, or there is none.
        MissingExtraError: FastAPI or uvicorn is not installed.
    """
    _require_packages()
    import uvicorn

    local = _is_local(host)
    if not local and not token:
        expected = f"a token where others reach the server, at {host}"
        raise InputError(expected, "none", "Give --token $(openssl rand -hex 16), or listen on 127.0.0.1.")
    limits = limits or Limits()
    listening = _listening(host, port)
    with listening:
        address = f"[{host}]" if ":" in host else host
        # A page of elsewhere cannot ask a server that has a token; without one it is known by its name.
        hosts = (*LOCAL, address) if local and not token else ()
        application = app(networks, limits=limits, token=token, hosts=hosts)
        config = uvicorn.Config(
            application,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(limits.seconds) + 1,
        )
        say(f"http://{address}:{listening.getsockname()[1]}")
        _run(uvicorn.Server(config), listening)


def _run(server: object, listening: socket.socket) -> None:
    """Until a signal: uvicorn raises it again when everything is answered, which then is no failure."""
    run = server.run  # type: ignore[attr-defined]
    if threading.current_thread() is not threading.main_thread():
        run(sockets=[listening])
        return
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with suppress(KeyboardInterrupt):
            run(sockets=[listening])
    finally:
        signal.signal(signal.SIGTERM, before)


def _listening(host: str, port: int) -> socket.socket:
    whole_number(port, "port", remedy="8000 is the default, 0 takes a free one.")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"a free port at {host}", f"{port}: {error}", "Give another --port; 0 takes a free one."
        ) from error


def _is_local(host: str) -> bool:
    if not isinstance(host, str):
        raise InputError("a host as text", type(host).__name__, "127.0.0.1 is this machine.")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require_packages() -> None:
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise missing_extra(package, "serve", "cnnkit serve")
