"""Pictures in a folder to probabilities in a Parquet file.

    python tests/benchmarks/bench_predict.py --pictures 20000 --rounds 5

The peer is `image_dataset_from_directory` + `model.predict` + pandas' `to_parquet`, batch size 32; cnnkit is
`predict_to_parquet`, with TensorFlow alone and with OpenVINO of `cnnkit[fast]`, in float32 and, where the processor has
it, in bfloat16; with JPEGs decoded as they are, or smaller where that is enough. All run MobileNetV2 with a head of two
classes, weights=None, at 96² and at 224², on the same files of 500 × 375: 200 different ones, each linked under many
names. A run is a process of its own, whose peak memory stands in the table; its time is from the folder to the file,
tracing and folding included, but not importing and building the network.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import photos

PEER = "Keras and pandas"
# Way → engine, precision, decode, and the ratio to reach.
WAYS = {
    "TensorFlow alone": ("tensorflow", "float32", "exact", 1.5),
    "OpenVINO": ("openvino", "float32", "exact", None),
    "TensorFlow alone, scaled decode": ("tensorflow", "float32", "scaled", 1.5),
    "OpenVINO in bfloat16, scaled decode": ("openvino", "bfloat16", "scaled", 2.5),
}
SIDES = (96, 224)
DIFFERENT = 200


def make_photos(folder: Path, count: int, *, height: int, width: int) -> Path:
    """A few different pictures under `count` names."""
    photos.make(folder, min(DIFFERENT, count), height=height, width=width)
    originals = sorted(folder.glob("*/*.jpg"))
    for index in range(len(originals), count):
        original = originals[index % len(originals)]
        original.with_name(f"{index:06d}-{original.name}").hardlink_to(original)
    return folder


def child(way: str, folder: str, side: str) -> None:
    """One run, in a process of its own; prints what it took."""
    import keras
    import pandas as pd

    import cnnkit as ck
    from cnnkit.data.image_folder import DECODES, pictures
    from cnnkit.export.prediction_parts import predict_to_parquet

    size, out = (int(side), int(side)), Path(folder).parent / "out.parquet"
    body = ck.backbone("mobilenet_v2", weights=None, input_shape=(*size, 3))
    network = ck.attach(body, ck.heads.classifier(["grey", "red"]))
    started, used_before = time.perf_counter(), time.process_time()
    if way == PEER:
        data = keras.utils.image_dataset_from_directory(
            folder, labels=None, shuffle=False, image_size=size, batch_size=32, verbose=False
        )
        red = network.model.predict(data, verbose=0)[:, 0]
        pd.DataFrame({"id": data.file_paths, "grey": 1 - red, "red": red}).to_parquet(out, index=False)
    else:
        engine, precision, decode, _ = WAYS[way]
        source, _ = pictures(folder)
        source = replace(source, reader=DECODES[decode](source.reader.root, source.reader.paths))
        predict_to_parquet(network, source, out, engine=engine, precision=precision)
    seconds = time.perf_counter() - started
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "cpu": time.process_time() - used_before, "peak_bytes": peak_bytes}))


class Runs:
    """Runs in processes of their own, and the most memory that each way took.

    Args:
        folder: Of the pictures.
        side: Of the network's input.
    """

    def __init__(self, folder: Path, side: int) -> None:
        self._arguments = (str(folder), str(side))
        self._peak_bytes: dict[str, int] = {}

    def seconds(self, way: str) -> float:
        """What one run took."""
        command = [sys.executable, __file__, "--child", way, *self._arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        said = json.loads(done.stdout.splitlines()[-1])
        self._peak_bytes[way] = max(said["peak_bytes"], self._peak_bytes.get(way, 0))
        harness.say(f"  {way}: {said['seconds']:.1f} s, {said['cpu']:.1f} s of CPU time")
        return float(said["seconds"])

    def memory(self, way: str) -> str:
        """The peak of all runs so far, in words."""
        return f"peak {self._peak_bytes[way] / 1e6:,.0f} MB"


def compare(folder: Path, side: int, rounds: int, wanted: Sequence[str]) -> list[harness.Row]:
    """The rows of one input size."""
    from cnnkit.engines.runtimes import ENGINES, has_bfloat16

    ways = [
        way
        for way, (engine, precision, _, _) in WAYS.items()
        if way in wanted and not ENGINES[engine].missing() and (precision == "float32" or has_bfloat16())
    ]
    runs = Runs(folder, side)
    found = harness.interleaved(rounds, {way: lambda way=way: runs.seconds(way) for way in (PEER, *ways)})
    harness.say(f"  {PEER}: {runs.memory(PEER)}")
    rows = harness.rows(f"{side}²", found, peer=PEER, bars={way: WAYS[way][3] for way in ways})
    return [replace(row, case=f"{row.case}, {runs.memory(way)}") for row, way in zip(rows, ways, strict=True)]


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    parser = harness.options(__doc__, pictures=2_000)
    parser.add_argument("--sides", nargs="+", type=int, default=list(SIDES))
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    arguments = parser.parse_args()
    started = harness.machine()
    with tempfile.TemporaryDirectory() as folder:
        pictures = make_photos(Path(folder, "photos"), arguments.pictures, height=375, width=500)
        rows = [row for side in arguments.sides for row in compare(pictures, side, arguments.rounds, arguments.ways)]
    harness.report("predict", rows, started=started, arguments=arguments)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()
