"""`cnnkit serve`: bundles behind an API of HTTP, until the command is stopped."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cnnkit.cli.options import Json


def serve(
    bundles: Annotated[
        list[str],
        typer.Argument(metavar="[NAME=]BUNDLE…", help="What ck.save wrote, or a folder of them called 1, 2, …"),
    ],
    host: Annotated[str, typer.Option(help="Where to listen; others than 127.0.0.1 need a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free one.")] = 8000,
    token: Annotated[
        str, typer.Option(envvar="CNNKIT_TOKEN", help="What clients send as Authorization: Bearer TOKEN.")
    ] = "",
    queue: Annotated[int, typer.Option(min=1, help="Pictures inside at once; more are answered 503.")] = 128,
    megabytes: Annotated[int, typer.Option(min=1, help="Of one request; more is answered 413.")] = 16,
    seconds: Annotated[float, typer.Option(min=0.001, help="For one answer; later is answered 504.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Serve saved networks over HTTP: a page at /, POST /predict, and the interfaces of TensorFlow Serving and KServe.

    A bundle that is saved again is loaded anew without a lost request. SIGTERM and Ctrl-C answer what was taken.

    Example: cnnkit serve runs/photos --port 8000
    """
    from cnnkit._backend import import_keras

    import_keras()
    from cnnkit.serving.limits import Limits
    from cnnkit.serving.starting import serve

    limits = Limits(body_bytes=megabytes << 20, queue=queue, pictures=min(queue, Limits.pictures), seconds=seconds)

    def say(address: str) -> None:
        told = (
            json.dumps({"address": address, "bundles": bundles})
            if as_json
            else f"{address} serves {', '.join(bundles)}"
        )
        print(told, flush=True)

    serve(bundles, host=host, port=port, limits=limits, token=token, say=say)
