"""The cases of `same_as_before.py`: short trainings that touch every part of the road of classification.

Each is a function of an empty folder that gives JSON values. They use the public names that both versions have.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import same_records as record

import cnnkit as ck

SIDE = 32
COLOURS = ("grey", "red", "green", "blue")


@dataclass(frozen=True)
class Case:
    """A case and the group that it is in.

    Attributes:
        group: `"small"`, `"ants_bees"` or `"quickstart"`.
        run: Computes it in an empty folder.
    """

    group: str
    run: Callable[[Path], Any]


# ---- A small world ----


def tiny_body(side: int = SIDE) -> Any:
    """Two stages with BatchNorm, random weights that a seed fixes."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(3)
    image = keras.Input((side, side, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocessing")(image)
    for stage, filters in enumerate((8, 12, 16), start=1):
        x = layers.Conv2D(filters, 3, 2, padding="same", use_bias=False, name=f"conv{stage}")(x)
        x = layers.BatchNormalization(name=f"norm{stage}")(x)
        x = layers.ReLU(name=f"relu{stage}")(x)
    return ck.backbone(keras.Model(image, x, name="tiny"))


def colours(count: int, classes: int, seed: int, side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Noise with more of one channel; the first class is the most frequent one."""
    random = np.random.default_rng(seed)
    labels = np.minimum(random.integers(0, classes + 1, count), classes - 1)[::-1].copy()
    labels[:classes] = np.arange(classes)
    images = random.integers(0, 160, (count, side, side, 3))
    for number in range(1, classes):
        images[labels == number, :, :, number - 1] += 40
    return images.astype(np.uint8), labels


def coloured(classes: int, count: int = 90) -> Any:
    """A dataset of them with all three parts."""
    return ck.data.arrays(*colours(count, classes, 0), classes=COLOURS[:classes], seed=1)


def tagged(count: int = 90) -> Any:
    """Pictures with any number of three colours."""
    random = np.random.default_rng(5)
    tags = random.integers(0, 2, (count, 3))
    images = random.integers(0, 160, (count, SIDE, SIDE, 3)) + 50 * tags[:, None, None, :]
    return ck.data.arrays(images.astype(np.uint8), tags, classes=COLOURS[1:], seed=1)


def network(classes: tuple[str, ...], **head: Any) -> Any:
    """The tiny body with a classifier."""
    return ck.attach(tiny_body(), ck.heads.classifier(classes, **head))


def fit(net: Any, photos: Any, plan: Any, **options: Any) -> Any:
    """`ck.fit` without a live line, 16 pictures a step."""
    return ck.fit(net, photos, plan, **{"batch_size": 16, "progress": False, "seed": 2} | options)


def two_phases(**deep: Any) -> Any:
    """A head, then the last stage."""
    phase = ck.Phase("deep", **{"train": 1, "epochs": 2, "rate": 3e-3} | deep)
    return ck.Plan([ck.Phase("head", epochs=3, rate=1e-2, schedule="cosine"), phase])


# ---- Trainings ----


def two_classes(folder: Path) -> Any:
    """Scenes, nano, every option of a phase; then what is done with a trained network, to the files."""
    photos = ck.data.scenes(90, seed=3, size=64)
    body = ck.backbone("nano", input_shape=(64, 64, 3))
    head = ck.heads.classifier(
        photos.classes, hidden=(8,), dropout=0.3, label_smoothing=0.1, class_weight="balanced", seed=4
    )
    net = ck.attach(body, head, framing=ck.data.Framing("pad"))
    options = {"rate_decay": 0.5, "warmup_epochs": 0.5, "clip_norm": 1.0, "patience": 1, "monitor": "accuracy"}
    plan = two_phases(train=2, batch_norm="train", optimizer="adamw", weight_decay=0.02, **options)
    run = fit(net, photos, plan, augment=ck.data.Augmentation.lecture(), views=2)
    result = {"trained": record.trained(net, run, photos.test), "kept": record.kept_features()}
    calibrated = ck.choose_threshold(ck.calibrate(net, photos.train, progress=False), photos.train)
    result["calibrated"] = {
        "head": record.plain(calibrated.head.settings()),
        "predictions": record.table(ck.predict(calibrated, photos.test)),
        "scores": record.plain(ck.evaluate(calibrated, photos.test)),
    }
    ck.save(calibrated, folder / "bundle")
    manifest = json.loads((folder / "bundle" / "manifest.json").read_text())
    told = ("backbone", "cut", "head", "classes", "input", "layers", "tensors", "model_hash")
    result["bundle"] = {name: manifest.get(name) for name in told}
    result["bundle"]["model.json"] = record.digest((folder / "bundle" / "model.json").read_bytes())
    loaded = ck.load(folder / "bundle")
    result["loaded"] = record.table(ck.predict(loaded, photos.test))
    # In version 1 a part is counted in rows, `part_rows`, since then in pictures.
    named = inspect.signature(ck.export.predict_to_parquet).parameters
    parts = {name: 8 for name in named if name.startswith("part_")}
    ck.export.predict_to_parquet(loaded, photos.test, folder / "all.parquet", batch_size=4, **parts)
    ck.export.predict_to_csv(loaded, photos.test, folder / "all.csv", batch_size=4, **parts)
    result["parquet"] = record.parquet(folder / "all.parquet")
    result["csv"] = record.digest((folder / "all.csv").read_bytes())
    result["gradcam"] = record.array(ck.visualize.gradcam(loaded, photos.test.image(0)))
    wider = ck.add_classes(loaded, ["third"])
    result["wider"] = record.table(ck.predict(wider, photos.test))
    again = fit(loaded, photos, ck.plans.probe(epochs=1))
    return result | {"further": record.trained(loaded, again), "whole run": record.history(loaded.run)}


def multi_label(folder: Path) -> Any:
    """Any number of tags, with one threshold for each; files of predictions."""
    photos = tagged()
    net = network(photos.classes, multi_label=True, label_smoothing=0.05, threshold=(0.4, 0.5, 0.6))
    run = fit(net, photos, two_phases(), augment=ck.data.Augmentation.gentle(), views=2)
    result = {"trained": record.trained(net, run, photos.test), "kept": record.kept_features()}
    chosen = ck.choose_threshold(net, photos.validation)
    ck.save(chosen, folder / "bundle")
    loaded = ck.load(folder / "bundle")
    ck.export.predict_to_parquet(loaded, photos.test, folder / "all.parquet")
    scores = record.plain(ck.evaluate(loaded, photos.test))
    focal = network(photos.classes, multi_label=True, loss="focal")
    return result | {
        "head": record.plain(chosen.head.settings()),
        "scores": scores,
        "parquet": record.parquet(folder / "all.parquet"),
        "focal": record.trained(focal, fit(focal, photos, ck.plans.probe(epochs=2)), photos.test),
    }


HEADS: dict[str, dict[str, Any]] = {
    "focal": {"loss": "focal", "gamma": 1.5, "class_weight": "balanced"},
    "class balanced": {"loss": "class_balanced", "beta": 0.99},
    "class balanced focal": {"loss": "class_balanced_focal", "label_smoothing": 0.1},
    "weights by name": {"class_weight": {"grey": 1.0, "red": 2.0, "green": 0.5, "blue": 3.0}},
    "flat": {"pooling": "flatten", "dropout": 0.2},
    "largest": {"pooling": "max", "hidden": (6, 5), "dropout": 0.2},
}


def losses(_: Path) -> Any:
    """Each loss, weight and pooling, of two classes and of four."""
    results = {}
    for classes in (2, 4):
        photos = coloured(classes)
        for name, head in HEADS.items():
            if classes == 2 and ("name" in name or "hidden" in head):
                continue
            net = network(photos.classes, **head)
            results[f"{classes} {name}"] = record.trained(net, fit(net, photos, ck.plans.probe(epochs=2)))
    return results


def mixing(_: Path) -> Any:
    """MixUp and CutMix, with weights and with augmentation, behind a frozen prefix and without."""
    results = {}
    for name, classes, mix, head in (
        ("mixup of two", 2, ck.data.MixUp(0.4), {"class_weight": "balanced"}),
        ("cutmix of four", 4, ck.data.CutMix(), {"label_smoothing": 0.1}),
    ):
        photos = coloured(classes)
        net = network(photos.classes, **head)
        run = fit(net, photos, two_phases(), mix=mix, augment=ck.data.Augmentation.gentle(), views=2)
        results[name] = record.trained(net, run)
    photos = tagged()
    net = network(photos.classes, multi_label=True)
    run = fit(net, photos, ck.plans.probe(epochs=2), mix=ck.data.MixUp())
    return results | {"mixup of tags": record.trained(net, run), "kept": record.kept_features()}


def exact_head(_: Path) -> Any:
    """The optimum of a linear head: with validation, without, of several views, of tags, and fine-tuned after."""
    plan, results = ck.plans.probe(solver="lbfgs"), {}
    for classes in (2, 4):
        photos = coloured(classes)
        whole = ck.data.arrays(*colours(60, classes, 7), classes=photos.classes, split=(1, 0, 0))
        for name, data, options in (
            ("with validation", photos, {}),
            ("without", whole, {}),
            ("of three views", photos, {"augment": ck.data.Augmentation.gentle(), "views": 3}),
        ):
            net = network(photos.classes, class_weight="balanced", dropout=0.5, label_smoothing=0.1)
            results[f"{classes} {name}"] = record.trained(net, fit(net, data, plan, **options))
        net = network(photos.classes)
        # The rate is said: the default is that of a study, and was another one before it.
        run = fit(net, photos, ck.plans.probe_then_finetune(epochs=2, rate=3e-4, head_views=1))
        results[f"{classes} fine-tuned"] = record.trained(net, run)
    net = network(tagged().classes, multi_label=True)
    results["tags"] = record.trained(net, fit(net, tagged(), plan), tagged().test)
    return results | {"kept": record.kept_features()}


def caches(_: Path) -> Any:
    """Features kept nowhere, in memory, on disk and found there again give the same; and rounded ones.

    Kept features are computed in batches of 32; in batches of another size their last bits may be others.
    """
    photos = coloured(4)
    plan = ck.Plan([ck.Phase("head", epochs=4, rate=1e-2), ck.Phase("deep", train=1, epochs=3, rate=1e-3)])
    results: dict[str, Any] = {}
    ways = {"none": "none", "memory": "memory", "disk": "disk", "disk again": "disk"}
    for name, cache in ways.items():
        net = network(photos.classes, dropout=0.3)
        run = fit(net, photos, plan, cache=cache, augment=ck.data.Augmentation.gentle(), views=2, batch_size=32)
        results[name] = record.trained(net, run)
    unequal = {name: list(record.differences(results["none"], results[name])) for name in ways}
    files = record.kept_features()
    rounded = {}
    for dtype in ("bfloat16", "float16"):
        net = network(photos.classes, dropout=0.3)
        cache = ck.transfer.FeatureCache("disk", dtype=dtype)
        rounded[dtype] = record.trained(net, fit(net, photos, plan, cache=cache))
    return {
        "none": results["none"],
        "other than none": unequal,
        "files": files,
        **rounded,
        "all files": record.kept_features(),
    }


@dataclass(frozen=True)
class Inverted:
    """An augmentation of a user's own, without a word about positions."""

    def apply(self, image: Any, generator: np.random.Generator) -> Any:
        """Half of the pictures as their negatives."""
        return np.float32(255) - image if generator.random() < 0.5 else image.astype(np.float32)


def views(_: Path) -> Any:
    """Each augmentation and the chains of them: pixels, kept features, and what is trained on them."""
    photos, steps = coloured(2), ck.data
    chain = steps.Chain((steps.Augmentation.gentle(), steps.RandAugment(2, 12), steps.RandomErasing(0.7)))
    lecture = steps.Augmentation.lecture()
    turned = steps.Augmentation(rotation=90, shear=20, vertical_flip=True, brightness=(0.5, 1.5), fill="reflect")
    results = {}
    for name, augment in {
        "chain": chain,
        "gentle": steps.Augmentation.gentle(),
        "lecture": lecture,
        "wrap": steps.Augmentation(width_shift=0.3, height_shift=0.2, zoom=0.4, fill="wrap"),
        "constant": steps.Augmentation(rotation=30, fill="constant"),
        "turned": turned,
        "randaugment": steps.RandAugment(),
        "erasing": steps.RandomErasing(),
        "own": Inverted(),
    }.items():
        for framing in ("crop", "squash", "pad"):
            batches = steps.batches(
                photos.train, steps.Framing(framing), (28, 40), shuffle=True, augment=augment, seed=5, epoch=2
            )
            pixels = [record.array(batch.images) + record.array(batch.labels) for batch in batches]
            results[f"{name} {framing}"] = record.digest("".join(pixels).encode())
    for name, augment, number in (("chain", chain, 3), ("anew", lecture, None), ("own", Inverted(), 2)):
        net = network(photos.classes)
        run = fit(net, photos, two_phases(), augment=augment, views=number)
        results[f"trained {name}"] = record.trained(net, run)
    return results | {"kept": record.kept_features()}


def resume(folder: Path) -> Any:
    """A training that is killed in the middle of an epoch, twice, and goes on: the weights are those of one run."""
    whole = interrupted(folder / "whole", None)
    for place in ("3 2", "5 0"):
        command = [sys.executable, __file__, "killed", str(folder / "checkpoints")]
        done = subprocess.run(command, env=os.environ | {"KILLED_AT": place}, check=False)
        assert done.returncode == -signal.SIGKILL, done.returncode
    checkpoint = sorted(folder.glob("checkpoints/checkpoint-*"))[-1].name
    resumed = interrupted(folder / "checkpoints", None)
    unequal = list(record.differences(whole, resumed))
    return {"whole": whole, "killed after": checkpoint, "of the resumed other": unequal}


def interrupted(folder: Path, place: str | None) -> Any:
    """A training with checkpoints that kills its own process before a step: `place` is its epoch and batch."""
    import keras

    class Killed(keras.callbacks.Callback):
        epoch = 0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch = epoch

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if place == f"{self.epoch} {batch}":
                os.kill(os.getpid(), signal.SIGKILL)

    photos = coloured(2)
    net = network(photos.classes, dropout=0.5, class_weight="balanced")
    plan = two_phases(epochs=5, batch_norm="train", schedule="one_cycle", patience=2, optimizer="sgd", momentum=0.8)
    options = {"augment": ck.data.Augmentation.gentle(), "views": 2, "callbacks": [Killed()], "resume": folder}
    return record.trained(net, fit(net, photos, plan, **options), photos.test)


def plans(_: Path) -> Any:
    """Other plans, schedules and optimizers, Keras callbacks and what they are told, and the curve of rates."""
    import keras

    photos, results = coloured(2), {}
    schedules = ck.Plan(
        ck.Phase(f"phase{number}", train="all", epochs=2, schedule=schedule, optimizer=optimizer, rate_decay=0.7)
        for number, (schedule, optimizer) in enumerate(
            [("step", "sgd"), ("one_cycle", "rmsprop"), ("plateau", "adam"), ("constant", "adamw")]
        )
    )
    for name, plan in {
        "gradual": ck.plans.gradual(stages=2, epochs=1),
        "freeze then finetune": ck.plans.freeze_then_finetune(head_epochs=2, deep_epochs=3, patience=1),
        "schedules": schedules,
    }.items():
        net = network(photos.classes)
        results[name] = record.trained(net, fit(net, photos, plan))
    told: list[Any] = []
    seen = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: told.append([epoch, record.plain(logs)]),
        on_train_batch_end=lambda batch, logs: told.append([batch, record.plain(logs)]),
    )
    usual = [seen, keras.callbacks.ReduceLROnPlateau("val_loss", patience=1), keras.callbacks.EarlyStopping(patience=2)]
    net = network(photos.classes)
    run = fit(net, photos, ck.Plan([ck.Phase("head", epochs=6, rate=0.1)]), callbacks=usual)
    results["callbacks"] = record.trained(net, run) | {"told": told}
    curve = ck.find_rate(network(photos.classes, class_weight="balanced"), photos, steps=12, batch_size=16)
    deep = ck.find_rate(network(photos.classes), photos, ck.Phase("deep", train=1), steps=8, batch_size=16)
    curves = {
        name: [record.plain(c.table.to_dict("list")), c.suggestion] for name, c in {"h": curve, "d": deep}.items()
    }
    return results | {"curves": curves}


def compare(_: Path) -> Any:
    """The table that compares backbones and cuts, but for its times."""
    photos = ck.data.scenes(60, seed=2, size=64)
    body = ck.backbone("mobilenet", alpha=0.25, input_shape=(64, 64, 3), weights=None, seed=1)
    result = ck.compare(photos, ["nano", body], cuts=2, weights=None, progress=False)
    frame = result.table.sort_values(["backbone", "cut"], ignore_index=True)
    return {"table": record.table(frame), "chance": result.chance}


def datasets(_: Path) -> Any:
    """What each reader makes of files and arrays: ids, labels, parts, pixels, and the words of its report."""
    import pandas as pd
    import tensorflow as tf

    data = Path(os.environ["CNNKIT_SHARED"]) / "data"
    files = [str(file.relative_to(data)) for file in sorted(data.glob("ants_bees_256/val/*/*.jpg"))[::6]]
    rows = pd.DataFrame({"file": files, "kind": [name.split("/")[2] for name in files]})
    results = {
        "arrays": record.dataset(coloured(4)),
        "tags": record.dataset(tagged()),
        "scenes": record.dataset(ck.data.scenes(20, seed=1, size=64)),
        "faces": record.dataset(ck.data.faces(4, 6, seed=1, size=64)),
        "strangers": record.dataset(ck.data.faces(8, 2, seed=1, size=64, split_by="people")),
        "folder": record.dataset(ck.data.folder(data / "ants_bees_256" / "val", seed=3)),
        "scaled": record.dataset(ck.data.folder(data / "ants_bees_256" / "val", seed=3, decode="scaled")),
        "table": record.dataset(ck.data.table(rows, x="file", y="kind", folder=data, seed=2)),
    }
    coco = data / "coco_mini"
    annotations = next(coco.glob("annotations/instances*.json"))
    results["coco"] = record.dataset(ck.data.coco(coco / "val2017", annotations, seed=2))
    flow = ck.data.augmented(tf.data.Dataset.from_tensor_slices(colours(8, 2, 0)), ck.data.Augmentation.gentle())
    results["tf.data"] = [[record.array(part) for part in example] for example in flow]
    return results


# ---- The whole road ----


def command(*words: str) -> Any:
    """What `cnnkit … --json` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "cnnkit", *words, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def bundle(folder: Path) -> dict[str, Any]:
    """Weights and history in the files of a bundle."""
    import pandas as pd

    manifest = json.loads((folder / "manifest.json").read_text())
    told = ("backbone", "cut", "head", "classes", "input", "layers", "tensors", "model_hash")
    return {
        **{name: manifest.get(name) for name in told},
        "history": record.table(pd.read_parquet(folder / "history.parquet")),
        "losses": record.plain(pd.read_parquet(folder / "history.parquet")["loss"].tolist()),
    }


def command_line(folder: Path) -> Any:
    """`finetune`, `evaluate` and `predict` of real photographs of several sizes."""
    photos = folder / "photos"
    for name in ("ants", "bees"):
        (photos / name).mkdir(parents=True)
        found = sorted((Path(os.environ["CNNKIT_SHARED"]) / "data" / "ants_bees_256" / "train" / name).glob("*.jpg"))
        for file in found[:30]:
            (photos / name / file.name).symlink_to(file)
    out = str(folder / "out")
    words = ("--backbone", "mobilenet", "--alpha", "0.25", "--side", "64", "--head-epochs", "2", "--deep-epochs", "2")
    trained = command("finetune", str(photos), "--out", out, *words)
    scores = command("evaluate", out, str(photos))
    told = command("predict", out, str(photos), "--out", str(folder / "all.parquet"))
    printed = command("predict", out, str(photos / "ants"))
    for result in (trained, scores, told, printed):
        for name in ("bundle", "out", "seconds", "data", "pictures_per_second", "images_per_second"):
            result.pop(name, None)
    return {
        "finetune": trained,
        "evaluate": scores,
        "predict": told,
        "printed": record.digest(json.dumps(printed).encode()),
        "bundle": bundle(folder / "out"),
        "parquet": record.parquet(folder / "all.parquet"),
        "kept": record.kept_features(),
    }


def quickstart(folder: Path, pictures: int) -> Any:
    """`cnnkit quickstart`, to its bundle and its predictions."""
    out = folder / "out"
    result = command("quickstart", "--data", str(folder / "data"), "--out", str(out), "--pictures", str(pictures))
    return {
        **{name: result.get(name) for name in ("pictures", "accuracy", "scratch_accuracy", "status", "points")},
        "bundle": bundle(out / "bundle"),
        "parquet": record.parquet(out / "predictions.parquet"),
        "kept": record.kept_features(),
    }


def ants_bees(seed: int) -> Callable[[Path], Any]:
    """`ck.finetune` with MobileNet α=.75 and its ImageNet weights."""

    def run(_: Path) -> Any:
        photos = ck.data.folder(Path(os.environ["CNNKIT_SHARED"]) / "data" / "ants_bees_256")
        net = ck.finetune(photos, backbone="mobilenet", alpha=0.75, seed=seed, progress=False)
        result = record.trained(net, net.run, photos.validation)
        return result | {"kept": record.kept_features()}

    return run


CASES = {
    "two_classes": Case("small", two_classes),
    "multi_label": Case("small", multi_label),
    "losses": Case("small", losses),
    "mixing": Case("small", mixing),
    "exact_head": Case("small", exact_head),
    "caches": Case("small", caches),
    "views": Case("small", views),
    "resume": Case("small", resume),
    "plans": Case("small", plans),
    "compare": Case("small", compare),
    "datasets": Case("small", datasets),
    "command_line": Case("small", command_line),
    "quickstart_small": Case("small", lambda folder: quickstart(folder, 200)),
    "ants_bees_0": Case("ants_bees", ants_bees(0)),
    "ants_bees_1": Case("ants_bees", ants_bees(1)),
    "quickstart_default": Case("quickstart", lambda folder: quickstart(folder, 3000)),
}


def main() -> None:
    """Runs the case of the command line: its name, and the file for what it gives."""
    name, place = sys.argv[1:3]
    if name == "killed":
        interrupted(Path(place), os.environ["KILLED_AT"])
        return
    Path(place).write_text(json.dumps(CASES[name].run(Path.cwd())), encoding="utf-8")


if __name__ == "__main__":
    main()
