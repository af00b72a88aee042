"""`cnnkit predict`: a bundle and pictures in, a table of probabilities out."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cnnkit.export.prediction_table import Batch


def predict(
    bundle: Annotated[Path, typer.Argument(help="What `cnnkit finetune` or ck.save wrote.")],
    images: Annotated[Path, typer.Argument(help="A folder of pictures, searched to any depth, or one picture.")],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")] = Path("predictions.parquet"),
    on_error: Annotated[str, typer.Option(help="What to do with a broken picture: raise or skip.")] = "raise",
    batch_size: Annotated[int, typer.Option(min=1, help="Pictures at a time.")] = 32,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Label pictures with a saved network.

    OUT gets a row a picture: its path below IMAGES as id, and one probability column a class. Rows are in natural
    order of the paths (2.jpg before 10.jpg), never shuffled; memory does not grow with their number.

    Example: cnnkit predict runs/photos holiday/ --out holiday.parquet
    """
    from cnnkit._quiet import import_quietly

    import_quietly("keras")
    from cnnkit.data.image_folder import pictures
    from cnnkit.errors import unknown_name
    from cnnkit.export.bundle import load
    from cnnkit.export.manifest import read_manifest
    from cnnkit.export.prediction_table import write_predictions
    from cnnkit.transfer.inference import forward_pass

    if on_error not in ("raise", "skip"):
        raise unknown_name("a way to treat broken pictures", on_error, ("raise", "skip"))
    source, skipped = pictures(images, on_error="skip" if on_error == "skip" else "raise")
    network = load(bundle)
    started = time.perf_counter()
    labels: Counter[str] = Counter()

    def batches() -> Iterator[Batch]:
        for indices, outputs in forward_pass(network, source, batch_size=batch_size, progress=not as_json):
            probabilities = network.head.probabilities(outputs)
            labels.update(network.head.decide(probabilities))
            yield [source.ids[index] for index in indices], probabilities

    digest = read_manifest(bundle).model_hash
    rows = write_predictions(out, batches(), classes=network.classes, model_hash=digest)
    seconds = time.perf_counter() - started
    result = {
        "out": str(out),
        "pictures": rows,
        "labels": {name: labels[name] for name in (*network.classes, *sorted(set(labels) - set(network.classes)))},
        "skipped": [{"path": file.path, "reason": file.reason} for file in skipped],
        "model_hash": digest,
        "seconds": round(seconds, 3),
    }
    if as_json:
        print(json.dumps(result))
        return
    for file in skipped:
        print(f"skipped {file.path}: {file.reason}")
    for name, count in labels.most_common():
        print(f"{name or '(none)'}: {count} of {rows} pictures")
    print(f"{rows} rows in {out}: {rows / seconds:,.0f} pictures/s")
