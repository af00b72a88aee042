"""A model whose outputs are several, or a dictionary: what needs one says so, what reads a layer takes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
QUICK = {"settings": ck.visualize.DreamSettings(steps=1, octaves=1), "progress": False}

# How a model gives its two layers "first" and "second", and the number of its outputs.
FORMS: dict[str, tuple[Callable[[Any, Any], Any], int]] = {
    "a tensor": (lambda first, second: second, 1),
    "a list of one": (lambda first, second: [second], 1),
    "a dictionary of one": (lambda first, second: {"only": second}, 1),
    "a list of two": (lambda first, second: [first, second], 2),
    "a dictionary of two": (lambda first, second: {"a": first, "b": second}, 2),
}
SEVERAL = [form for form, (_, count) in FORMS.items() if count > 1]
# What needs the one output of a model, and what does not.
NEED_ONE: dict[str, Callable[[keras.Model], object]] = {
    "backbone": ck.backbone,
    "attach": lambda model: ck.attach(model, ck.heads.classifier(["no", "yes"])),
    "compare": lambda model: ck.compare(photos(), model, progress=False),
    "finetune": lambda model: ck.finetune(photos(), backbone=model, progress=False),
    "gradcam": lambda model: ck.visualize.gradcam(model, PHOTO),
    "gradcam of a layer": lambda model: ck.visualize.gradcam(model, PHOTO, layer="first"),
}
TAKE_ANY: dict[str, Callable[[keras.Model], object]] = {
    "activations": lambda model: ck.visualize.activations(model, PHOTO, "first"),
    "dream": lambda model: ck.visualize.dream(model, "first", PHOTO, **QUICK),
    "receptive_field": lambda model: ck.visualize.receptive_field(model, "first", PHOTO),
    "filters": ck.visualize.filters,
    "architecture": ck.diagrams.architecture,
    "costs": ck.diagrams.costs,
    "count": ck.backbones.count,
    "truncate": lambda model: ck.truncate(model, "first"),
}
# What takes a network, which a model becomes by a head.
NEED_A_NETWORK: dict[str, Callable[[keras.Model], object]] = {
    "find_rate": lambda model: ck.find_rate(model, photos()),
    "fit": lambda model: ck.fit(model, photos(), ck.plans.probe()),
    "predict": lambda model: ck.predict(model, PHOTO[None]),
    "evaluate": lambda model: ck.evaluate(model, photos().train),
    "save": lambda model: ck.save(model, "nowhere"),
}


@cache
def model_of(form: str) -> keras.Model:
    image = keras.Input((32, 32, 3), name="image")
    first = keras.layers.Conv2D(4, 3, name="first")(keras.layers.Rescaling(1 / 255)(image))
    return keras.Model(image, FORMS[form][0](first, keras.layers.Conv2D(4, 3, name="second")(first)), name="mine")


@cache
def photos() -> ck.data.Dataset:
    return ck.data.arrays(np.stack([PHOTO] * 8), [0, 1] * 4)


@pytest.mark.parametrize("form", SEVERAL)
@pytest.mark.parametrize("function", NEED_ONE)
def test_one_output_is_needed_and_said(function: str, form: str) -> None:
    with pytest.raises(
        InputError, match=r"Expected a model (with one image input and|of) one output.*2 outputs.*keras\.Model\("
    ):
        NEED_ONE[function](model_of(form))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("function", NEED_A_NETWORK)
def test_a_model_is_no_network(function: str, form: str) -> None:
    with pytest.raises(InputError, match=r"Expected a network.*ck\.attach\(ck\.backbone\(model\), head\)"):
        NEED_A_NETWORK[function](model_of(form))


@pytest.mark.parametrize("form", SEVERAL)
@pytest.mark.parametrize("function", TAKE_ANY)
def test_what_reads_one_layer_takes_any_model(function: str, form: str) -> None:
    assert TAKE_ANY[function](model_of(form)) is not None


@pytest.mark.parametrize("form", ["a list of one", "a dictionary of one"])
def test_one_output_in_a_list_or_dictionary_is_one(form: str) -> None:
    plain, wrapped = (ck.backbone(model_of(name)).model for name in ("a tensor", form))
    wrapped.set_weights(plain.get_weights())
    picture = PHOTO[None, :32, :32].astype(np.float32)
    np.testing.assert_array_equal(wrapped(picture), plain(picture))
    np.testing.assert_array_equal(
        ck.visualize.gradcam(model_of(form), PHOTO).shape, ck.visualize.gradcam(model_of("a tensor"), PHOTO).shape
    )
