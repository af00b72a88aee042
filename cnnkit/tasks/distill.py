"""Trains nano: the student of MobileNet α = 0.75 on strong crops of a thousand photographs.

    python -m cnnkit.tasks.distill --data ../shared/data --weights ../shared/weights --out runs/nano

Knowledge comes from the teacher's logits (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural
Network", 2015) and from its last map (Romero et al., "FitNets", 2015), pictures from few photographs changed
strongly (Asano and Saeed, "The Augmented Image Prior"). The student starts from random weights.

The work is a table of stages. A stage first asks the teacher about new crops, then trains on crops drawn from the
newest chunks. Everything is written to `out` as it comes: stopped at any moment, the same command goes on where it
was. Keras's own operations alone are used, so KERAS_BACKEND may be tensorflow, torch or jax.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from cnnkit.scenes import render_scenes
from cnnkit.tasks import crops, teaching
from cnnkit.zoo.nanos import nano


@dataclass(frozen=True)
class Stage:
    """One stage of the distillation.

    Args:
        name: What it is for.
        chunks: How many new chunks of crops the teacher sees first.
        steps: Optimizer steps.
        rate: Learning rate at the beginning and at the end; it goes from one to the other in a straight line.
        batch: Crops in a step.
        side: Pixels of the student's pictures, 96 or 64. Small pictures first teach more in the same time (Tan and
            Le, "EfficientNetV2", section 4).
        newest: Crops are drawn from that many newest chunks.
        size: Crops in a new chunk.
        mix: How new crops are made.
        scenes: Drawn scenes among the pictures that new crops are taken from.
        anew: Begins with new heads and a new optimizer; of what went before, the backbone alone is kept.
    """

    name: str
    chunks: int
    steps: int
    rate: tuple[float, float]
    batch: int = 64
    side: int = teaching.STUDENT_SIDE
    newest: int = 8
    size: int = 20_000
    mix: crops.Mix = field(default_factory=crops.Mix)
    scenes: int = 0
    anew: bool = False


STAGES = (
    Stage("warm up", chunks=2, steps=200, rate=(1e-4, 1.2e-3)),
    Stage("learn", chunks=0, steps=550, rate=(1.2e-3, 1.2e-3)),
    Stage("see more, small", chunks=2, steps=2000, rate=(1.2e-3, 1.2e-3), batch=32, side=64),
    Stage("see most, small", chunks=1, steps=3500, rate=(1.2e-3, 1.2e-3), side=64),
    Stage("calm down, small", chunks=0, steps=1600, rate=(1.2e-3, 5e-4), side=64),
    Stage(
        "full size, scenes among them",
        chunks=1,
        steps=650,
        rate=(5e-4, 3.2e-4),
        size=8_000,
        mix=crops.Mix(small=0.1, drawn=0.75),
        scenes=600,
    ),
    Stage("full size, slower", chunks=0, steps=1900, rate=(6e-4, 0.0)),
    Stage("full size, again", chunks=0, steps=850, rate=(3e-4, 0.0)),
    Stage("full size, to the end", chunks=0, steps=1600, rate=(6e-4, 0.0)),
    Stage(
        "anew",
        chunks=4,
        steps=600,
        rate=(1e-4, 1.2e-3),
        newest=4,
        mix=crops.Mix(small=0.15, drawn=0.12),
        scenes=1200,
        anew=True,
    ),
    Stage(
        "anew, small",
        chunks=4,
        steps=4000,
        rate=(1.2e-3, 1.2e-3),
        side=64,
        mix=crops.Mix(small=0.15, drawn=0.12),
        scenes=1200,
    ),
    Stage("anew, full size", chunks=0, steps=4000, rate=(1.2e-3, 8e-4)),
    Stage("anew, to the end", chunks=0, steps=5000, rate=(8e-4, 0.0)),
)
SCENES_SEED = 7_100  # of no other series: quickstart and the tests judge on pictures that nano did not see
WEIGHT_DECAY = 0.03
TEMPERATURE = 2.0
CHECKPOINT_STEPS = 250

Batch = tuple[NDArray[np.float32], list[NDArray[np.float32]]]


# --- the student and what it is asked for


def build_student(backbone: keras.Model, dimensions: int = teaching.DIMENSIONS, classes: int = 1000) -> keras.Model:
    """The backbone with three linear heads that are thrown away: projected map, projected pooled features, logits."""
    # Adam moves every weight alike: scaled inputs keep 512 of them from moving an output too far at once.
    # From zero on, a head says nothing before it knows something.
    features = keras.layers.Rescaling(0.2, name="scaled")(backbone.output)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    maps = keras.layers.Conv2D(dimensions, 1, kernel_initializer="zeros", name="maps")(features)
    vector = keras.layers.Dense(dimensions, kernel_initializer="zeros", name="pooled")(pooled)
    logits = keras.layers.Dense(classes, kernel_initializer="zeros", name="logits")(pooled)
    return keras.Model(backbone.input, [maps, vector, logits], name="student")


def compile_student(student: keras.Model, weight_decay: float = WEIGHT_DECAY) -> None:
    """AdamW without decay of biases and norms, and the three losses."""
    optimizer = keras.optimizers.AdamW(1e-3, weight_decay=weight_decay, clipnorm=5.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    student.compile(
        optimizer, loss=[feature_loss, feature_loss, logit_loss], loss_weights=[2.0, 4.0, 0.15], jit_compile=False
    )


def feature_loss(taught: Any, learned: Any) -> Any:
    """Mean squared error; projected features have mean square 1, so what is left is the share not explained."""
    return ops.mean(ops.square(learned - taught), axis=-1)


def logit_loss(taught: Any, learned: Any) -> Any:
    """Kullback-Leibler divergence of softened probabilities, times T² (Hinton et al., section 2.1)."""
    target = ops.softmax(taught / TEMPERATURE)
    difference = ops.log_softmax(taught / TEMPERATURE) - ops.log_softmax(learned / TEMPERATURE)
    return TEMPERATURE**2 * ops.sum(target * difference, axis=-1)


# --- batches


def draw_batch(
    chunks: list[teaching.Chunk], *, size: int, seed: tuple[int, int], side: int = teaching.STUDENT_SIDE
) -> Batch:
    """A batch of crops of all chunks with what the teacher said, flipped and tinted; it depends on the seed alone.

    Args:
        chunks: What to draw from.
        size: How many crops.
        seed: Of the whole work, and the step.
        side: Pixels; at 64 the teacher's 3×3 maps are averaged to the student's 2×2.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(sum(len(chunk) for chunk in chunks), size, replace=False))
    starts = np.cumsum([0, *(len(chunk) for chunk in chunks)])
    parts = [
        tuple(getattr(chunk, field)[chosen[(chosen >= start) & (chosen < end)] - start] for field in teaching.FIELDS)
        for chunk, start, end in zip(chunks, starts[:-1], starts[1:], strict=True)
    ]
    images, maps, pooled, logits = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))

    flipped = rng.random(size) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    maps[flipped] = maps[flipped, :, ::-1]
    if side != teaching.STUDENT_SIDE:
        images = np.stack([cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA) for image in images])
        maps = teaching.windows(maps.astype(np.float32))
    return augment(images, rng), [array.astype(np.float32) for array in (maps, pooled, logits)]


def augment(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Light changes that the teacher did not see: gain and offset a channel, sometimes grey."""
    n = len(images)
    pixels = images.astype(np.float32)
    grey = rng.random(n) < 0.05
    pixels[grey] = pixels[grey].mean(axis=-1, keepdims=True)
    gain = np.exp(rng.normal(0, 0.15, (n, 1, 1, 1)) + rng.normal(0, 0.05, (n, 1, 1, 3))).astype(np.float32)
    offset = rng.normal(0, 10, (n, 1, 1, 1)).astype(np.float32)
    pixels -= 128
    pixels *= gain
    pixels += 128 + offset
    return np.clip(pixels, 0, 255, out=pixels)


def _batches(
    chunks: list[teaching.Chunk], *, seed: int, size: int, side: int, first: int, last: int
) -> Iterator[tuple[int, Batch]]:
    """Batches of steps first … last - 1, each drawn while the one before it is learned."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(draw_batch, chunks, size=size, seed=(seed, first), side=side)
        for step in range(first, last):
            batch = following.result()
            following = pool.submit(draw_batch, chunks, size=size, seed=(seed, step + 1), side=side)
            yield step, batch


# --- state on the disk


def save_state(student: keras.Model, step: int, file: Path) -> None:
    """Weights, optimizer and step in one .npz, replaced at once."""
    variables = [*student.variables, *student.optimizer.variables]
    arrays: dict[str, Any] = {f"v{i:04d}": ops.convert_to_numpy(v) for i, v in enumerate(variables)}
    unfinished = file.with_suffix(".part.npz")
    np.savez(unfinished, step=step, **arrays)
    unfinished.replace(file)


def load_state(student: keras.Model, file: Path) -> int:
    """Reads what `save_state` wrote and returns the step."""
    student.optimizer.build(student.trainable_variables)
    with np.load(file, allow_pickle=False) as arrays:
        for i, variable in enumerate([*student.variables, *student.optimizer.variables]):
            variable.assign(arrays[f"v{i:04d}"])
        return int(arrays["step"])


def export(backbone: keras.Model, file: Path) -> None:
    """Writes the backbone's weights, replaced at once."""
    unfinished = file.with_name(f"part.{file.name}")
    backbone.save_weights(unfinished)
    unfinished.replace(file)


# --- the work


def distill(
    *,
    data: Path,
    weights: Path,
    out: Path,
    stages: tuple[Stage, ...] = STAGES,
    start: Path | None = None,
    seed: int = 0,
    say: Callable[[str], None] = print,
) -> keras.Model:
    """Goes through the stages, from where `out` says that an earlier call stopped.

    Args:
        data: The folder of real data (`shared/data`).
        weights: The folder with the teacher's file.
        out: Receives the cache, the state, and `nano.weights.h5` after each stage and every 250 steps.
        stages: What to do.
        start: A backbone's weights that the stages before the last `anew` one have led to; where `out` holds no
            state yet, those stages are left out.
        seed: Fixes the student's first weights, the crops and the order.
        say: Receives one line of progress at a time.

    Returns:
        The backbone, as trained.
    """
    out.mkdir(parents=True, exist_ok=True)
    state, cache = out / "state.npz", out / "cache"
    keras.utils.set_random_seed(seed)
    backbone = nano(input_shape=(None, None, 3), weights=start)
    student = build_student(backbone)
    compile_student(student)
    if state.exists():
        done = load_state(student, state)
    else:
        done = 0 if start is None else sum(stage.steps for stage in stages[: _last_anew(stages)])

    first, made = 0, 0  # steps and chunks of the stages before
    for stage in stages:
        last, numbers = first + stage.steps, range(made, made + stage.chunks)
        made += stage.chunks
        if last <= done:
            first = last
            continue
        if stage.anew and done <= first:
            student = build_student(backbone)
            compile_student(student)
        _teach(stage, numbers, data=data, weights=weights, cache=cache, seed=seed, say=say)
        newest = [
            teaching.read_chunk(cache / f"chunk{chunk:03d}") for chunk in range(max(0, made - stage.newest), made)
        ]
        began, begin = time.perf_counter(), max(first, done)
        sums, counted = dict.fromkeys(("loss", "maps_loss", "pooled_loss", "logits_loss"), 0.0), 0
        batches = _batches(newest, seed=seed, size=stage.batch, side=stage.side, first=begin, last=last)
        for step, (images, targets) in batches:
            part = (step - first) / stage.steps
            student.optimizer.learning_rate = stage.rate[0] + part * (stage.rate[1] - stage.rate[0])
            student.reset_metrics()
            losses = student.train_on_batch(images, targets, return_dict=True)
            sums, counted = {name: total + float(losses[name]) for name, total in sums.items()}, counted + 1
            if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == last:
                speed = stage.batch * (step + 1 - begin) / (time.perf_counter() - began)
                listed = ", ".join(f"{name} {value / counted:.3f}" for name, value in sums.items())
                say(f"{stage.name}: step {step + 1}, {listed}, {speed:.0f} crops/s")
                sums, counted = dict.fromkeys(sums, 0.0), 0
                save_state(student, step + 1, state)
                export(backbone, out / "nano.weights.h5")
        first = last
    backbone.load_weights(out / "nano.weights.h5")
    return backbone


def _last_anew(stages: tuple[Stage, ...]) -> int:
    return max((i for i, stage in enumerate(stages) if stage.anew), default=0)


def _teach(
    stage: Stage,
    numbers: range,
    *,
    data: Path,
    weights: Path,
    cache: Path,
    seed: int,
    say: Callable[[str], None],
) -> None:
    """Makes the new chunks of a stage; the teacher and the pictures are loaded if one of them is not on disk."""
    if all((cache / f"chunk{chunk:03d}" / "done").exists() for chunk in numbers):
        return
    scenes = tuple(scene.image for scene in render_scenes(stage.scenes, seed=SCENES_SEED))
    pictures = crops.read_pictures(data, scenes)
    teacher = teaching.build_teacher(weights / "mobilenet_7_5_224_tf.h5")
    for chunk in numbers:
        began = time.perf_counter()
        teaching.make_chunk(teacher, pictures, stage.mix, seed=seed, chunk=chunk, count=stage.size, cache=cache)
        speed = stage.size / (time.perf_counter() - began)
        say(f"{stage.name}: chunk {chunk}, {speed:.0f} crops/s asked of the teacher")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Trains nano by distillation; the same command resumes.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of real data")
    parser.add_argument("--weights", type=Path, default=Path("../shared/weights"), help="folder of the teacher's file")
    parser.add_argument("--out", type=Path, default=Path("runs/nano"), help="receives everything that is made")
    parser.add_argument("--start", type=Path, help="weights to begin the last stage with new heads from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stages", type=int, default=len(STAGES), help="go no further than this many stages")
    arguments = parser.parse_args()

    def say(line: str) -> None:
        print(time.strftime("%H:%M:%S"), line, flush=True)

    distill(
        data=arguments.data,
        weights=arguments.weights,
        out=arguments.out,
        stages=STAGES[: arguments.stages],
        start=arguments.start,
        seed=arguments.seed,
        say=say,
    )


if __name__ == "__main__":
    main()
