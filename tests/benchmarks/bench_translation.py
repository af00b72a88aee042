"""Pictures for pictures: Facades, from plans to photographs, with pairs and without.

    CNNKIT_SHARED=../shared python tests/benchmarks/bench_translation.py --folder runs/translation

Each row trains once per seed, with checkpoints in `--folder`, so that a run that was killed goes on; its result is
appended at once, and those that are there are not repeated. Facades has 100 pairs to train on; measured are the 50
others, at 128 × 128 pixels.

l1 is the absolute error as a part of white; frechet the distance of predicted from real photographs on the 384
features of `nano` at stride 16 (`block7_expand_relu`), 50 samples each; energy the gradient energy of predictions
beside that of the targets. The row "floor" has the distance of the 50 real photographs from 50 real ones of the
training set, and the error of the mean photograph. Cost is CPU milliseconds per step of one pair; `convolution_ms` says
how fast the machine was then.

The row "cyclegan" trains both directions at 64 × 64 pixels, of the same pictures as two sets without pairs; its l1 is
that of test pictures that went there and back, the mean of both ways, and frechet that of photographs made of plans.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import harness
import numpy as np
import result_rows
from numpy.typing import NDArray

import cnnkit as ck

DATA = Path(os.environ.get("CNNKIT_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data" / "facades"
RESULTS = Path(__file__).with_name("translation.csv")
SIDE, EPOCHS, WIDTH = 128, 35, 32  # 3,500 steps of one pair
CYCLE = {"side": 64, "epochs": 30, "width": 24, "blocks": 4}  # some ten minutes of one core
FLIP = ck.data.Augmentation(horizontal_flip=True)
BORDER, LONGER = 8, 80  # pixels that are mirrored around the pictures of the row "shifted", and its epochs
SHIFTED = ck.data.RandomCrop((SIDE, SIDE), scale=(1, 1), horizontal_flip=True)  # whole pixels: no edge is blurred


@dataclass(frozen=True)
class Result:
    """One run; what its row does not measure is NaN.

    Attributes:
        row: One of `ROWS`.
        seed: Of weights, order and dropout.
        steps: Of one pair.
        step_ms: CPU milliseconds per step, of those in this process.
        convolution_ms: Of this machine at that time.
        l1: Absolute error of the test pictures.
        frechet: Distance from real ones on nano.
        energy: Gradient energy beside real ones.
        ssim: Structural similarity.
    """

    row: str
    seed: int
    steps: int
    step_ms: float
    convolution_ms: float
    l1: float = np.nan
    frechet: float = np.nan
    energy: float = np.nan
    ssim: float = np.nan


def main() -> None:
    """Runs what the file does not hold yet, and prints it beside the bars."""
    parser = harness.options(__doc__, rounds=1, of="seeds")
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS), help="only these rows")
    parser.add_argument("--folder", type=Path, default=Path("translation"), help="checkpoints, networks and sheets")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS.name})")
    arguments = parser.parse_args()
    started = harness.machine()
    results = result_rows.read(arguments.results, Result)
    for seed in range(arguments.rounds):
        for name in arguments.rows:
            if (name, seed) not in {(result.row, result.seed) for result in results}:
                results.append(ROWS[name](name, seed, arguments.folder / f"{name}-{seed}"))
                result_rows.append(arguments.results, results[-1])
                harness.say(f"  {results[-1]}")
    if harness.study("translation", results, started=started, arguments=arguments):
        return
    print(f"translation; {started}")
    for result in results:
        told = [f"{field} {getattr(result, field):.3f}" for field in ("l1", "frechet", "energy", "ssim")]
        cost = (
            f"{result.steps} steps of {result.step_ms:.0f} ms, {result.step_ms * 9.6 / result.convolution_ms:.0f} ms*"
        )
        print(f"{result.row:<20} seed {result.seed} {cost:<36}", *told)


@cache
def facades(border: int = 0) -> ck.data.Dataset:
    """Plans and photographs; the 50 pairs that are not trained on are the test.

    Args:
        border: Pixels of their mirror image around the pictures to train on.
    """
    photos = ck.data.pairs(DATA, source="right")
    around = ((0, 0), (border, border), (border, border), (0, 0))
    train = in_memory(*(np.pad(pictures, around, mode="reflect") for pictures in arrays_of(photos.train)))
    others = (arrays_of(part) for part in (photos.validation, photos.test))
    images, targets = (np.concatenate(both) for both in zip(*others, strict=True))
    return ck.data.Dataset((), train, ck.data.Source.empty(train.targets), in_memory(images, targets))


def arrays_of(source: ck.data.Source) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures and targets, (n, 128, 128, 3) each."""
    framing, size = ck.data.Framing("squash"), (SIDE, SIDE)
    pictures = [source.image(index) for index in range(len(source))]
    targets = [source.targets.picture(index) for index in range(len(source))]
    images, wanted = (np.stack([framing.apply(picture, size) for picture in some]) for some in (pictures, targets))
    return images, wanted


def in_memory(images: NDArray[np.uint8], targets: NDArray[np.uint8]) -> ck.data.Source:
    """A source of arrays."""
    source = ck.data.arrays(images, np.arange(len(images)) % 2, classes=("a", "b"), split=(1, 0, 0)).train
    return replace(source, targets=ck.data.targets.Pictures.of_arrays(targets))


def pix2pix(
    name: str,
    seed: int,
    folder: Path,
    *,
    upsampling: str = "resized",
    epochs: int = EPOCHS,
    border: int = 0,
    augment: ck.data.Augmentation | ck.data.RandomCrop = FLIP,
) -> Result:
    """The U-Net generator against the discriminator."""
    net = ck.tasks.unet_generator((SIDE, SIDE), width=WIDTH, upsampling=upsampling, seed=seed)
    before, started, done = harness.convolution_ms(), time.process_time(), len(list(folder.glob("sheets/*")))
    places = {"resume": folder / "steps", "pictures": folder / "sheets"}
    ck.tasks.pix2pix(net, facades(border), epochs=epochs, width=WIDTH, augment=augment, seed=seed, **places)
    seconds = (time.process_time() - started) / max(1, epochs - done)
    return measured(name, seed, net, folder, seconds, before, epochs)


def l1_only(name: str, seed: int, folder: Path) -> Result:
    """The same generator on the absolute error alone, as `ck.fit` trains any head."""
    net = ck.tasks.unet_generator((SIDE, SIDE), width=WIDTH, seed=seed)
    plan = ck.Plan([ck.Phase("l1", train="all", epochs=EPOCHS, rate=2e-4)])
    before, started = harness.convolution_ms(), time.process_time()
    ck.fit(net, facades(), plan, augment=FLIP, views=None, batch_size=1, seed=seed, resume=folder / "steps")
    return measured(name, seed, net, folder, (time.process_time() - started) / EPOCHS, before)


def measured(
    name: str, seed: int, net: ck.Network, folder: Path, seconds: float, before: float, epochs: int = EPOCHS
) -> Result:
    """The scores of a trained network, which is saved too.

    Args:
        name: Of the row.
        seed: Of the row.
        net: The generator.
        folder: Where it is saved.
        seconds: CPU seconds per epoch.
        before: How fast the machine was before the training.
        epochs: Of the training.
    """
    test, count = facades().test, len(facades().train)
    ck.save(net, folder / "network")
    made = painted(net, test)
    scores = ck.evaluate(net, test)
    return Result(
        name,
        seed,
        epochs * count,
        round(seconds * 1000 / count, 1),
        round((before + harness.convolution_ms()) / 2, 1),
        **rounded(scores["l1"], frechet(made, truth_of(test)), scores["gradient_energy"], scores["ssim"]),
    )


def cyclegan(name: str, seed: int, folder: Path) -> Result:
    """Two residual generators, from plans to photographs and back."""
    side, epochs, width = CYCLE["side"], CYCLE["epochs"], CYCLE["width"]
    there, back = (
        ck.tasks.resnet_generator((side, side), width=width, blocks=CYCLE["blocks"], seed=2 * seed + way)
        for way in (0, 1)
    )
    photos, turned = facades(), ck.data.swapped(facades())
    before, started, done = harness.convolution_ms(), time.process_time(), len(list(folder.glob("sheets/*")))
    places = {"resume": folder / "steps", "pictures": folder / "sheets"}
    ck.tasks.cyclegan(
        there, back, photos.train, turned.train, epochs=epochs, width=width, augment=FLIP, seed=seed, **places
    )
    seconds = (time.process_time() - started) / max(1, epochs - done)
    for net, way in ((there, "there"), (back, "back")):
        ck.save(net, folder / way)
    errors = []
    for first, second, source in ((there, back, photos.test), (back, there, turned.test)):
        images = np.stack([first.framing.apply(source.image(index), first.size) for index in range(len(source))])
        ways = second.model.predict(first.model.predict(images.astype(np.float32), verbose=0), verbose=0)
        errors.append(float(ck.metrics.absolute_error(images, ways).mean()))
    distance = frechet(painted(there, photos.test), truth_of(photos.test))
    count = len(photos.train)
    convolution = round((before + harness.convolution_ms()) / 2, 1)
    return Result(
        name, seed, epochs * count, round(seconds * 1000 / count, 1), convolution, **rounded(np.mean(errors), distance)
    )


def floor(name: str, seed: int, folder: Path) -> Result:
    """Real photographs beside real ones, and the mean photograph."""
    chance = np.random.default_rng(seed)
    real, train = truth_of(facades().test), truth_of(facades().train)
    others = train[chance.permutation(len(train))[: len(real)]]
    mean = np.repeat(np.rint(train.mean(axis=0, keepdims=True)), len(real), axis=0)
    error = float(ck.metrics.absolute_error(real, mean).mean())
    return Result(name, seed, 0, 0.0, round(harness.convolution_ms(), 1), **rounded(error, frechet(others, real)))


def rounded(l1: float, distance: float, energy: float = np.nan, ssim: float = np.nan) -> dict[str, float]:
    """Scores by field."""
    values = {"l1": float(l1), "frechet": distance, "energy": energy, "ssim": ssim}
    return {name: round(value, 4) for name, value in values.items()}


def truth_of(source: ck.data.Source) -> NDArray[np.uint8]:
    """(n, h, w, 3) the targets."""
    return np.stack([source.targets.picture(index) for index in range(len(source))])


def painted(net: ck.Network, source: ck.data.Source) -> NDArray[np.uint8]:
    """(n, h, w, 3) what a network makes of a source."""
    return np.stack([ck.data.decode_bytes(file, "predicted") for file in ck.predict(net, source)["picture"]])


def frechet(pictures: NDArray[np.uint8], others: NDArray[np.uint8]) -> float:
    """On the features of nano."""
    body = ck.backbone("nano", cut="block7_expand_relu", input_shape=(SIDE, SIDE, 3))
    vectors = [ck.feature_vectors(body, some, framing=ck.data.Framing("squash")) for some in (pictures, others)]
    distance = ck.metrics.frechet_distance(*vectors)
    harness.say(f"  {distance}")
    return float(distance)


ROWS = {
    "floor": floor,
    "pix2pix": pix2pix,
    "pix2pix, shifted": partial(pix2pix, epochs=LONGER, border=BORDER, augment=SHIFTED),
    "pix2pix, transposed": partial(pix2pix, upsampling="transposed"),
    "l1": l1_only,
    "cyclegan": cyclegan,
}

if __name__ == "__main__":
    main()
