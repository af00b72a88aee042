"""Random layers in the frozen part are off, and it is said."""

from __future__ import annotations

import warnings

import keras
import pytest

import cnnkit as ck
from cnnkit.transfer.resting import resting_layers, say_what_rests
from tests.transfer.worlds import SIZE


def guide() -> keras.Model:
    """The transfer-learning guide of Keras: augmentation, rescaling and a base in one model."""
    image = keras.Input((SIZE, SIZE, 3))
    varied = keras.Sequential([keras.layers.RandomFlip(name="flip"), keras.layers.RandomRotation(0.1, name="turn")])
    x = keras.layers.Rescaling(1 / 255)(varied(image))
    x = keras.layers.Conv2D(4, 3, strides=2, name="conv")(x)
    x = keras.layers.Dropout(0.3, name="drop")(x)
    return keras.Model(image, keras.layers.Conv2D(4, 3, name="deep")(x))


def train(colours, train_from: str, **given) -> None:
    net = ck.attach(guide(), ck.heads.classifier(["grey", "red"], dropout=0.5))
    ck.fit(net, colours, ck.Plan([ck.Phase("p", train=train_from, epochs=1)]), progress=False, **given)


def test_augmentation_of_the_model_that_does_not_run_is_said(colours) -> None:
    with pytest.warns(
        UserWarning, match=r"flip \(RandomFlip\), turn \(RandomRotation\).*augment=.*ck\.data\.Augm"
    ) as said:
        train(colours, "head")
    assert "drop" not in str(said[0].message)


@pytest.mark.parametrize(("train_from", "given"), [("all", {}), ("head", {"augment": ck.data.Augmentation()})])
def test_nothing_is_said_where_it_runs_or_another_was_chosen(colours, train_from, given) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(colours, train_from, **given)


def test_dropout_is_part_of_the_line_of_the_phase() -> None:
    model = guide()
    assert [layer.name for layer in resting_layers(model)] == ["flip", "turn", "drop"]
    line = say_what_rests(model, augmented=True)
    assert line == "; off in the frozen part: flip (RandomFlip), turn (RandomRotation), drop (Dropout)"
    image = keras.Input((4, 4, 3))
    assert say_what_rests(keras.Model(image, keras.layers.Conv2D(1, 1)(image)), augmented=False) == ""
