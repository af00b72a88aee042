"""`cnnkit quickstart`: the whole road on drawn pictures, without the internet."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import Json


def quickstart(
    data: Annotated[Path, typer.Option(help="Folder for the drawn pictures.")] = Path("data/quickstart"),
    out: Annotated[Path, typer.Option(help="Folder for bundle, predictions and report.")] = Path("runs/quickstart"),
    pictures: Annotated[int, typer.Option(min=100, help="How many pictures to draw.")] = 3000,
    seed: Annotated[int, typer.Option(help="Fixes everything.")] = 0,
    as_json: Json = False,
) -> None:
    """Draw scenes, learn to tell those with people, save, predict, report and hand in, in a few minutes.

    Example: cnnkit quickstart
    """
    from cnnkit._backend import import_keras

    import_keras()
    from cnnkit.course.grading.rehearsal import CLASSMATES, rehearse
    from cnnkit.data.image_folder import folder
    from cnnkit.export.bundle import load
    from cnnkit.reports import quickstart as script

    done = script.quickstart(data=data, out=out, pictures=pictures, seed=seed, progress=not as_json)
    graded = rehearse(out, load(out / "bundle"), folder(data).test, code=script.__file__, seed=seed)
    if as_json:
        handed_in = {"submission": graded.folder, "status": graded.grade.status, "points": graded.points}
        print(json.dumps({**asdict(done), **handed_in}, default=str))
        return
    points = 100 * (done.accuracy - done.scratch_accuracy)
    print(
        f"Drew {done.pictures} scenes, put a head on nano, trained it, then its last two stages too: "
        f"{sum(done.timings.values()):.0f} s.",
        f"Person / no person on unseen pictures: {done.accuracy:.3f} with transfer, {done.scratch_accuracy:.3f} from "
        f"random weights ({points:+.1f} points).",
        f"Prediction, decoding included: {done.images_per_second:,.0f} images/s.",
        f"In {done.out}: bundle (plain Keras JSON + H5), predictions.parquet, report.html and report.png.",
        f"Handed in as {graded.folder}: {graded.grade.status}, {graded.points} points of 20, rank {graded.grade.rank} "
        f"of {graded.grade.ranked} among {CLASSMATES} simulated classmates.",
        "Next: cnnkit finetune PHOTOS --backbone nano --out runs/mine, where PHOTOS holds one folder for each class; "
        "online, --backbone mobilenet_v2 for ImageNet weights, and ck.data.tfds(name) for public data.",
        sep="\n",
    )
