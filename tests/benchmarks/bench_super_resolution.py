"""Photographs enlarged twice: a small residual network with a sub-pixel layer beside bicubic interpolation.

    CNNKIT_SHARED=../shared python tests/benchmarks/bench_super_resolution.py --rounds 1

Nine of ten photographs are trained on and one tested, another one in each round. The small pictures are made by
Pillow's bicubic interpolation, which averages over what a small pixel covers (antialiasing), and are rounded to whole
levels; the peer enlarges them by bicubic interpolation. The network is the one of `notebooks/RecipesPictures.ipynb`:
residual blocks without normalization (Lim et al., "Enhanced deep residual networks", 2017), all at the size of the
small picture, a convolution to 12 channels that are laid out as 2 × 2 pixels of three colours (Shi et al. 2016), added
to the bicubic picture (Kim et al. 2016). It answers for the mean over the eight ways in which a square can lie.

Each run appends its row to the results at once; those that are there are not repeated. Cost is the processor time of
the training; how fast the machine was then is told by `harness.convolution_ms`. Peak signal-to-noise ratios are those
of RGB in dB, of whole photographs with their borders, rounded to whole levels; means over the photographs.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import harness
import keras
import numpy as np
import result_rows
from keras import layers
from numpy.typing import NDArray
from PIL import Image

import cnnkit as ck

DATA = Path(os.environ.get("CNNKIT_SHARED", Path(__file__).resolve().parents[3] / "shared"))
PHOTOGRAPHS = DATA / "data" / "imagenet_samples_256"
RESULTS = Path(__file__).with_name("super_resolution.csv")
ROUNDS = 10
GAIN_BAR, BETTER_BAR, SECONDS_BAR = 1.5, 0.98, 150

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Settings:
    """How one network is made and trained.

    Attributes:
        width: Channels of each convolution.
        blocks: Residual blocks, of two convolutions each.
        steps: Of Adam, whose rate falls to 0 as a cosine.
        rate: Of the first step.
        batch_size: Squares in a step.
        side: Of a square, in pixels of the small picture.
    """

    width: int = 32
    blocks: int = 4
    steps: int = 1200
    rate: float = 2e-3
    batch_size: int = 8
    side: int = 48


@dataclass(frozen=True)
class Result:
    """One run.

    Attributes:
        split: Which tenth of the photographs is tested.
        photographs: How many those are.
        cpu_seconds: Of the training, of all threads.
        convolution_ms: Of this machine at that time: the mean of one measurement before and one after.
        bicubic: Peak signal-to-noise ratio of the peer, in dB.
        network: Of the network.
        better: Share of the photographs on which the network is better.
        bicubic_ssim: Structural similarity of the peer (Wang et al. 2004, windows of 11 pixels).
        network_ssim: Of the network.
    """

    split: int
    photographs: int
    cpu_seconds: float
    convolution_ms: float
    bicubic: float
    network: float
    better: float
    bicubic_ssim: float
    network_ssim: float


def main() -> None:
    """Runs what the file does not hold yet, and prints means over the splits."""
    parser = harness.options(__doc__, rounds=1, of="splits, up to 10")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS.name})")
    for name, default in vars(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default, help=f"({default})")
    arguments = parser.parse_args()
    settings = Settings(**{name: getattr(arguments, name) for name in vars(Settings())})
    started = harness.machine()
    results = result_rows.read(arguments.results, Result)
    for split in range(min(arguments.rounds, ROUNDS)):
        if split not in {result.split for result in results}:
            results.append(measured(split, settings))
            result_rows.append(arguments.results, results[-1])
            harness.say(f"  {results[-1]}")
    results = [result for result in results if result.split < arguments.rounds]
    if harness.study("super_resolution", results, started=started, arguments=arguments):
        return
    gain = statistics.fmean(result.network - result.bicubic for result in results)
    better = statistics.fmean(result.better for result in results)
    scaled = statistics.median(result.cpu_seconds * 9.6 / result.convolution_ms for result in results)
    print(f"super-resolution × 2, {len(results)} splits of {results[0].photographs} photographs; {started}")
    for name in ("bicubic", "network"):
        ratio, similarity = (statistics.fmean(getattr(row, name + of) for row in results) for of in ("", "_ssim"))
        print(f"{name:<8} {ratio:6.2f} dB, structural similarity {similarity:.3f}")
    print(f"gain {gain:.2f} dB (bar {GAIN_BAR:g}), better on {better:.1%} (bar {BETTER_BAR:.0%}), {scaled:.0f} s*")


def enlarging_network(width: int, blocks: int) -> keras.Model:
    """(n, h, w, 3) pixels of 0…255 → (n, 2 h, 2 w, 3)."""
    small = keras.Input((None, None, 3))
    first = x = layers.Conv2D(width, 3, padding="same")(layers.Rescaling(1 / 127.5, -1)(small))
    for _ in range(blocks):
        change = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = layers.Add()([x, layers.Conv2D(width, 3, padding="same")(change)])
    x = layers.Add()([x, first])
    detail = layers.Conv2D(12, 3, padding="same", kernel_initializer="zeros")(x)
    bicubic = layers.UpSampling2D(2, interpolation="bicubic")(small)
    return keras.Model(small, bicubic + 127.5 * keras.ops.depth_to_space(detail, 2))


@cache
def pairs() -> list[tuple[Pixels, Pixels]]:
    """Each photograph at half its size, and as it is but for an odd last row or column."""
    found = []
    for file in sorted(PHOTOGRAPHS.glob("*.jpg")):
        large = ck.data.decode_file(file)
        height, width = (side // 2 for side in large.shape[:2])
        large = large[: 2 * height, : 2 * width]
        found.append((np.asarray(Image.fromarray(large).resize((width, height), Image.Resampling.BICUBIC)), large))
    return found


def squares(photographs: list[tuple[Pixels, Pixels]], settings: Settings, seed: int) -> Iterator[tuple[Pixels, Pixels]]:
    """Batches of squares out of photographs, small and large, each lying in one of eight ways."""
    random, side = np.random.default_rng(seed), settings.side
    photographs = [pair for pair in photographs if min(pair[0].shape[:2]) >= side]
    while True:
        batch = []
        for index in random.integers(len(photographs), size=settings.batch_size):
            pair = photographs[index]
            row, column = (random.integers(length - side + 1) for length in pair[0].shape[:2])
            turns, mirrored = random.integers(4), random.integers(2)
            for scale, picture in enumerate(pair, start=1):
                square = picture[scale * row :, scale * column :][: scale * side, : scale * side]
                batch.append(np.rot90(square[:, ::-1] if mirrored else square, turns))
        yield np.stack(batch[::2]), np.stack(batch[1::2])


def trained(photographs: list[tuple[Pixels, Pixels]], settings: Settings, seed: int) -> keras.Model:
    """A network that has learned to add what bicubic interpolation leaves out."""
    keras.utils.set_random_seed(seed)
    model = enlarging_network(settings.width, settings.blocks)
    rate = keras.optimizers.schedules.CosineDecay(settings.rate, settings.steps)
    model.compile(keras.optimizers.Adam(rate), lambda large, said: keras.ops.mean(((large - said) / 127.5) ** 2))
    batches = squares(photographs, settings, seed)
    for step in range(1, settings.steps + 1):
        small, large = next(batches)
        loss = model.train_on_batch(small.astype(np.float32), large.astype(np.float32))
        if step % 200 == 0:
            harness.say(f"  step {step} of {settings.steps}: loss {loss:.5f}")
    return model


def enlarged(model: keras.Model, small: Pixels) -> Pixels:
    """The mean over the eight ways in which a picture can lie (Lim et al., section 4, "geometric self-ensemble")."""
    ways = [(turns, mirror) for turns in range(4) for mirror in (1, -1)]
    asked = [np.rot90(small, turns)[:, ::mirror] for turns, mirror in ways]
    answers = [np.asarray(model(picture[None].astype(np.float32)))[0] for picture in asked]
    back = [np.rot90(answer[:, ::mirror], -turns) for (turns, mirror), answer in zip(ways, answers, strict=True)]
    return np.rint(np.clip(np.mean(back, axis=0), 0, 255)).astype(np.uint8)


def measured(split: int, settings: Settings) -> Result:
    """One run."""
    tested = np.arange(len(pairs())) % ROUNDS == split
    train, test = ([pair for pair, chosen in zip(pairs(), tested == part, strict=True) if chosen] for part in (0, 1))
    before, started = harness.convolution_ms(), time.process_time()
    model = trained(train, settings, seed=split)
    cost = time.process_time() - started
    convolution = (before + harness.convolution_ms()) / 2
    table = []
    for small, large in test:
        size = (large.shape[1], large.shape[0])
        bicubic = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))
        both = (bicubic, enlarged(model, small))
        scores = (ck.metrics.peak_signal_to_noise, ck.metrics.structural_similarity)
        table.append([float(score(large[None], picture[None])[0]) for score in scores for picture in both])
    means = [round(float(value), 4) for value in np.mean(table, axis=0)]
    better = float(np.mean([row[1] > row[0] for row in table]))
    return Result(split, len(test), round(cost, 1), round(convolution, 2), means[0], means[1], better, *means[2:])


if __name__ == "__main__":
    main()
