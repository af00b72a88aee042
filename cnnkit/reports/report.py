"""The report of a training: a page to show around, and one picture of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cnnkit.data.dataset import Dataset
from cnnkit.data.image_folder import folder
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError
from cnnkit.export.atomic_file import replacing, write_text
from cnnkit.heads.head import OpenSetHead
from cnnkit.reports.report_facts import held_out
from cnnkit.reports.report_kinds import KINDS, OF_SCORES
from cnnkit.reports.report_page import GENERATOR
from cnnkit.reports.report_poster import DOTS_PER_INCH
from cnnkit.reports.report_sections import report_html
from cnnkit.reports.report_words import listed
from cnnkit.transfer.inference import predict, truth_of
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.run import Run
from cnnkit.visualize.answers import predicted

MARKED_BYTES = 4096
"""The beginning of a file, in which a report carries its mark."""


def report(
    network: Network,
    dataset: Dataset | Source | str | Path,
    out: str | Path = "report.html",
    *,
    poster: str | Path | None = None,
    run: Run | None = None,
    predictions: pd.DataFrame | None = None,
    comparisons: Mapping[str, float] | None = None,
    timings: Mapping[str, float] | None = None,
    title: str | None = None,
    gradcam_layer: str | None = None,
    force: bool = False,
) -> Path:
    """Writes a training as one page: scores, curves, confusion and the worst pictures.

    The kind of truth decides what else: of labels calibration and Grad-CAM; of masks the overlap of each class, and
    truth beside predictions.

    The page is one HTML file with its pictures inside: it can be sent, and needs neither network nor cnnkit. It appears
    whole or not at all. An older report of that name is replaced; another file is not, unless `force` says so.

    Args:
        network: The trained network; `ck.load` reads a saved one.
        dataset: The pictures of the training; a folder is split as in its training, by the run's seed. The report is
            about the test part, or validation where there is no test; or about a labelled source alone.
        out: The page.
        poster: A PNG file, 1600 pixels wide, that shows the same as one picture; none by default.
        run: What `ck.fit` returned; by default `network.run`. Without any the page says nothing of the training.
        predictions: `ck.predict(network, dataset.test)`, where it is there already.
        comparisons: Way → first score (0…1) on these pictures, of labels the accuracy: the network of this report
            first, then what it is held against, e.g. `{"nano, pre-trained": 0.93, "nano, random weights": 0.71}`.
        timings: Step → seconds, in order.
        title: Heading; by default the backbone and the classes.
        gradcam_layer: Whose maps Grad-CAM reads; by default the last of at least 5 × 5 cells.
        force: Whether to replace a file that is no report.

    Returns:
        The path of the page.

    Raises:
        DataError: No held-out pictures with labels, other classes than the network's, or a picture that the predictions
            miss.
        InputError: Something else in the place of an argument, or a head that compares pictures; a comparison outside
            0…1; the first one is not the score of the predictions; or a file of that name that is no report.
        BundleError: The disk is full, or the folder may not be written.
    """
    network = network_of(network)
    if isinstance(network.head, OpenSetHead):
        remedy = "ck.evaluate(net, photos.test) gives its scores, ck.visualize.directions draws short vectors."
        raise InputError("a network that says what each picture shows", "one that compares pictures", remedy)
    run = run if run is not None else network.run
    if run is not None and not isinstance(run, Run):
        raise InputError("a run", f"{type(run).__name__}: {run!r}"[:200], "ck.fit returns it; net.run is it.")
    targets = [path for path in (_path(out, ".html"), _path(poster, ".png")) if path is not None]
    check_replaceable(targets, force=force)
    photos = _dataset(network, dataset, run)
    source = held_out(photos)
    truth_of(network, source)
    table = predict(network, source) if predictions is None else predictions
    predicted(source, table)
    kind = KINDS.get(source.kind, OF_SCORES)
    shown = list(network.classes) or [network.head.target.kind]
    facts = kind.facts(
        network=network,
        dataset=photos,
        run=run,
        predictions=table,
        comparisons=_numbers("comparisons", comparisons),
        timings=_numbers("timings", timings),
        title=f"{network.backbone.name}: {listed(shown, limit=4)}" if title is None else str(title),
        gradcam_layer=gradcam_layer,
    )
    text = report_html(facts, kind.sections)
    write_text(targets[0], text)
    for path in targets[1:]:
        drawn = kind.poster(facts)
        with replacing(path) as partial:
            drawn.savefig(partial, format="png", dpi=DOTS_PER_INCH, metadata={"Software": GENERATOR})
    return targets[0]


def check_replaceable(paths: list[Path], *, force: bool = False) -> None:
    """Refuses to replace a file that is no report.

    Raises:
        InputError: A folder, or a file that no report wrote.
    """
    for path in paths:
        if path.is_dir():
            raise InputError("the name of a file", f"the folder {path}", f"Give {path / 'report.html'}.")
        if force or not path.exists():
            continue
        with path.open("rb") as file:
            own = GENERATOR.encode() in file.read(MARKED_BYTES)
        if not own:
            raise InputError(
                f"a new file, or an older report, at {path}",
                "another file",
                "Give another name, or replace it with force=True (--force).",
            )


def _path(given: str | Path | None, ending: str) -> Path | None:
    if given is None and ending == ".png":
        return None
    if not isinstance(given, str | Path) or not str(given):
        raise InputError("the path of a file", repr(given), f'"report{ending}" is one.')
    path = Path(given).expanduser()
    if path.suffix.lower() not in (ending, ending.removesuffix("l")) and not path.is_dir():
        raise InputError(f"a file that ends in {ending}", str(path), f"Give {path.with_suffix(ending)}.")
    return path


def _dataset(network: Network, given: Dataset | Source | str | Path, run: Run | None) -> Dataset:
    """Converts a path, a source or a dataset into a dataset with the network's classes."""
    if isinstance(given, str | Path):
        given = folder(given, seed=0 if run is None else run.seed, classes=network.classes)
    if isinstance(given, Source):
        empty = Source.empty(given.classes if given.targets is None else given.targets)
        given = Dataset(given.names, empty, empty, given)
    if not isinstance(given, Dataset):
        raise InputError(
            "a dataset, a labelled source or the path of a folder",
            f"{type(given).__name__}: {given!r}"[:200],
            "ck.data.folder(path) makes one.",
        )
    if tuple(given.classes) != tuple(network.classes):
        raise DataError(
            f"the classes of the network, {list(network.classes)}",
            f"{list(given.classes)}",
            "Read the pictures with classes=network.classes: their order is that of the labels.",
        )
    return given


def _numbers(name: str, given: Mapping[str, float] | None) -> dict[str, float]:
    if given is None:
        return {}
    fine = isinstance(given, Mapping) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in given.values()
    )
    if not fine:
        raise InputError(f"{name} as numbers by name", f"{given!r}"[:200], 'E.g. {"nano": 0.93}.')
    return {str(key): float(value) for key, value in given.items()}
