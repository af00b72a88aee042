"""Whether the time to find the poses of a picture grows with the number of people in it.

    python tests/benchmarks/bench_people.py --rounds 5

Top-down, every person is a picture of its own for `ck.heads.heatmaps`; bottom-up, `ck.heads.part_affinity` looks once
and puts joints together, greedily or by the Hungarian method, and `ck.heads.pose_proposals` does so from the cells of a
grid. Nothing is trained: the network of crops says what it says, and what is put together are the true joints of people
side by side, as a network that has learned would give them. The detector that top-down needs before is not counted. On
a busy core of a Xeon with AVX-512 top-down took 6 ms of the processor for one person and 46 for 16; one look 14 and 14,
putting together 5 and 14; one look at a grid 14 and 15, and its cells together 5 and 12.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import harness
import numpy as np

import cnnkit as ck
from cnnkit.data.targets import Boxes, Points
from cnnkit.data.targets.points import mirror_of
from cnnkit.scenes.skeleton import KEYPOINTS

WHOLE, CROP = 256, 128
PEOPLE = (1, 2, 4, 8, 16)


def main() -> None:
    """Prints milliseconds of the processor per picture, medians over the rounds."""
    arguments = harness.options(__doc__).parse_args()
    started = harness.machine()
    crops = ck.attach(ck.backbone("nano", input_shape=(CROP, CROP, 3)), ck.heads.heatmaps(KEYPOINTS))
    head = ck.heads.part_affinity(["person"], KEYPOINTS)
    grid = ck.heads.pose_proposals(["person"], KEYPOINTS)
    whole, gridded = (ck.attach(ck.backbone("nano", input_shape=(WHOLE, WHOLE, 3)), one) for one in (head, grid))
    found: dict[tuple[str, int], list[float]] = {}
    for _ in range(arguments.rounds + 1):  # the first one traces and does not count
        for count in PEOPLE:
            for name, seconds in times(crops, whole, gridded, count).items():
                found.setdefault((name, count), []).append(seconds)
    table = {key: float(np.median(values[1:])) for key, values in found.items()}
    rows = [
        harness.Row(
            f"{count} people: {name}",
            "1 person",
            table[name, 1],
            table[name, count],
            table[name, 1] / table[name, count],
            None,
        )
        for name, count in table
    ]
    harness.report("people", rows, started=started, arguments=arguments)


def times(crops: ck.Network, whole: ck.Network, gridded: ck.Network, count: int) -> dict[str, float]:
    """Seconds of the processor per part of the work, for a picture of so many people."""
    truth = crowd(count)
    picture = np.zeros((1, WHOLE, WHOLE, 3), np.float32)
    people = np.zeros((count, CROP, CROP, 3), np.float32)
    head: Any = whole.head
    grid: Any = gridded.head
    outputs, cells = (one.perfect(one.encode(truth, (WHOLE, WHOLE))) for one in (head, grid))
    hungarian = replace(head, assembly="hungarian")
    parts = {
        "top-down": lambda: crops.head.decode(crops.model.predict_on_batch(people), (CROP, CROP)),
        "bottom-up, one look": lambda: whole.model.predict_on_batch(picture),
        "bottom-up, greedy": lambda: head.decode(outputs, (WHOLE, WHOLE)),
        "bottom-up, Hungarian": lambda: hungarian.decode(outputs, (WHOLE, WHOLE)),
        "proposals, one look": lambda: gridded.model.predict_on_batch(picture),
        "proposals, greedy": lambda: grid.decode(cells, (WHOLE, WHOLE)),
    }
    seconds = {}
    for name, run in parts.items():
        run()  # a batch of another size is traced again
        started = time.process_time()
        run()
        seconds[name] = time.process_time() - started
    return seconds


def crowd(count: int) -> Boxes:
    """A picture of people of a grid of 4 × 4, each in a pose of a drawn scene."""
    poses = ck.data.crops(ck.data.scenes(60, seed=4, size=128, target="boxes"), "person").train
    side = WHOLE / 4
    rows = np.arange(count) % len(poses)
    sides = np.array([poses.shape(int(row))[0] for row in rows], np.float64)
    corners = np.stack(np.divmod(np.arange(count), 4), axis=-1)[:, ::-1] * side
    points = poses.targets.take(rows)
    values = points.values * (side / sides)[:, None, None] + corners[:, None]
    moved = Points(KEYPOINTS, values, points.shown, mirror=mirror_of(KEYPOINTS))
    boxes = np.concatenate([corners, corners + side], axis=1)
    return Boxes(("person",), boxes, np.zeros(count, np.int64), np.array([0, count]), points=moved)


if __name__ == "__main__":
    main()
