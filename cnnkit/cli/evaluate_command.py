"""`cnnkit evaluate`: a bundle and labelled pictures in, its scores out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from cnnkit.cli.given_folder import read_for
from cnnkit.cli.options import (
    BatchSize,
    BundleFolder,
    DecodeOption,
    EngineOption,
    FlipOption,
    Json,
    LabelledFolder,
    OverlapOption,
    PrecisionOption,
    SplitSeed,
    Void,
    WindowOption,
    settings_of,
)

if TYPE_CHECKING:
    from cnnkit.data.dataset import Dataset
    from cnnkit.data.image_folder import Decode
    from cnnkit.data.source import Source
    from cnnkit.engines.runtimes import EngineName, Precision
    from cnnkit.transfer.network import Network


def evaluate(
    bundle: BundleFolder,
    data: LabelledFolder,
    part: Annotated[
        str | None,
        typer.Option(help="test, validation, train or all; by default test, or validation where there is no test."),
    ] = None,
    coco: Annotated[
        Path | None,
        typer.Option(
            help="Of a detector: a file of COCO's annotations of the pictures in DATA; prints COCO's twelve numbers.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    void: Void = 255,
    seed: SplitSeed = None,
    batch_size: BatchSize = 32,
    engine: EngineOption = "auto",
    precision: PrecisionOption = "float32",
    decode: DecodeOption = "exact",
    window: WindowOption = None,
    overlap: OverlapOption = 0.25,
    flip: FlipOption = False,
    as_json: Json = False,
) -> None:
    """Score a saved network on pictures with truth: of labels accuracy and F1, of masks IoU, and those of each class.

    A folder that was trained on is split as in the training, and scored on what was held out; of a folder of new
    pictures take --part all. A detector is scored by a file of COCO's annotations, --coco instances.json.

    Example: cnnkit evaluate runs/photos photos/
    """
    from cnnkit._backend import import_keras

    import_keras()
    import cnnkit as ck

    network = ck.load(bundle)
    if coco is not None:
        _evaluate_coco(network, data, coco, batch_size, engine, precision, as_json)
        return
    photos = read_for(
        network, data, void=void, seed=network.seed if seed is None else seed, decode=cast("Decode", decode)
    )
    name, source = _part(photos, part)
    settings = settings_of(batch_size, engine, precision, window, overlap, flip, progress=not as_json)
    scores = ck.evaluate(network, source, **settings)
    if as_json:
        print(json.dumps({"part": name, "pictures": len(source), "scores": scores}))
        return
    print(f"{len(source)} pictures: {name} of {data}")
    for line in _table(scores, network.classes):
        print(line)


def _evaluate_coco(
    network: Network, images: Path, annotations: Path, batch_size: int, engine: str, precision: str, as_json: bool
) -> None:
    """COCO's numbers of all pictures of a file of annotations, then those of each class that it shows."""
    from cnnkit.export.prediction_coco import evaluate_coco

    found = evaluate_coco(
        network,
        images,
        annotations,
        batch_size=batch_size,
        engine=cast("EngineName", engine),
        precision=cast("Precision", precision),
        progress=not as_json,
    )
    of_class = {name: found.of_category(name) for name in found.names}
    scores = found.numbers | {
        f"{score}/{name}": row[score]
        for score in ("AP", "AP50", "AP75")
        for name, row in of_class.items()
        if row[score] >= 0
    }
    if as_json:
        print(json.dumps({"annotations": str(annotations), "scores": scores}))
        return
    print(f"pictures of {annotations}, COCO's numbers; -1 where the file has no such thing")
    for line in _table(scores, network.classes):
        print(line)


def _part(photos: Dataset, name: str | None) -> tuple[str, Source]:
    """The part that was asked for, with its name; by default what was held out."""
    from cnnkit.errors import DataError, unknown_name

    parts = photos.parts()
    if name == "all":
        return name, photos.whole()
    if name is None:
        name = "test" if len(photos.test) else "validation"
    if name not in parts:
        raise unknown_name("a part", name, [*parts, "all"])
    if not len(parts[name]):
        filled = ", ".join(other for other, source in parts.items() if len(source))
        raise DataError(f"pictures in {name}", "none", f"There are {filled}: give one of them as --part, or all.")
    return name, parts[name]


def _table(scores: Mapping[str, float], classes: tuple[str, ...]) -> Iterator[str]:
    """One line per score of all pictures, then one row per class."""
    overall = {name: value for name, value in scores.items() if "/" not in name and name != "images"}
    width = max(map(len, (*overall, *classes)))
    for name, value in overall.items():
        yield f"{name:<{width}}  {value:.4f}"
    columns = list(dict.fromkeys(name.partition("/")[0] for name in scores if "/" in name))
    if not columns:
        return
    yield ""
    yield f"{'class':<{width}}  " + "  ".join(f"{column:>{max(len(column), 6)}}" for column in columns)
    for label in classes:
        values = [scores.get(f"{column}/{label}") for column in columns]
        cells = ("–" if value is None else f"{value:.4f}" for value in values)
        row = (f"{cell:>{max(len(column), 6)}}" for cell, column in zip(cells, columns, strict=True))
        yield f"{label:<{width}}  " + "  ".join(row)
