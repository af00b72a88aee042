"""COCO's evaluation and non-maximum suppression beside those who do them in C++.

    pip install pycocotools faster-coco-eval
    python tests/benchmarks/bench_detection_metrics.py --rounds 5

Evaluation: 5,000 pictures of 10 true boxes and 10 predictions, and 1,000 of 10 and 100, of 80 classes, from objects
that are in memory on both sides to the twelve numbers, which have to be equal. Suppression: 10,000 boxes, uniform in a
picture of 1,000² and around 100 places, at an IoU of .5, beside TensorFlow's `tf.image.non_max_suppression`, which has
to keep the same boxes. Seconds are those of the processor, all threads: other work on the machine changes them little.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import numpy as np

from cnnkit.data.targets import Boxes
from cnnkit.metrics import coco, non_maximum_suppression

CLASSES = 80
SETS = {"5,000 × 10": (5_000, 10), "1,000 × 100": (1_000, 100)}
# How many times as fast as the peer: above 1 for evaluation; for suppression 1 / .4 and 1 / 1.2.
BARS = {"uniform": 1 / 0.4, "clustered": 1 / 1.2}


def columns(pictures: int, predictions: int) -> tuple[Boxes, Boxes]:
    """True boxes, and predictions of which most are near one."""
    random = np.random.default_rng(0)
    low, sides = random.uniform(0, 400, (pictures, 10, 2)), np.exp(random.uniform(1.5, 5.5, (pictures, 10, 2)))
    labels = random.integers(0, CLASSES, (pictures, 10))
    which = np.arange(predictions) % 10
    near = random.normal(0, 0.1, (pictures, predictions, 2)) * sides[:, which]
    guessed = np.where(random.random((pictures, predictions)) < 0.8, labels[:, which], random.integers(0, CLASSES))
    truth, found = (
        np.concatenate([corner, corner + side], axis=2).reshape(-1, 4)
        for corner, side in ((low, sides), (low[:, which] + near, sides[:, which]))
    )
    names = tuple(f"class {number}" for number in range(CLASSES))
    starts = np.arange(pictures + 1)
    return (
        Boxes(names, truth, labels.ravel(), starts * 10),
        Boxes(names, found, guessed.ravel(), starts * predictions, scores=random.random(len(found))),
    )


def rows_of(column: Boxes) -> list[dict[str, Any]]:
    """The same as COCO's JSON has it."""
    sides = column.boxes[:, 2:] - column.boxes[:, :2]
    table = zip(column.owners.tolist(), column.labels.tolist(), column.boxes[:, :2], sides, strict=True)
    scores = np.ones(len(sides)) if column.scores is None else column.scores.astype(np.float64)
    return [
        {
            "id": row + 1,
            "image_id": owner,
            "category_id": label,
            "bbox": [*corner.tolist(), *side.tolist()],
            "area": float(side[0] * side[1]),
            "iscrowd": 0,
            "score": score,
        }
        for row, ((owner, label, corner, side), score) in enumerate(zip(table, scores.tolist(), strict=True))
    ]


def cpu(work: Callable[[], Any], results: dict[str, Any], name: str) -> harness.Run:
    """A run that measures the processor's seconds and keeps what it gave."""

    def run() -> float:
        started = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            results[name] = work()
        return time.process_time() - started

    return run


def evaluations(truth: Boxes, found: Boxes) -> dict[str, Callable[[], Any]]:
    """Ours, and those of the peers that are installed."""
    images = [{"id": number} for number in range(len(truth))]
    file = {"images": images, "categories": [{"id": number} for number in range(CLASSES)]}
    marked, predicted = file | {"annotations": rows_of(truth)}, rows_of(found)
    ways: dict[str, Callable[[], Any]] = {"cnnkit": lambda: list(coco(marked, predicted).numbers.values())}

    def peer(api: Any, evaluation: Any) -> Callable[[], Any]:
        with contextlib.redirect_stdout(io.StringIO()):
            annotations = api()
            annotations.dataset = marked
            annotations.createIndex()
            results = annotations.loadRes([dict(row) for row in predicted])

        def run() -> list[float]:
            way = evaluation(annotations, results, "bbox")
            for step in (way.evaluate, way.accumulate, way.summarize):
                step()
            return list(way.stats[:12])

        return run

    with contextlib.suppress(ImportError):
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        ways["pycocotools"] = peer(COCO, COCOeval)
    with contextlib.suppress(ImportError):
        import faster_coco_eval

        ways["faster-coco-eval"] = peer(faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster)
    return ways


def crowded(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """10,000 boxes and their scores."""
    random = np.random.default_rng(1)
    middles, sides = random.random((10_000, 2)) * 1_000, random.uniform(10, 100, (10_000, 2))
    if kind == "clustered":
        which = random.integers(0, 100, 10_000)
        sides = random.uniform(30, 150, (100, 2))[which]
        middles = (random.random((100, 2)) * 1_000)[which] + random.normal(0, 0.08, (10_000, 2)) * sides
        sides = sides * np.exp(random.normal(0, 0.1, (10_000, 2)))
    boxes = np.concatenate([middles - sides / 2, middles + sides / 2], axis=1).astype(np.float32)
    return boxes, random.permutation(10_000).astype(np.float32) / 10_000


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    arguments = harness.options(__doc__).parse_args()
    started, table = harness.machine(), []
    for case, shape in SETS.items():
        results: dict[str, Any] = {}
        ways = evaluations(*columns(*shape))
        found = harness.interleaved(arguments.rounds, {name: cpu(way, results, name) for name, way in ways.items()})
        for peer in sorted(set(ways) - {"cnnkit"}):
            same = max(abs(a - b) for a, b in zip(results["cnnkit"], results[peer], strict=True))
            harness.say(f"{case}: largest difference of a number to {peer}: {same:g}")
            pair = {name: found[name] for name in (peer, "cnnkit")}
            table += harness.rows(f"evaluation {case}", pair, peer=peer, bars={"cnnkit": 1.0})
    with contextlib.suppress(ImportError):
        import tensorflow as tf

        for kind, bar in BARS.items():
            boxes, scores = crowded(kind)
            results = {}
            runs = {
                "tensorflow": cpu(
                    lambda b=boxes, s=scores: tf.image.non_max_suppression(b, s, len(b), 0.5).numpy(), results, "peer"
                ),
                "cnnkit": cpu(lambda b=boxes, s=scores: non_maximum_suppression(b, s, iou=0.5), results, "ours"),
            }
            for run in runs.values():  # the first call of TensorFlow makes its threads
                run()
            found = harness.interleaved(arguments.rounds, runs)
            same = set(results["peer"].tolist()) == set(results["ours"].tolist())
            harness.say(f"{kind}: {'the same boxes' if same else 'other boxes'}")
            table += harness.rows(f"suppression {kind}", found, peer="tensorflow", bars={"cnnkit": bar})
    harness.report("detection_metrics", table, started=started, arguments=arguments)


if __name__ == "__main__":
    main()
