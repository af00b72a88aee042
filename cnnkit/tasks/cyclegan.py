"""`cyclegan`: two generators, there and back, from pictures of two kinds that are no pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cnnkit.data.arguments import said
from cnnkit.data.kept_pictures import KeptPictures
from cnnkit.data.pipeline import batch_at, batches
from cnnkit.data.random_streams import batch_bits
from cnnkit.data.source import Source
from cnnkit.data.views.identity import identity_of
from cnnkit.data.views.view import Augmenter
from cnnkit.errors import DataError, InputError
from cnnkit.heads.translation import HALF
from cnnkit.losses.adversarial import adversarial
from cnnkit.tasks.adversarial_training import (
    Adversaries,
    Course,
    adam,
    check_augment,
    check_course,
    generator_of,
    sheet_of,
    shown_of,
    train_against,
)
from cnnkit.tasks.patch_discriminator import patch_discriminator
from cnnkit.tasks.picture_pool import PicturePool
from cnnkit.transfer.checkpoint import Arrays
from cnnkit.transfer.fitting import architecture_hash
from cnnkit.transfer.network import Network
from cnnkit.transfer.run import Run
from cnnkit.transfer.traced_once import TracedOnce

Floats = NDArray[np.float32]


def cyclegan(
    there: Network,
    back: Network,
    pictures_there: Source,
    pictures_back: Source,
    *,
    epochs: int = 200,
    cycle: float = 10.0,
    identity: float = 0.5,
    pool: int = 50,
    width: int = 64,
    rate: float = 2e-4,
    decay: float = 0.5,
    batch_size: int = 1,
    augment: Augmenter | None = None,
    seed: int = 0,
    resume: str | Path | None = None,
    pictures: str | Path | None = None,
    progress: bool = True,
) -> Run:
    """Trains two generators in place, each against a discriminator, so that there and back is where one began.

    Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", ICCV 2017
    (arXiv:1703.10593): least-squares adversarial losses, the absolute error of a picture that went there and back, and
    that of a picture that was of the right kind already (section 5.2). Discriminators see generated pictures from a
    pool of earlier ones. No picture is a target of another, whatever truth the sources have::

        photos = ck.data.pairs("facades")
        there, back = (ck.tasks.resnet_generator((64, 64), width=16, blocks=3, seed=seed) for seed in (0, 1))
        ck.tasks.cyclegan(there, back, photos.train, ck.data.swapped(photos).train, width=16, pictures="runs/sheets")
        ck.predict(there, photos.test); ck.save(back, "runs/to_photographs")

    Args:
        there: From `ck.tasks.resnet_generator`, or any with the head of `ck.heads.translator`.
        back: Another one of the same size.
        pictures_there: What `there` begins with.
        pictures_back: What it is to look like. An epoch has as many steps as the smaller source has batches.
        epochs: Passes over the smaller source.
        cycle: λ of the way there and back, for values in −1 … 1.
        identity: Weight of pictures that shall stay, in parts of `cycle`; 0 leaves that loss out.
        pool: Generated pictures of each kind from which a discriminator may learn again.
        width: Channels of the discriminators' first layer.
        rate: As of `ck.tasks.pix2pix`.
        decay: As there.
        batch_size: Pictures of each kind per step.
        augment: Random versions of all pictures.
        seed: Of the discriminators' weights, orders, augmentation and the pools.
        resume: As of `ck.tasks.pix2pix`; a checkpoint holds the pools too.
        pictures: A folder for a sheet per epoch: each of the first pictures, its translation, and the way back.
        progress: Whether to show the live line.

    Returns:
        The record, with the means per epoch of the generators' `loss` and of what it consists of, `there` and `back`
        (adversarial), `cycle` and `identity` (parts of white), and of `discriminators`; it is the `run` of both
        networks too.

    Raises:
        DataError: A source without pictures, or a loss or weight became NaN or infinite; both networks have the last
            finite ones.
        InputError: Another network, two sizes, an argument out of its range, or a checkpoint of another training.
        CheckpointError: A checkpoint cannot be written or read.
        InterruptedTrainingError: Ctrl-C; both networks have the weights of the last whole epoch.
    """
    others = ("there", "back", "pictures_there", "pictures_back")
    check_course({name: value for name, value in locals().items() if name not in others})
    networks = generator_of(there), generator_of(back)
    _check(networks, (pictures_there, pictures_back))
    for network in networks:
        check_augment(network, augment)
    course = Course(int(epochs), int(batch_size), float(rate), float(decay), int(seed))
    judges = [
        patch_discriminator(there.size, conditional=False, width=int(width), seed=course.seed + 100 * number)
        for number in (1, 2)
    ]
    models = {"there": there.model, "back": back.model, "judge of there": judges[0], "judge of back": judges[1]}
    optimizers = {name: adam(course.rate, model.trainable_variables) for name, model in models.items()}
    pools = PicturePool("there", int(pool)), PicturePool("back", int(pool))
    epoch = _Epochs((pictures_there, pictures_back), networks, course, augment)
    weights = float(cycle), float(identity)
    generate = TracedOnce(lambda batch: _generate(models, optimizers, weights, *batch))
    discriminate = TracedOnce(lambda batch: _discriminate(models, optimizers, *batch))

    def step(number: int, place: int, batch: tuple[Floats, Floats]) -> Mapping[str, Any]:
        losses, *made = generate(batch)
        chance = np.random.Generator(batch_bits(course.seed, number, place))
        seen = [pool.exchanged(np.asarray(some), chance) for pool, some in zip(pools, made, strict=True)]
        return {**losses, "discriminators": discriminate((*batch, *seen))}

    def remember(arrays: Arrays) -> None:
        for pool in pools:
            pool.remember(arrays)

    return train_against(
        Adversaries(
            name="cyclegan",
            networks=networks,
            models=models,
            optimizers=optimizers,
            epoch=epoch.batches,
            pictures=epoch.count,
            step=step,
            sheet=partial(_sheet, networks, shown_of(pictures_there), shown_of(pictures_back)),
            identity={
                "cycle": weights[0],
                "identity": weights[1],
                "pool": int(pool),
                "width": int(width),
                "augmentation": identity_of(augment) if resume is not None else repr(augment),
                "framing": [asdict(network.framing) for network in networks],
                "network": [architecture_hash(network.model) for network in networks],
            },
            fingerprint=pictures_there.fingerprint + pictures_back.fingerprint,
            more=lambda: pools[0].arrays() | pools[1].arrays(),
            remember=remember,
        ),
        course,
        resume=resume,
        pictures=pictures,
        progress=progress,
    )


class _Epochs:
    """Batches of both kinds, each in an order of its own.

    Args:
        sources: Of both kinds.
        networks: Which take them.
        course: Of the training.
        augment: Random versions of the pictures.
    """

    def __init__(
        self,
        sources: tuple[Source, Source],
        networks: tuple[Network, Network],
        course: Course,
        augment: Augmenter | None,
    ) -> None:
        self.count = min(map(len, sources))
        self._parts = [
            partial(
                batches,
                source,
                network.framing,
                network.size,
                batch_size=course.batch_size,
                shuffle=True,
                augment=augment,
                kept=KeptPictures(),
                # Sources of as many pictures would else have the same order, and be pairs.
                seed=course.seed + number,
            )
            for number, (source, network) in enumerate(zip(sources, networks, strict=True))
        ]

    def batches(self, number: int) -> Iterator[tuple[Floats, Floats]]:
        """As many of one kind as of the other; what the larger source has more is left for other epochs."""
        for one, other in zip(*(part(epoch=number) for part in self._parts), strict=False):
            least = min(len(one), len(other))
            yield np.asarray(one.images[:least], np.float32), np.asarray(other.images[:least], np.float32)


def _generate(
    models: Mapping[str, keras.Model],
    optimizers: Mapping[str, keras.optimizers.Optimizer],
    weights: tuple[float, float],
    ones: Any,
    others: Any,
) -> tuple[dict[str, Any], Any, Any]:
    """A step of both generators: the losses, and what they made of the pictures."""
    there, back = models["there"], models["back"]
    cycle, identity = weights
    with tf.GradientTape(persistent=True) as tape:
        # Pictures that shall stay go through a generator beside those that shall change.
        made_others, same_others = keras.ops.split(there(keras.ops.concatenate([ones, others]), training=True), 2)
        made_ones, same_ones = keras.ops.split(back(keras.ops.concatenate([others, ones]), training=True), 2)
        ways = _difference(back(made_others, training=True), ones), _difference(there(made_ones, training=True), others)
        stayed = _difference(same_others, others) + _difference(same_ones, ones)
        fooled = [
            keras.ops.mean(adversarial(models[judge](made, training=True), real=True, objective="squares"))
            for judge, made in (("judge of there", made_others), ("judge of back", made_ones))
        ]
        loss = fooled[0] + fooled[1] + cycle * (ways[0] + ways[1] + identity * stayed) / HALF
    names = ("there", "back")
    gradients = {name: tape.gradient(loss, models[name].trainable_variables) for name in names}
    for name in names:
        optimizers[name].apply(gradients[name], models[name].trainable_variables)
    whole = 4 * HALF  # two differences, parts of white
    parts = {"cycle": (ways[0] + ways[1]) / whole, "identity": stayed / whole}
    return {"loss": loss, "there": fooled[0], "back": fooled[1], **parts}, made_others, made_ones


def _discriminate(
    models: Mapping[str, keras.Model],
    optimizers: Mapping[str, keras.optimizers.Optimizer],
    ones: Any,
    others: Any,
    made_others: Any,
    made_ones: Any,
) -> Any:
    """A step of both discriminators; the mean of their losses."""
    told = []
    for name, true, made in (("judge of there", others, made_others), ("judge of back", ones, made_ones)):
        judge = models[name]
        with tf.GradientTape() as tape:
            real, false = keras.ops.split(judge(keras.ops.concatenate([true, made]), training=True), 2)
            values = adversarial(real, real=True, objective="squares")
            loss = keras.ops.mean(values + adversarial(false, real=False, objective="squares")) / 2
        optimizers[name].apply(tape.gradient(loss, judge.trainable_variables), judge.trainable_variables)
        told.append(loss)
    return (told[0] + told[1]) / 2


def _difference(one: Any, other: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(one - other))


def _sheet(networks: tuple[Network, Network], ones: Source, others: Source) -> NDArray[np.uint8]:
    """Each picture, its translation, and the way back, of the one kind and beside it of the other."""
    there, back = networks
    columns: list[Any] = []
    for source, first, second in ((ones, there, back), (others, back, there)):
        images = batch_at(source, np.arange(min(len(ones), len(others))), first.framing, first.size).images
        made = first.model.predict_on_batch(np.asarray(images, np.float32))
        columns += [images, made, second.model.predict_on_batch(made)]
    return sheet_of(list(zip(*columns, strict=True)))


def _check(networks: tuple[Network, Network], sources: tuple[object, object]) -> None:
    there, back = networks
    if there.size != back.size or there.model is back.model:
        received = "one network twice" if there.model is back.model else f"{there.size} and {back.size}"
        raise InputError("two networks of one size", received, "Make both by ck.tasks.resnet_generator(size).")
    for source in sources:
        if not isinstance(source, Source):
            raise InputError("a source of pictures", said(source), "photos.train is one; ck.data.as_source makes one.")
        if not len(source):
            raise DataError("pictures of both kinds to train on", "a source without pictures", "Give photos.train.")
