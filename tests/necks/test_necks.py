"""Necks: scales and widths, every backbone's shapes, the sums of the paper by hand, plain Keras reads them."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError
from cnnkit.necks.table import NECKS

SHAPES = {"P2": (24, 32, 6), "P3": (12, 16, 8), "P4": (6, 8, 10), "P5": (3, 4, 12)}


def levels(shapes=SHAPES) -> dict[str, keras.KerasTensor]:
    return {name: keras.Input(shape, name=name) for name, shape in shapes.items()}


def arrays(shapes=SHAPES) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {name: random.normal(size=(2, *shape)).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("name", NECKS)
@pytest.mark.parametrize("odd", [False, True])
def test_every_row_keeps_the_scales_and_loads_in_plain_keras(name: str, odd: bool) -> None:
    shapes = {"P3": (45, 60, 8), "P4": (23, 30, 10), "P5": (12, 15, 12)} if odd else SHAPES
    given = levels(shapes)
    options = {"widths": (7,) * (len(shapes) - 1)} if name == "unet" else {"width": 7}
    made = NECKS[name](given, **options)
    assert all(tensor.shape[1:] == (*shapes[level][:2], 7) for level, tensor in made.items())
    assert list(made) == sorted(made)
    model = keras.Model(given, made)
    again = keras.models.model_from_json(json.dumps(json.loads(model.to_json())))
    again.set_weights(model.get_weights())
    for level, expected in model(arrays(shapes)).items():
        np.testing.assert_array_equal(again(arrays(shapes))[level], expected)


def test_a_pyramid_is_the_sum_of_the_paper() -> None:
    """Of constant maps enlargement changes nothing: each sum is that of the 1×1 convolutions from there down."""
    given = levels()
    model = keras.Model(given, ck.necks.fpn(given, width=5))
    taps = keras.Model(given, {name: model.get_layer(f"fpn_{name}_sum").output for name in ("P2", "P3", "P4")})
    constants = {name: np.full((1, *shape), 0.1 * shape[2], np.float32) for name, shape in SHAPES.items()}
    lateral = {}
    for name, shape in SHAPES.items():
        kernel, bias = model.get_layer(f"fpn_{name}_lateral").get_weights()
        lateral[name] = np.full(shape[2], 0.1 * shape[2]) @ kernel[0, 0] + bias
    for name, deeper in (("P4", ["P4", "P5"]), ("P3", ["P3", "P4", "P5"]), ("P2", list(SHAPES))):
        np.testing.assert_allclose(taps(constants)[name][0, 2, 3], sum(lateral[level] for level in deeper), rtol=1e-4)


def test_one_seed_fixes_the_weights() -> None:
    first, same, other = (
        keras.Model(given := levels(), ck.necks.fpn(given, width=4, seed=seed)).get_weights() for seed in (1, 1, 2)
    )
    assert all((a == b).all() for a, b in zip(first, same, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ck.necks.fpn({}), r"levels by name"),
        (lambda: ck.necks.fpn({"stage3": keras.Input((4, 4, 3))}), r"levels by name.*stage3"),
        (lambda: ck.necks.unet(levels(), widths=(8, 8)), r"3 scales above the deepest"),
        (lambda: ck.necks.unet({"P3": keras.Input((4, 4, 3))}, widths=()), r"at least one"),
    ],
)
def test_wrong_use_is_refused(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
