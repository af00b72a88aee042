"""`cnnkit predict`: a bundle and pictures in, a table of probabilities out."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

if TYPE_CHECKING:
    from cnnkit.data.image_folder import Decode
    from cnnkit.transfer.engines import EngineName, Precision


def predict(
    bundle: Annotated[Path, typer.Argument(help="What `cnnkit finetune` or ck.save wrote.")],
    images: Annotated[Path, typer.Argument(help="A folder of pictures, searched to any depth, or one picture.")],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")] = Path("predictions.parquet"),
    on_error: Annotated[str, typer.Option(help="What to do with a broken picture: raise or skip.")] = "raise",
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures at a time.")] = 32,
    engine: Annotated[str, typer.Option(help="What runs it: auto, tensorflow, onnx or openvino.")] = "auto",
    precision: Annotated[str, typer.Option(help="float32; or bfloat16, faster and rougher.")] = "float32",
    decode: Annotated[str, typer.Option(help="Of JPEG files: exact; or scaled, faster, with other pixels.")] = "exact",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Label pictures with a saved network.

    OUT gets a row a picture: its path below IMAGES as id, and one probability column a class. Rows are in natural
    order of the paths (2.jpg before 10.jpg), never shuffled; memory does not grow with their number. Stopped in the
    middle, the same command goes on from where it stood.

    Example: cnnkit predict runs/photos holiday/ --out holiday.parquet
    """
    from cnnkit._quiet import import_quietly

    import_quietly("keras")
    from cnnkit.data.image_folder import pictures
    from cnnkit.export.bundle import load
    from cnnkit.export.prediction_parts import predict_to_parquet

    source, skipped = pictures(
        images, on_error=cast('Literal["raise", "skip"]', on_error), decode=cast("Decode", decode)
    )
    network = load(bundle)
    started = time.perf_counter()
    written = predict_to_parquet(
        network,
        source,
        out,
        batch_size=batch_size,
        engine=cast("EngineName", engine),
        precision=cast("Precision", precision),
        progress=not as_json,
    )
    seconds = time.perf_counter() - started
    names = (*network.classes, *sorted(set(written.labels) - set(network.classes)))
    result = {
        "out": str(out),
        "pictures": written.rows,
        "labels": {name: written.labels.get(name, 0) for name in names},
        "kept": written.kept_rows,
        "skipped": [{"path": file.path, "reason": file.reason} for file in skipped],
        "model_hash": written.model_hash,
        "seconds": round(seconds, 3),
    }
    if as_json:
        print(json.dumps(result))
        return
    for file in skipped:
        print(f"skipped {file.path}: {file.reason}")
    for name, count in sorted(written.labels.items(), key=lambda pair: -pair[1]):
        print(f"{name or '(none)'}: {count} of {written.rows} pictures")
    if written.kept_rows:
        print(f"{written.kept_rows} rows were there from a run that had not come to its end")
    print(f"{written.rows} rows in {out}: {(written.rows - written.kept_rows) / seconds:,.0f} pictures/s")
