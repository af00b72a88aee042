"""Epochs of networks that train against each other: falling rates, a live line, checkpoints, pictures of each epoch."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.arguments import Argument, check_arguments, whole
from cnnkit.data.source import Source
from cnnkit.data.views.chain import require_crop_size
from cnnkit.data.views.view import Augmenter
from cnnkit.errors import DataError, InputError, InterruptedTrainingError
from cnnkit.export.atomic_file import replacing
from cnnkit.heads.translation import Translator
from cnnkit.metrics.given_arrays import real
from cnnkit.tasks.fused_adam import FusedAdam
from cnnkit.transfer.checkpoint import Arrays, Checkpoints, State, pack, unpack
from cnnkit.transfer.epochs import NotFiniteError, PhaseWeights
from cnnkit.transfer.fit_checks import check_views
from cnnkit.transfer.fitting import seed_random_layers
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.progress import Meter, line
from cnnkit.transfer.run import Run

SHOWN = 4
"""Pictures of an epoch's sheet."""
GAP = 4
"""White pixels between the pictures of a sheet."""
MOMENTUM = 0.5
"""β₁ of Adam in both papers."""

ARGUMENTS = (
    Argument("epochs", lambda value: whole(value, 1), "epochs from 1 on, a whole number", "The papers have 200."),
    Argument("batch_size", lambda value: whole(value, 1), "a batch size of at least 1", "1 is the papers'."),
    Argument("pool", lambda value: whole(value, 0), "a pool of at least 0 pictures", "50 is the paper's; 0 is none."),
    Argument("width", lambda value: whole(value, 1), "a width from 1 on, a whole number", "64 is the papers'."),
    Argument("seed", lambda value: whole(value, 0), "a seed: a whole number from 0 on", "0 is the default."),
    Argument("rate", lambda value: real(value, 0) and value > 0, "a rate above 0", "2e-4 is the papers'."),
    Argument("decay", lambda value: real(value, 0, 1), "a decay from 0 to 1", "It is a part of the epochs."),
    *(
        Argument(name, lambda value: real(value, 0), f"a weight {name} of at least 0", "0 leaves that loss out.")
        for name in ("weight", "cycle", "identity")
    ),
    *(
        Argument(
            name, lambda value: value is None or isinstance(value, str | Path), f"{name} as a folder, or None", "runs/a"
        )
        for name in ("resume", "pictures")
    ),
)


@dataclass(frozen=True)
class Course:
    """How long and how fast networks train; arguments of `ck.tasks.pix2pix`, which documents them."""

    epochs: int
    batch_size: int
    rate: float
    decay: float
    seed: int

    def rate_at(self, epoch: int) -> float:
        """The rate of an epoch, counted from 0: constant, then along a line that would reach 0 behind the last one.

        >>> [Course(4, 1, 0.2, 0.5, 0).rate_at(epoch) for epoch in range(4)]
        [0.2, 0.2, 0.2, 0.1]
        """
        falling = self.decay * self.epochs
        return self.rate * min(1.0, (self.epochs - epoch) / falling) if falling else self.rate


@dataclass(frozen=True, eq=False)
class Adversaries:
    """Networks that train against each other, and what a step of them is.

    Attributes:
        name: Of the phase in the history.
        networks: Those that remain: the generators.
        models: All that train, by the name under which a checkpoint holds them.
        optimizers: The same of their optimizers.
        epoch: Number → the batches of that epoch: a pure function of it.
        pictures: Of an epoch.
        step: Trains on a batch, in the epoch and at the place of its number; the mean of each loss, by name.
        sheet: Pictures that show how far they are: (h, w, 3).
        identity: What decides the numbers beside the course.
        fingerprint: Of the pictures.
        more: What else a checkpoint has to hold.
        remember: Takes it back.
    """

    name: str
    networks: tuple[Network, ...]
    models: Mapping[str, keras.Model]
    optimizers: Mapping[str, keras.optimizers.Optimizer]
    epoch: Callable[[int], Iterator[Any]]
    pictures: int
    step: Callable[[int, int, Any], Mapping[str, Any]]
    sheet: Callable[[], NDArray[np.uint8]]
    identity: dict[str, Any]
    fingerprint: str
    more: Callable[[], Arrays] = dict
    remember: Callable[[Arrays], None] = field(default=lambda arrays: None)


def adam(rate: float, variables: Sequence[keras.Variable]) -> keras.optimizers.Optimizer:
    """The optimizer of both papers, built."""
    optimizer = FusedAdam(rate, beta_1=MOMENTUM)
    optimizer.build(list(variables))
    return optimizer


def train_against(
    adversaries: Adversaries,
    course: Course,
    *,
    resume: str | Path | None,
    pictures: str | Path | None,
    progress: bool,
) -> Run:
    """Trains from where a checkpoint stands to the end of the course; the run is that of each generator.

    However it ends, generators have the weights of the last whole epoch, so that a call that is repeated in the same
    process begins where the first one did.

    Args:
        adversaries: What trains.
        course: How long and how fast.
        resume: A folder for checkpoints, one per epoch.
        pictures: A folder for a sheet per epoch.
        progress: Whether to show the live line.

    Raises:
        DataError: A loss or a weight became NaN or infinite.
        InputError: The checkpoint is of another training.
        CheckpointError: A checkpoint cannot be written or read.
        InterruptedTrainingError: Ctrl-C.
    """
    identity = {**adversaries.identity, **asdict(course), "data": adversaries.fingerprint}
    checkpoints = None if resume is None else Checkpoints(Path(resume).expanduser())
    state = State(identity=identity)
    for model in adversaries.models.values():
        seed_random_layers(model, course.seed)
    display = line(progress)
    if found := checkpoints.latest(identity) if checkpoints else None:
        state, arrays = found
        for name, model in adversaries.models.items():
            unpack(f"model {name}", model.variables, arrays)
            unpack(f"optimizer {name}", adversaries.optimizers[name].variables, arrays)
        adversaries.remember(arrays)
        display.keep(f"resumed after {state.epoch} epochs from {resume}")
    meter = Meter(adversaries.name, (course.epochs - state.epoch) * adversaries.pictures, display)
    weights = PhaseWeights([each for network in adversaries.networks for each in network.model.variables], {})
    try:
        while state.epoch < course.epochs:
            row = _epoch(adversaries, course, state.epoch, meter)
            weights.keep(best=False)
            state = replace(state, epoch=state.epoch + 1, rows=[*state.rows, row])
            if pictures is not None:
                _write(Path(pictures).expanduser() / f"epoch-{state.epoch:04d}.png", adversaries.sheet())
            if checkpoints:
                checkpoints.save(state, _arrays(adversaries))
            meter.keep(_row_text(row))
    except NotFiniteError as error:
        raise _diverged(adversaries, course, f"{error.received} of epoch {state.epoch + 1}") from None
    except KeyboardInterrupt as error:
        raise InterruptedTrainingError(
            "training to run to its end",
            "Ctrl-C",
            f"The same call goes on from the last epoch's checkpoint in {resume}."
            if checkpoints
            else "The networks are as after the last whole epoch; resume=folder writes a checkpoint each epoch.",
        ) from error
    finally:
        weights.restore()
        display.close()
    return _recorded(adversaries, course, state)


def _epoch(adversaries: Adversaries, course: Course, epoch: int, meter: Meter) -> dict[str, Any]:
    """The row of one epoch."""
    started, rate = time.perf_counter(), course.rate_at(epoch)
    for optimizer in adversaries.optimizers.values():
        optimizer.learning_rate = rate
    totals: Counter[str] = Counter()
    count = 0
    for number, batch in enumerate(adversaries.epoch(epoch)):
        losses = {name: float(value) for name, value in adversaries.step(epoch, number, batch).items()}
        if not all(map(math.isfinite, losses.values())):
            raise _diverged(adversaries, course, f"{losses} at step {number} of epoch {epoch + 1}")
        pictures = len(batch[0])
        totals.update({name: value * pictures for name, value in losses.items()})
        count += pictures
        meter.advance(pictures, " ".join(f"{name} {value:.3f}" for name, value in losses.items()))
    seconds = time.perf_counter() - started
    means = {name: total / count for name, total in totals.items()}
    row = {"phase": adversaries.name, "epoch": epoch + 1, **means}
    return {**row, "rate": rate, "seconds": seconds, "images_per_second": count / seconds}


def _diverged(adversaries: Adversaries, course: Course, received: str) -> DataError:
    remedy = f"The rate {course.rate:g} is too large: try {course.rate / 2:g}."
    return DataError(f"finite losses and weights in {adversaries.name}", received, remedy)


def _arrays(adversaries: Adversaries) -> Arrays:
    arrays = adversaries.more()
    for name, model in adversaries.models.items():
        arrays |= pack(f"model {name}", model.variables)
        arrays |= pack(f"optimizer {name}", adversaries.optimizers[name].variables)
    return arrays


def _recorded(adversaries: Adversaries, course: Course, state: State) -> Run:
    """The run, which each generator has behind what was before."""
    phase = Phase(adversaries.name, train="all", epochs=course.epochs, rate=course.rate)
    for network in adversaries.networks:
        run = Run(
            plan=Plan([phase]),
            history=pd.DataFrame(state.rows),
            seed=course.seed,
            data_fingerprint=adversaries.fingerprint,
            trained_parameters={phase.name: network.model.count_params()},
        )
        network.record(run if network.run is None else network.run.followed_by(run))
    return run


def _row_text(row: Mapping[str, Any]) -> str:
    hidden = ("phase", "epoch", "rate", "seconds", "images_per_second")
    numbers = " ".join(f"{name} {value:.4f}" for name, value in row.items() if name not in hidden)
    speed = f"{row['seconds']:.1f} s, {row['images_per_second']:,.1f} images/s"
    return f"{row['phase']} epoch {row['epoch']}: {numbers} ({speed})"


# ---- Arguments and sheets ----


def check_course(given: Mapping[str, object]) -> None:
    """Refuses arguments of the wrong type or range.

    Raises:
        InputError: The first of them.
    """
    check_arguments([argument for argument in ARGUMENTS if argument.name in given], given)


def generator_of(value: object) -> Network:
    """Returns `value` if it is a network that paints pictures.

    Raises:
        InputError: It is none.
    """
    network = network_of(value)
    if not isinstance(network.head, Translator):
        received = f"a network of {network.head.target.kind}"
        raise InputError(
            "a network with the head of ck.heads.translator", received, "ck.tasks.unet_generator() is one."
        )
    return network


def check_augment(network: Network, augment: Augmenter | None) -> None:
    """Refuses what is no augmentation of pairs, or makes pictures of another size than the networks take.

    Raises:
        InputError: It is.
    """
    check_views(network, augment, None)
    require_crop_size(augment, network.size)


def shown_of(source: Source) -> Source:
    """The pictures of a sheet: the first ones."""
    return source.take(np.arange(min(SHOWN, len(source))))


def sheet_of(rows: Sequence[Sequence[NDArray[Any]]]) -> NDArray[np.uint8]:
    """Rows of pictures of one size, RGB 0…255, with white between them."""
    bordered = [
        [cv2.copyMakeBorder(_bytes(picture), 0, GAP, 0, GAP, cv2.BORDER_CONSTANT, value=(255,) * 3) for picture in row]
        for row in rows
    ]
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in bordered])
    return np.asarray(sheet[:-GAP, :-GAP], np.uint8)


def _bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(picture, 0, 255)), np.uint8)


def _write(path: Path, sheet: NDArray[np.uint8]) -> None:
    with replacing(path, flush=False) as partial:
        partial.write_bytes(bytes(cv2.imencode(".png", np.ascontiguousarray(sheet[..., ::-1]))[1]))
