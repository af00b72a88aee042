"""Memory of masks: predictions of 1,000 pictures take no more than those of 100, and features of 8 views stay on disk.

    python tests/benchmarks/bench_mask_memory.py

Peak of the resident memory (`ru_maxrss`), each case in a process of its own. Predicted are noise pictures of 480 × 360
by a U-Net on nano, to a folder of PNG files and to a Parquet file. Trained is a U-Net on MobileNet (α = .75) whose
encoder is frozen, with 62 noise pictures of 480 × 360 in 8 views, whose features are kept, in batches of 8.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import numpy as np
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.data.targets import Masks, Stored

CLASSES = ("ground", "thing", "sky")
SHAPE = (360, 480)
FEW, MANY = 100, 1000
TRAINED, VIEWS, BATCH = 62, 8, 8
BAR = 2000  # MB of the training


class Noise:
    """Pictures and masks that are drawn anew whenever they are read."""

    def __init__(self, channels: tuple[int, ...], most: int) -> None:
        self.shape_of_one, self.most = (*SHAPE, *channels), most

    def read(self, position: int) -> NDArray[np.uint8]:
        """(h, w, 3) or (h, w)."""
        coarse = np.random.default_rng(position).integers(0, self.most, self.shape_of_one, np.uint8)
        return np.repeat(np.repeat(coarse[::8, ::8], 8, axis=0), 8, axis=1)

    def digest(self, position: int) -> str:
        """Another one for each position."""
        return f"{position:064x}"


def source(count: int) -> ck.data.Source:
    """Noise pictures with noise masks."""
    truth = Masks(CLASSES, Stored(Noise((), 3), np.arange(count)))
    return ck.data.Source(
        tuple(f"{number:04}.png" for number in range(count)), truth, Noise((3,), 256), np.arange(count)
    )


def network(name: str, side: tuple[int, int], **settings: float) -> ck.Network:
    """A U-Net with random weights."""
    body = ck.backbone(name, weights=None, input_shape=(*side, 3), **settings)
    return ck.attach(body, ck.heads.unet(CLASSES), framing=ck.data.Framing("squash"))


def to_folder(count: int, room: Path) -> None:
    """One PNG per picture."""
    ck.export.predict_to_folder(network("nano", (160, 160)), source(count), room / "masks")


def to_parquet(count: int, room: Path) -> None:
    """One file."""
    ck.export.predict_to_parquet(network("nano", (160, 160)), source(count), room / "masks.parquet")


def trained(epochs: int, room: Path) -> None:
    """A decoder on kept features, a view per epoch until all were seen."""
    os.environ["CNNKIT_CACHE"] = str(room)
    photos = source(TRAINED)
    empty = photos.take([])
    plan = ck.Plan([ck.Phase("head", epochs=epochs, rate=1e-3)])
    augment = ck.data.RandomCrop((224, 288), horizontal_flip=True)
    net = network("mobilenet", (224, 288), alpha=0.75)
    ck.fit(
        net,
        ck.data.Dataset(CLASSES, photos, empty, empty),
        plan,
        augment=augment,
        views=VIEWS,
        batch_size=BATCH,
        progress=False,
    )


CASES: dict[str, tuple[Callable[[int, Path], None], tuple[int, int]]] = {
    "predict_to_folder": (to_folder, (FEW, MANY)),
    "predict_to_parquet": (to_parquet, (FEW, MANY)),
    "fit, kept features, epochs": (trained, (1, VIEWS + 2)),
}
"""Name → what is done, and how often: little and much."""


def peak(name: str, count: int) -> tuple[int, float]:
    """Megabytes at the peak and CPU seconds, of a process of its own."""
    command = [sys.executable, __file__, "--one", name, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    megabytes, seconds = json.loads(done.stdout.splitlines()[-1])
    return megabytes, seconds


def main() -> None:
    """Runs every case with little and with much to do, and prints both peaks."""
    parser = harness.options(__doc__)
    parser.add_argument("--one", nargs=2, help="CASE COUNT: one run, as JSON.")
    arguments = parser.parse_args()
    if arguments.one:
        name, count = arguments.one
        started = time.process_time()
        with tempfile.TemporaryDirectory() as room:
            CASES[name][0](int(count), Path(room))
        megabytes = harness.peak_megabytes()
        print(json.dumps([megabytes, round(time.process_time() - started, 1)]))
        return
    table = []
    print(f"mask_memory, {harness.machine()}")
    for name, (_, (few, many)) in CASES.items():
        (little, _), (much, cost) = peak(name, few), peak(name, many)
        print(f"{name:<28} {few:>5}: {little:5} MB  {many:>5}: {much:5} MB  {cost:6.1f} CPU s", flush=True)
        table.append({"case": name, "few": few, "many": many, "megabytes": [little, much], "cpu_seconds": cost})
    if arguments.json:
        print(json.dumps({"bench": "mask_memory", "rows": table}))
    print(f"features of {VIEWS} views in {BAR} MB or less: {'met' if much <= BAR else 'missed'}")


if __name__ == "__main__":
    main()
