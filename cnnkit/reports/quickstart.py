"""The whole road on pictures that cnnkit draws itself: no download, no accelerator, a few minutes.

Data → pre-trained backbone → head → fine-tuning → calibration → bundle → predictions → report, and beside it the same
network from random weights on the same budget, to see what transfer is worth.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cnnkit.backbones.extractor import backbone
from cnnkit.data.dataset import Dataset
from cnnkit.data.image_folder import folder
from cnnkit.data.scene_pictures import drawing_version
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.errors import DataError, InputError
from cnnkit.export.bundle import save
from cnnkit.export.prediction_table import write_predictions
from cnnkit.export.tensors import model_hash, tensor_records
from cnnkit.heads.classification import classifier
from cnnkit.reports.report import check_replaceable, report
from cnnkit.scenes import write_folders
from cnnkit.transfer.calibration import calibrate
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.inference import evaluate, predict
from cnnkit.transfer.network import Network, attach
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.run import Run

PICTURES = 3000
SIDE = 128  # pixels of a drawn scene and of the input; nano learned at 96, people far away need more

MIRRORED = Augmentation(horizontal_flip=True)
VIEWS = 2  # there are no more than two

TRANSFER = Plan(
    [
        Phase("head", epochs=3, rate=3e-3, schedule="cosine"),
        Phase(
            "deep",
            train=2,
            epochs=6,
            rate=1e-3,
            schedule="cosine",
            warmup_epochs=1,
            clip_norm=1.0,
            optimizer="adamw",
            weight_decay=0.05,
        ),
    ]
)
EPOCHS = sum(phase.epochs for phase in TRANSFER.phases)
SCRATCH = Plan([Phase("scratch", train="all", epochs=EPOCHS, rate=1e-3, schedule="cosine", batch_norm="train")])


@dataclass(frozen=True)
class Quickstart:
    """The result of a quickstart.

    Attributes:
        pictures: How many were drawn.
        accuracy: On the test pictures, from the pre-trained backbone.
        scratch_accuracy: On the same pictures, from random weights.
        images_per_second: Of prediction, decoding included.
        timings: Step → seconds.
        data: Folder of the pictures.
        out: Folder of the bundle, the predictions and the report.
    """

    pictures: int
    accuracy: float
    scratch_accuracy: float
    images_per_second: float
    timings: dict[str, float]
    data: Path
    out: Path


def quickstart(
    *,
    data: str | Path = "data/quickstart",
    out: str | Path = "runs/quickstart",
    pictures: int = PICTURES,
    seed: int = 0,
    progress: bool = True,
) -> Quickstart:
    """Draws scenes, learns to tell those with people, and reports the result.

    Args:
        data: Folder for the pictures; drawn again only when something about them changed.
        out: Folder for `bundle/`, `predictions.parquet`, `report.html` and `report.png`.
        pictures: How many to draw.
        seed: Of everything.
        progress: Whether to show live lines.
    """
    timings: dict[str, float] = {}
    data, out = Path(data), Path(out)
    page, poster = out / "report.html", out / "report.png"
    check_replaceable([page, poster])
    with _timed(timings, "draw the pictures"):
        photos = _drawn(data, pictures, seed)
    with _timed(timings, "train from nano"):
        network, run = _train("cnnkit", photos, TRANSFER, seed, progress)
    with _timed(timings, "train from random weights"):
        scratch, _ = _train(None, photos, SCRATCH, seed, progress)
    # Of a hundred pictures so few are for validation that a network may do no better on them than chance.
    with _timed(timings, "calibrate"), suppress(DataError):
        network = calibrate(network, photos.validation, progress=progress)
    with _timed(timings, "predict"):
        predictions = predict(network, photos.test)
    accuracy = {
        "nano, pre-trained": evaluate(network, photos.test)["accuracy"],
        "nano, random weights": evaluate(scratch, photos.test)["accuracy"],
    }
    with _timed(timings, "save"):
        save(network, out / "bundle", run=run)
        write_predictions(
            out / "predictions.parquet",
            predictions,
            classes=network.classes,
            model_hash=model_hash(tensor_records(network.model)),
        )
    with _timed(timings, "report"):
        report(
            network,
            photos,
            page,
            poster=poster,
            run=run,
            predictions=predictions,
            comparisons=accuracy,
            timings=timings,
            title="Person or no person: transfer from nano",
        )
    transferred, from_scratch = accuracy.values()
    return Quickstart(
        pictures=pictures,
        accuracy=transferred,
        scratch_accuracy=from_scratch,
        images_per_second=len(photos.test) / timings["predict"],
        timings=timings,
        data=data,
        out=out,
    )


def _drawn(place: Path, pictures: int, seed: int) -> Dataset:
    """The dataset in `place`; its pictures are drawn first unless they are there already."""
    key = f"{drawing_version()} {pictures} {seed} {SIDE}"
    stamp = place / ".drawn"
    if not stamp.is_file() or stamp.read_text() != key:
        _clear(place, stamp)
        write_folders(place, pictures, seed, size=SIDE)
        stamp.write_text(key)
    return folder(place)


def _clear(place: Path, stamp: Path) -> None:
    """Removes the pictures of an earlier quickstart, and nothing else.

    Raises:
        InputError: Other files are there.
    """
    if place.exists() and not place.is_dir():
        raise InputError("a folder for the drawn pictures", f"{place}, which is a file", "Give another name.")
    if place.is_dir():
        drawn = set(place.glob("*/*person/scene-*.jpg"))
        others = sorted(file for file in place.rglob("*") if file.is_file() and file not in drawn | {stamp})
        if others:
            received = f"{others[0]} among them"
            raise InputError(f"only drawn pictures in {place}", received, "Give another folder: it would be emptied.")
        shutil.rmtree(place)


def _train(weights: str | None, photos: Dataset, plan: Plan, seed: int, progress: bool) -> tuple[Network, Run]:
    body = backbone("nano", weights=weights, input_shape=(SIDE, SIDE, 3), seed=seed)
    network = attach(body, classifier(photos.classes, dropout=0.2, seed=seed))
    return network, fit(network, photos, plan, augment=MIRRORED, views=VIEWS, seed=seed, progress=progress)


@contextmanager
def _timed(timings: dict[str, float], step: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[step] = time.perf_counter() - started
