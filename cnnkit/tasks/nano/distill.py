"""Trains nano: the student of MobileNet α = 0.75 on strong crops of a thousand photographs.

    python -m cnnkit.tasks.nano.distill --data ../shared/data --weights ../shared/weights --out runs/nano

The student starts from random weights. A stage first asks the teacher about new crops, then trains on crops drawn from
the newest chunks. Everything is written to `out` as it comes: stopped at any moment, the same command goes on where it
was.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from cnnkit.data.ahead import ahead
from cnnkit.scenes import render_scenes
from cnnkit.tasks.nano.crops import crop_views, read_pictures
from cnnkit.tasks.nano.stages import STAGES, Stage
from cnnkit.tasks.nano.student import Batch, build_student, draw_batch
from cnnkit.tasks.nano.teaching import STUDENT_SIDE, TEACHER_SIDE, build_teacher, read_chunk, write_chunk
from cnnkit.zoo.nanos import nano

SCENES_SEED = 7_100  # of no other series: quickstart and the tests judge on pictures that nano did not see
CHECKPOINT_STEPS = 250
LOSSES = ("loss", "maps_loss", "pooled_loss", "logits_loss")


def distill(
    *,
    data: Path,
    weights: Path,
    out: Path,
    stages: Sequence[Stage] = STAGES,
    seed: int = 0,
    say: Callable[[str], None] = print,
) -> keras.Model:
    """Goes through the stages, from where `out` says that an earlier call stopped.

    Args:
        data: The folder of real data (`shared/data`).
        weights: The folder with the teacher's file.
        out: Receives the chunks, the state every 250 steps and after each stage, and in the end `nano.weights.h5`.
        stages: What to do.
        seed: Fixes the student's first weights, the crops and the order.
        say: Receives one line of progress at a time.

    Returns:
        The backbone, as trained.
    """
    keras.utils.set_random_seed(seed)
    backbone = nano(input_shape=(None, None, 3), weights=None)
    student = build_student(backbone)
    state = out / "state.npz"
    done = load_state(student, state) if state.exists() else 0

    first, chunk = 0, 0  # the step and the chunk that a stage begins with
    for stage in stages:
        steps, chunks = range(first, first + stage.steps), range(chunk, chunk + stage.chunks)
        first, chunk = steps.stop, chunks.stop
        if steps.stop <= done:
            continue
        if stage.anew and done <= steps.start:
            student = build_student(backbone)
        files = [out / "chunks" / f"{number:03d}.npy" for number in range(chunks.stop)]
        _teach(stage, {number: files[number] for number in chunks}, data=data, weights=weights, seed=seed, say=say)
        newest = [read_chunk(file) for file in files[-stage.newest :]]
        for step, line in _learn(student, stage, newest, steps, begin=max(steps.start, done), seed=seed):
            save_state(student, step, state)
            say(f"{stage.name}: step {step}, {line}")
    backbone.save_weights(out / "nano.weights.h5")
    return backbone


def _learn(
    student: keras.Model, stage: Stage, chunks: Sequence[NDArray[np.void]], steps: range, *, begin: int, seed: int
) -> Iterator[tuple[int, str]]:
    """Learns from batches of crops; every so many steps yields how many are done and how it goes, in words."""

    def draw(step: int) -> Batch:
        return draw_batch(chunks, size=stage.batch, seed=(seed, step), side=stage.side)

    started, rest = time.perf_counter(), range(begin, steps.stop)
    losses: list[dict[str, float]] = []
    for step, (images, targets) in zip(rest, ahead(draw, rest, threads=1), strict=True):
        part = (step - steps.start) / stage.steps
        student.optimizer.learning_rate = stage.rate[0] + part * (stage.rate[1] - stage.rate[0])
        losses.append(student.train_on_batch(images, targets, return_dict=True))
        if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == steps.stop:
            speed = stage.batch * (step + 1 - begin) / (time.perf_counter() - started)
            means = {name: np.mean([each[name] for each in losses]) for name in LOSSES}
            losses = []
            listed = ", ".join(f"{name} {mean:.3f}" for name, mean in means.items())
            yield step + 1, f"{listed}, {speed:.0f} crops/s"


def _teach(
    stage: Stage, files: dict[int, Path], *, data: Path, weights: Path, seed: int, say: Callable[[str], None]
) -> None:
    """Makes the new chunks of a stage; the teacher and the pictures are loaded if one of them is not on disk."""
    if all(file.exists() for file in files.values()):
        return
    scenes = tuple(scene.image for scene in render_scenes(stage.scenes, seed=SCENES_SEED))
    pictures = read_pictures(data, scenes)
    teacher = build_teacher(weights / "mobilenet_7_5_224_tf.h5")
    views = partial(crop_views, pictures, stage.mix, seed=seed, count=stage.size, sides=(STUDENT_SIDE, TEACHER_SIDE))
    for number, file in files.items():
        if not file.exists():
            started = time.perf_counter()
            write_chunk(teacher, views(chunk=number), count=stage.size, file=file)
            speed = stage.size / (time.perf_counter() - started)
            say(f"{stage.name}: chunk {number}, {speed:.0f} crops/s asked of the teacher")


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


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Trains nano by distillation; the same command resumes.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of real data")
    parser.add_argument("--weights", type=Path, default=Path("../shared/weights"), help="folder of the teacher's file")
    parser.add_argument("--out", type=Path, default=Path("runs/nano"), help="receives everything that is made")
    parser.add_argument("--seed", type=int, default=0)
    distill(**vars(parser.parse_args()), say=lambda line: print(time.strftime("%H:%M:%S"), line, flush=True))


if __name__ == "__main__":
    main()
