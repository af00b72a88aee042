"""Whether detectors can learn photographs by heart: 16 of COCO, MobileNet α=.75 with ImageNet's weights, 320 × 320.

    python tests/benchmarks/bench_overfitting.py --photos ../shared/data/coco128 --cases fcos --seeds 0
    python tests/benchmarks/bench_overfitting.py --print

A detector that cannot has an error in its targets, its loss or its decoding. All layers train, on the pictures as they
are, and the same pictures are scored. `representable` is what decode(encode(truth)) gives back, which no training
surpasses; of two stages it is not asked. Rows are written one by one and not repeated, as in `bench_detection.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import pandas as pd
import result_rows

import cnnkit as ck

RESULTS = Path(__file__).with_name("overfitting.csv")
COUNT, SIDE = 16, 320
FRAMING = ck.data.Framing("pad")


def single(make: Callable[..., ck.heads.SingleStageDetector], **settings: Any) -> Callable[..., ck.Network]:
    """A detector of one stage."""
    return lambda body, names, source: ck.attach(body, make(names, **settings), framing=FRAMING)


def with_anchors(body: Any, names: Any, source: Any) -> ck.Network:
    """YOLO v2 with nine anchors by k-means on the 16 photographs."""
    anchors = ck.heads.anchors_of(source, size=(SIDE, SIDE), count=9, framing=FRAMING)
    return ck.attach(body, ck.heads.yolo_v2(names, anchors=anchors), framing=FRAMING)


CASES: dict[str, Callable[..., ck.Network]] = {
    "fcos": single(ck.heads.fcos),
    "yolo_v1": single(ck.heads.yolo_v1, cells=10),
    "yolo_v2": with_anchors,
    "ssd": single(ck.heads.ssd),
    "retinanet": single(ck.heads.retinanet),
    "centernet": single(ck.heads.centernet),
    "faster_rcnn": lambda body, names, source: ck.tasks.faster_rcnn(body, names),
}
"""Name → the network of a backbone, class names and the photographs."""


@dataclass(frozen=True)
class Result:
    """One run.

    Attributes:
        AP50: Of the photographs that were learned.
        representable: The share of true boxes that the head can say at all; −1 of two stages.
        cpu_seconds: Of all threads, from the backbone to the trained network.
        convolution_ms: Of this machine, CPU milliseconds of one convolution.
    """

    case: str
    seed: int
    AP50: float
    representable: float
    epochs: int
    cpu_seconds: float
    convolution_ms: float


def measured(name: str, seed: int, photos: Path, epochs: int) -> Result:
    """Trains and scores."""
    whole = ck.data.coco(photos / "val2017", next((photos / "annotations").glob("*.json")), target="boxes").train
    some = whole.take(range(COUNT))
    dataset = ck.data.Dataset(some.names, some, some.take([]), some.take([]))
    speed, cpu = harness.convolution_ms(), time.process_time()
    body = ck.backbone("mobilenet", alpha=0.75, input_shape=(SIDE, SIDE, 3))
    net = CASES[name](body, some.names, some)
    plan = ck.Plan([ck.Phase("all", train="all", epochs=epochs, rate=1e-3, rate_decay=0.7, schedule="one_cycle")])
    ck.fit(net, dataset, plan, batch_size=4, cache="none", seed=seed, progress=False)
    cpu = time.process_time() - cpu
    share = -1.0
    if isinstance(net.head, ck.heads.SingleStageDetector):
        shapes = [some.shape(index) for index in range(COUNT)]
        framed = some.targets.moved([FRAMING.positions(shape, (SIDE, SIDE)) for shape in shapes], (SIDE, SIDE))
        share = float(ck.heads.representable(net.head, framed, (SIDE, SIDE)).mean())
    return Result(
        case=name,
        seed=seed,
        AP50=round(ck.evaluate(net, some)["AP50"], 4),
        representable=round(share, 4),
        epochs=epochs,
        cpu_seconds=round(cpu, 1),
        convolution_ms=round(speed, 2),
    )


def main() -> None:
    """Runs what is missing and prints the medians."""
    parser = harness.options(__doc__, epochs=150)
    parser.add_argument("--photos", type=Path, help="Where coco128 is: folders val2017 and annotations.")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS.name})")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="(0)")
    parser.add_argument("--print", action="store_true", help="Only the rows that are there, and no runs.")
    arguments = parser.parse_args()
    started = harness.machine()
    results = result_rows.read(arguments.results, Result)
    if arguments.photos and not arguments.print:
        for seed in arguments.seeds:
            for case in arguments.cases:
                if (case, seed) not in {(result.case, result.seed) for result in results}:
                    results.append(measured(case, seed, arguments.photos, arguments.epochs))
                    result_rows.append(arguments.results, results[-1])
                    harness.say(f"  {results[-1]}")
    rows = pd.DataFrame([asdict(result) for result in results])
    medians = [] if rows.empty else rows.groupby("case", sort=False).median(numeric_only=True)
    if arguments.json:
        table = [
            harness.Row(f"{name}: AP50 {row['AP50']:.3f}", "itself", row["cpu_seconds"], row["cpu_seconds"], 1.0, None)
            for name, row in ([] if rows.empty else medians.iterrows())
        ]
        harness.report("overfitting", table, started=started, arguments=arguments)
        return
    print(f"overfitting, {started}")
    print("no rows yet: --photos names coco128" if rows.empty else medians.to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
