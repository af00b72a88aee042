"""`cnnkit predict`: a bundle and pictures in, a table of probabilities out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from cnnkit.cli.options import (
    BatchSize,
    BundleFolder,
    DecodeOption,
    EngineOption,
    FlipOption,
    Json,
    OverlapOption,
    PrecisionOption,
    Settings,
    WindowOption,
    WorkersOption,
    settings_of,
)

if TYPE_CHECKING:
    from cnnkit.data.image_folder import Decode
    from cnnkit.data.source import Source
    from cnnkit.transfer.network import Network


ENDINGS = (".parquet", ".csv")


def predict(
    bundle: BundleFolder,
    images: Annotated[Path, typer.Argument(help="A folder of pictures, searched to any depth, or one picture.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The .parquet or .csv file to write, of masks and pictures also a folder; else rows are printed."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT even if it holds something else.")] = False,
    on_error: Annotated[str, typer.Option(help="What to do with a broken picture: raise or skip.")] = "raise",
    batch_size: BatchSize = 32,
    engine: EngineOption = "auto",
    precision: PrecisionOption = "float32",
    decode: DecodeOption = "exact",
    window: WindowOption = None,
    overlap: OverlapOption = 0.25,
    flip: FlipOption = False,
    workers: WorkersOption = None,
    as_json: Json = False,
) -> None:
    """Label pictures with a saved network.

    OUT gets a row for each picture: its path below IMAGES as id, its label, and one probability column per class. Rows
    are in natural order of the paths (2.jpg before 10.jpg), never shuffled; memory does not grow with their number.
    Stopped in the middle, the same command goes on from where it stood. A file that holds something else than
    predictions is not replaced without --force, a picture or a file of the bundle never. Of masks and pictures
    a row holds a PNG as large as the photograph; an OUT without an ending is a folder of them.

    Example: cnnkit predict runs/photos holiday/ --out holiday.parquet
    """
    from cnnkit._backend import import_keras

    import_keras()
    from cnnkit.data.image_folder import pictures
    from cnnkit.errors import InputError
    from cnnkit.export.bundle import load

    if out is not None:
        _check_out(out, bundle)
    source, skipped = pictures(
        images, on_error=cast('Literal["raise", "skip"]', on_error), decode=cast("Decode", decode)
    )
    network = load(bundle)
    settings = settings_of(batch_size, engine, precision, window, overlap, flip, progress=not as_json)
    if out is not None and (out.suffix or network.head.target.kind not in ("masks", "pictures")):
        result = _file(network, source, out, settings, force=force, workers=workers)
    elif workers is not None:
        remedy = "Give --out predictions.parquet, or leave --workers out."
        raise InputError("--workers with a file to write", f"--out {out}" if out else "no --out", remedy)
    elif out is not None:
        result = _folder(network, source, out, settings, force=force)
    else:
        result = _rows(network, source, settings)
    result["skipped"] = [{"path": file.path, "reason": file.reason} for file in skipped]
    if as_json:
        print(json.dumps(result))
        return
    for line in [*(f"skipped {file.path}: {file.reason}" for file in skipped), *_told(result)]:
        print(line)


def _check_out(out: Path, bundle: Path) -> None:
    from cnnkit.errors import InputError
    from cnnkit.export.bundle import FILES
    from cnnkit.export.own_files import check_ending

    if out.suffix:  # without one it may be a folder of masks or pictures
        check_ending(out, ENDINGS, kind="a file")
    if out.name in FILES and out.absolute().parent.resolve() == bundle.resolve():
        raise InputError("a file beside the bundle", f"{out}, one of the bundle's own", "Give another name.")


def _rows(network: Network, source: Source, settings: Settings) -> dict[str, Any]:
    """The predictions themselves."""
    from cnnkit.data.targets.column import ID, LABEL
    from cnnkit.transfer.inference import predict

    table = predict(network, source, **settings)
    if network.head.target.kind not in ("labels", "tags"):
        rows = [
            {str(name): value for name, value in row.items() if not isinstance(value, bytes)}  # those are for files
            for row in table.to_dict("records")
        ]
        return {"pictures": len(source), "table": rows}
    classes = list(network.classes)
    rows = [
        {ID: name, LABEL: label, "probabilities": dict(zip(classes, map(float, values), strict=True))}
        for name, label, *values in table.itertuples(index=False, name=None)
    ]
    return {"pictures": len(table), "labels": table[LABEL].value_counts().to_dict(), "predictions": rows}


def _file(
    network: Network, source: Source, out: Path, settings: Settings, *, force: bool, workers: str | None
) -> dict[str, Any]:
    """What was written."""
    from cnnkit.export.own_files import check_ending
    from cnnkit.export.prediction_parts import predict_to_csv, predict_to_parquet

    check_ending(out, ENDINGS, kind="a file")
    write = predict_to_csv if out.suffix.lower() == ".csv" else predict_to_parquet
    started = time.perf_counter()
    written = write(network, source, out, force=force, workers=workers, **settings)
    known = network.classes if written.labels else ()
    names = (*known, *sorted(set(written.labels) - set(network.classes)))
    return {
        "out": str(out),
        "pictures": written.pictures,
        "labels": {name: written.labels.get(name, 0) for name in names},
        "kept": written.kept_pictures,
        "model_hash": written.model_hash,
        "seconds": round(time.perf_counter() - started, 3),
    }


def _folder(network: Network, source: Source, out: Path, settings: Settings, *, force: bool) -> dict[str, Any]:
    """What was written, of masks or pictures."""
    from cnnkit.export.prediction_images import predict_to_folder

    started = time.perf_counter()
    pixels = predict_to_folder(network, source, out, force=force, **settings)
    seconds = round(time.perf_counter() - started, 3)
    return {"out": str(out), "pictures": len(source), "pixels": pixels, "seconds": seconds}


def _told(result: dict[str, Any]) -> Iterator[str]:
    """For people."""
    count = result["pictures"]
    if "predictions" in result:
        width = max(len(row["label"]) for row in result["predictions"])
        for row in result["predictions"]:
            values = row["probabilities"]
            probability = values.get(row["label"], max(values.values()))
            yield f"{row['label']:<{width}}  {probability:.3f}  {row['id']}"
        return
    if "table" in result:
        for row in result["table"]:
            yield "  ".join(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values())
        return
    if "pixels" in result:
        every = sum(result["pixels"].values())
        for name, number in sorted(result["pixels"].items(), key=lambda pair: -pair[1]):
            yield f"{name}: {number / every:.1%} of all pixels"
        yield f"{count} files in {result['out']}"
        return
    for name, number in sorted(result["labels"].items(), key=lambda pair: -pair[1]):
        if number:
            yield f"{name or '(none)'}: {number} of {count} pictures"
    if result["kept"]:
        yield f"{result['kept']} rows were there from a run that had not come to its end"
    rate = (count - result["kept"]) / result["seconds"] if result["seconds"] else 0
    yield f"{count} rows in {result['out']}: {rate:,.0f} pictures/s"
