"""`cnnkit report`: a bundle and its pictures in, one page to show around out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cnnkit.cli.given_folder import read_for
from cnnkit.cli.options import BundleFolder, Json, SplitSeed, Void

FIRST = 4
"""Scores that are printed."""


def report(
    bundle: BundleFolder,
    data: Annotated[Path, typer.Argument(help="The folder of its pictures, split as in its training.")],
    out: Annotated[Path, typer.Option(help="The page to write, one HTML file.")] = Path("report.html"),
    poster: Annotated[Path | None, typer.Option(help="A PNG file that shows the same as one picture.")] = None,
    title: Annotated[str | None, typer.Option(help="Heading of the page.")] = None,
    void: Void = 255,
    seed: SplitSeed = None,
    force: Annotated[bool, typer.Option(help="Replace a file that is no report.")] = False,
    as_json: Json = False,
) -> None:
    """Write a page on what came of a training: scores, curves, confusion, worst mistakes, calibration, Grad-CAM.

    It is about the test pictures, or validation where there are none. The page needs nothing else: it can be sent.

    Example: cnnkit report runs/photos photos/ --out photos.html
    """
    from cnnkit._backend import import_keras

    import_keras()
    import cnnkit as ck
    from cnnkit.reports.report_facts import held_out
    from cnnkit.visualize.answers import fresh_score, predicted
    from cnnkit.visualize.score_names import score_name

    network = ck.load(bundle)
    photos = read_for(network, data, void=void, seed=network.seed if seed is None else seed)
    source = held_out(photos)
    table = ck.predict(network, source, progress=not as_json)
    page = ck.report(network, photos, out, poster=poster, predictions=table, title=title, force=force)
    # From the table that is there: `ck.evaluate` would run the network over all pictures once more.
    truth: Any = source.targets
    score = fresh_score(source, network)
    score.add(truth, predicted(source, table))
    scores = score.result()
    result = {"out": str(page), "poster": str(poster) if poster else None, "pictures": len(source), "scores": scores}
    if as_json:
        print(json.dumps(result))
        return
    first = ", ".join(f"{score_name(name)} {value:.3f}" for name, value in list(scores.items())[:FIRST])
    print(f"{first} on {len(source)} pictures")
    print(f"report in {page}" + (f", poster in {poster}" if poster else ""))
