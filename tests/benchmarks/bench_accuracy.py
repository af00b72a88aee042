"""What `ck.finetune` makes of small sets, beside the plain exact head that it begins with.

    python tests/benchmarks/bench_accuracy.py --sets ants_bees orl --backbones mobilenet-0.75 --rounds 3
    python tests/benchmarks/bench_accuracy.py --print

Each run is one (set, backbone, seed, recipe): a seed decides which pictures are held out for validation, which views
are drawn and in which order they are learned; the test pictures of a set are always the same and choose nothing. A run
appends its row to the results file at once, and runs that are there are not repeated: a study may be stopped at any
time. Each run starts without kept features, so that its seconds are those of a user's first call; the seconds that
the test takes do not count. ImageNet weights are those of the shared folder.

How the default was chosen. All plans were tuned on pictures that no test here holds (`accuracy_tuning.csv`: drawn
scenes of other seeds, other pictures of CIFAR-10, parts of the training pictures of the rest), by what they gain over
the plain exact head there. Of 15 pairs of a set and a backbone (11 of MobileNets, 4 of nano) two stages at 2e-4, half
of it a stage, gain +.8 ± .9 points at their end and +.8 ± .6 half way back, the fixed average of WiSE-FT (Wortsman et
al. 2022, arXiv:2109.01903), which is what `probe_then_finetune` does; at 1e-4 +.3 and +.4; at 5e-4 they lose 4.6 and
3.9, most of it with MobileNet α=.75, whose depthwise kernels are too small for that rate. Validation of 11 to 90
pictures sees such a collapse and no more, so a phase only has to be not clearly worse.

The row "stepped" is what the default was before: a head with dropout in steps, then the last stage. It is far behind
the exact head where classes are many and pictures few (40 faces of two pictures: .782, the exact head .904), and
behind it on CIFAR-10's. That the head is solved on four slight views instead of one was seen on test pictures of three
sets: faces gain 2.5 points by it, things .9, ants and bees lose one picture.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import accuracy_sets
import harness
import keras
import pandas as pd
import result_rows

import cnnkit as ck
from cnnkit.backbones.extractor import Backbone
from cnnkit.transfer import exact_head

RESULTS = Path(__file__).with_name("accuracy.csv")
WEIGHTS = accuracy_sets.DATA.parent / "weights"
SQUEEZENET = "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5"

BACKBONES: dict[str, dict[str, Any]] = {
    "mobilenet-0.25": {"name": "mobilenet", "alpha": 0.25},
    "mobilenet-0.75": {"name": "mobilenet", "alpha": 0.75},
    "mobilenet_v2-0.35": {"name": "mobilenet_v2", "alpha": 0.35},
    "squeezenet1_1": {"name": "squeezenet1_1", "weights": WEIGHTS / SQUEEZENET},
    "nano": {"name": "nano"},
}


def plain_head(body: Backbone, photos: ck.data.Dataset, seed: int) -> ck.Network:
    """The exact head on features of the pictures as they are, its strength chosen by validation alone, as it was."""
    net = ck.attach(body, ck.heads.classifier(photos.classes, class_weight="balanced", seed=seed))
    few, exact_head.FEW_PICTURES = exact_head.FEW_PICTURES, 0
    try:
        return _fitted(net, photos, ck.plans.probe(solver="lbfgs"), seed)
    finally:
        exact_head.FEW_PICTURES = few


def default(body: Backbone, photos: ck.data.Dataset, seed: int) -> ck.Network:
    """`ck.finetune` as it is."""
    return ck.finetune(photos, backbone=body, seed=seed, progress=False)


def head_on_one_view(body: Backbone, photos: ck.data.Dataset, seed: int) -> ck.Network:
    """The default, but for a head that is solved on the pictures as they are."""
    head = ck.heads.classifier(photos.classes, class_weight="balanced", seed=seed)
    plan = ck.plans.probe_then_finetune(head_views=1)
    return _fitted(ck.attach(body, head), photos, plan, seed, augment=ck.data.Augmentation.slight(), views=4)


def stepped(body: Backbone, photos: ck.data.Dataset, seed: int) -> ck.Network:
    """A head with dropout in steps, then the last stage too: the default until the exact head came first."""
    settings: dict[str, Any] = {"dropout": 0.5, "label_smoothing": 0.1, "class_weight": "balanced"}
    head = ck.heads.classifier(photos.classes, **settings, seed=seed)
    augment = ck.data.Augmentation.gentle()
    return _fitted(ck.attach(body, head), photos, ck.plans.freeze_then_finetune(), seed, augment=augment, views=8)


Recipe = Callable[[Backbone, ck.data.Dataset, int], ck.Network]
RECIPES: dict[str, Recipe] = {
    "plain head": plain_head,
    "default": default,
    "head on one view": head_on_one_view,
    "stepped": stepped,
}
PEER = "plain head"


@dataclass(frozen=True)
class Result:
    """One run.

    Attributes:
        accuracy: Of the test pictures.
        cpu_seconds: Of all threads, from the backbone to the trained network.
        wall_seconds: Of the same.
        l2: The strength that the head's solver chose; empty without one.
        validation: Accuracy of the validation pictures after each phase, from the first on.
    """

    set: str
    backbone: str
    seed: int
    recipe: str
    accuracy: float
    cpu_seconds: float
    wall_seconds: float
    l2: str
    validation: str

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What is run once."""
        return self.set, self.backbone, self.seed, self.recipe


def measured(set_name: str, backbone: str, seed: int, recipe: str) -> Result:
    """Trains and tests."""
    photos = _photos(set_name, seed)
    keras.backend.clear_session()
    settings = dict(BACKBONES[backbone])
    body = ck.backbone(settings.pop("name"), **settings)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CNNKIT_CACHE"] = cache
        wall, cpu = time.perf_counter(), time.process_time()
        net = RECIPES[recipe](body, photos, seed)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    history = net.run.history
    last = history.groupby("phase", sort=False).last()
    return Result(
        set=set_name,
        backbone=backbone,
        seed=seed,
        recipe=recipe,
        accuracy=round(ck.evaluate(net, photos.test)["accuracy"], 4),
        cpu_seconds=round(cpu, 1),
        wall_seconds=round(wall, 1),
        l2=f"{history['l2'].iloc[0]:.0e}" if "l2" in history else "",
        validation=" ".join(f"{value:.3f}" for value in last.get("val_accuracy", ())),
    )


def table(results: Sequence[Result]) -> pd.DataFrame:
    """One row for each set and recipe, and for all: accuracy, gain over the plain head of the same runs, seconds."""
    rows = pd.DataFrame([asdict(result) for result in results])
    run = ["set", "backbone", "seed"]
    peer = rows[rows["recipe"] == PEER].set_index(run)["accuracy"]
    rows = rows.assign(gain=rows["accuracy"] - rows.set_index(run).index.map(peer))
    whole = rows.assign(set="all")
    grouped = pd.concat([rows, whole]).groupby(["set", "recipe"], sort=False)
    return grouped.agg(
        runs=("accuracy", "size"),
        median=("accuracy", "median"),
        mean=("accuracy", "mean"),
        gain=("gain", "mean"),
        error=("gain", "sem"),
        cpu_seconds=("cpu_seconds", "mean"),
        wall_seconds=("wall_seconds", "mean"),
    )


def main() -> None:
    """Runs what is missing and prints the table, or JSON."""
    parser = harness.options(__doc__)
    parser.add_argument("--sets", nargs="+", choices=list(accuracy_sets.SETS), default=list(accuracy_sets.SETS))
    parser.add_argument("--backbones", nargs="+", choices=list(BACKBONES), default=list(BACKBONES))
    parser.add_argument("--recipes", nargs="+", choices=list(RECIPES), default=[PEER, "default"])
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS.name})")
    parser.add_argument("--seeds", type=int, nargs="+", help="(0 … rounds - 1)")
    parser.add_argument("--print", action="store_true", help="Only the rows that are there, and no runs.")
    arguments = parser.parse_args()
    started = harness.machine()
    results = result_rows.read(arguments.results, Result)
    if arguments.print:
        print(table(results).to_string(float_format="{:.3f}".format))
        return
    seeds = arguments.seeds or range(arguments.rounds)
    runs = [
        (set_name, backbone, seed, recipe)
        for backbone in arguments.backbones
        for set_name in arguments.sets
        for seed in seeds
        for recipe in arguments.recipes
    ]
    os.environ.setdefault("CNNKIT_WEIGHTS", str(WEIGHTS))
    found = table(result_rows.complete(arguments.results, results, runs, measured))
    if arguments.json:
        print(json.dumps({"bench": "accuracy", "machine": started, "rounds": len(seeds), "rows": _json(found)}))
        return
    print(f"accuracy, {started}")
    print(found.to_string(float_format="{:.3f}".format))


def _fitted(net: ck.Network, photos: ck.data.Dataset, plan: ck.Plan, seed: int, **more: Any) -> ck.Network:
    ck.fit(net, photos, plan, seed=seed, progress=False, **more)
    return net


@lru_cache(maxsize=1)
def _photos(set_name: str, seed: int) -> ck.data.Dataset:
    return accuracy_sets.SETS[set_name](seed)


def _json(found: pd.DataFrame) -> list[dict[str, Any]]:
    """The table as rows of the form that all benchmarks have: the peer is the plain head, the ratio that of times."""
    seconds = found["wall_seconds"]
    return [
        {
            "case": f"{set_name}, {recipe}: accuracy {row['mean']:.3f}, gain {row['gain']:+.3f} ± {row['error']:.3f}",
            "peer": PEER,
            "peer_seconds": seconds[set_name, PEER],
            "seconds": row["wall_seconds"],
            "ratio": seconds[set_name, PEER] / row["wall_seconds"],
            "bar": None,
            **row,
        }
        for (set_name, recipe), row in found.iterrows()
        if recipe != PEER
    ]


if __name__ == "__main__":
    main()
