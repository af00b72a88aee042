"""`pix2pix`: a generator of pictures, trained against a discriminator that sees source and target together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cnnkit.data.arguments import said
from cnnkit.data.dataset import Dataset
from cnnkit.data.kept_pictures import KeptPictures
from cnnkit.data.views.identity import identity_of
from cnnkit.data.views.view import Augmenter
from cnnkit.errors import InputError
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
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.fitting import architecture_hash
from cnnkit.transfer.network import Network, check_dataset
from cnnkit.transfer.run import Run
from cnnkit.transfer.traced_once import TracedOnce


def pix2pix(
    network: Network,
    dataset: Dataset,
    *,
    epochs: int = 200,
    weight: float = 100.0,
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
    """Trains a generator in place, against a discriminator of patches of 70 × 70 pixels.

    Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017 (arXiv:1611.07004),
    equation 4: the absolute error says what is where, the discriminator that it looks like a picture. Both take a step
    on each batch, for the same generated pictures; the discriminator's loss is halved. Afterwards the generator is a
    network like any other::

        photos = ck.data.pairs("facades", source="right")            # from plans to photographs
        net = ck.tasks.unet_generator((128, 128), width=32)
        ck.tasks.pix2pix(net, photos, epochs=35, width=32, resume="runs/steps", pictures="runs/sheets")
        ck.evaluate(net, photos.test); ck.save(net, "runs/facades"); ck.predict(net, ["plan.png"])

    Args:
        network: From `ck.tasks.unet_generator`, or any with the head of `ck.heads.translator`; its weights change.
        dataset: Pairs of pictures, `ck.data.pairs`; trained on is `dataset.train`.
        epochs: Passes over the pictures.
        weight: λ of the absolute error, for values in −1 … 1.
        width: Channels of the discriminator's first layer.
        rate: Of Adam with β₁ = 0.5, for both.
        decay: The last part of the epochs, over which the rate falls to 0 along a line.
        batch_size: Pairs per step; the normalization is that of single pictures for any.
        augment: Random versions of the pairs. Both are moved alike; colours change in the picture alone.
        seed: Of the discriminator's weights, order, augmentation and dropout.
        resume: A folder for checkpoints, one per epoch, with both networks and their optimizers. A call that was
            interrupted at any step, and is repeated, ends with the same weights, bit for bit on one machine.
        pictures: A folder for a sheet per epoch: source, prediction and target of the first validation pictures, or of
            training pictures where there are none.
        progress: Whether to show the live line.

    Returns:
        The record, with the means per epoch of the generator's `loss` and of what it consists of, `generator`
        (adversarial) and `l1` (a part of white), and of `discriminator`; it is the network's `run` too.

    Raises:
        DataError: No pairs, or a loss or weight became NaN or infinite; the network has the last finite ones.
        InputError: Another network, an argument out of its range, or a checkpoint of another training.
        CheckpointError: A checkpoint cannot be written or read.
        InterruptedTrainingError: Ctrl-C; the network has the weights of the last whole epoch.
    """
    check_course({name: value for name, value in locals().items() if name not in ("network", "dataset")})
    network = generator_of(network)
    if not isinstance(dataset, Dataset):
        raise InputError("a dataset of pairs of pictures", said(dataset), "ck.data.pairs(folder) makes one.")
    check_dataset(network, dataset)
    check_augment(network, augment)
    course = Course(int(epochs), int(batch_size), float(rate), float(decay), int(seed))
    judge = patch_discriminator(network.size, conditional=True, width=int(width), seed=course.seed)
    models = {"generator": network.model, "discriminator": judge}
    optimizers = {name: adam(course.rate, model.trainable_variables) for name, model in models.items()}
    feed = Feed(
        source=dataset.train,
        head=network.head,
        framing=network.framing,
        size=network.size,
        batch_size=course.batch_size,
        forward=None,
        shuffle=True,
        augment=augment,
        seed=course.seed,
        decoded=KeptPictures(),
    )

    def batches(number: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        for batch in feed.epoch(number):
            yield np.asarray(batch.inputs[0], np.float32), np.asarray(batch.targets, np.float32)

    step = TracedOnce(lambda batch: _step(models, optimizers, float(weight), *batch))
    shown = shown_of(dataset.validation if len(dataset.validation) else dataset.train)
    of_sheet = Feed(shown, network.head, network.framing, network.size, len(shown), None)

    def sheet() -> NDArray[np.uint8]:
        (batch,) = of_sheet.epoch(0)
        images = np.asarray(batch.inputs[0], np.float32)
        return sheet_of(list(zip(images, network.model.predict_on_batch(images), batch.targets, strict=True)))

    return train_against(
        Adversaries(
            name="pix2pix",
            networks=(network,),
            models=models,
            optimizers=optimizers,
            epoch=batches,
            pictures=len(dataset.train),
            step=lambda epoch, number, batch: step(batch),
            sheet=sheet,
            identity={
                "weight": float(weight),
                "width": int(width),
                "augmentation": identity_of(augment) if resume is not None else repr(augment),
                "framing": asdict(network.framing),
                "network": architecture_hash(network.model),
            },
            fingerprint=dataset.train.fingerprint,
        ),
        course,
        resume=resume,
        pictures=pictures,
        progress=progress,
    )


def _step(
    models: Mapping[str, keras.Model],
    optimizers: Mapping[str, keras.optimizers.Optimizer],
    weight: float,
    sources: Any,
    targets: Any,
) -> dict[str, Any]:
    """One step of both on the same generated pictures, which the discriminator sees once, beside the real ones."""
    generator, judge = models["generator"], models["discriminator"]
    with tf.GradientTape() as of_generator, tf.GradientTape() as of_judge:
        made = generator(sources, training=True)
        pairs = keras.ops.concatenate(
            [keras.ops.concatenate([sources, pictures], axis=-1) for pictures in (targets, made)], axis=0
        )
        true, false = keras.ops.split(judge(pairs, training=True), 2)
        # The paper's absolute error is of values in −1 … 1, that of `ck.heads.translator` a part of white: half of it.
        l1 = keras.ops.mean(keras.ops.abs(targets - made)) / (2 * HALF)
        fooled = keras.ops.mean(adversarial(false, real=True))
        generator_loss = fooled + 2 * weight * l1
        told = keras.ops.mean(adversarial(true, real=True) + adversarial(false, real=False)) / 2
    tapes = {"generator": (of_generator, generator_loss), "discriminator": (of_judge, told)}
    gradients = {name: tape.gradient(loss, models[name].trainable_variables) for name, (tape, loss) in tapes.items()}
    for name, values in gradients.items():
        optimizers[name].apply(values, models[name].trainable_variables)
    return {"loss": generator_loss, "generator": fooled, "discriminator": told, "l1": l1}
