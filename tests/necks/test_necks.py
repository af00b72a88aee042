"""Necks: scales and widths, every backbone's shapes, the sums of the paper by hand, plain Keras reads them."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.backbones.graph import nodes
from cnnkit.errors import CnnkitError
from cnnkit.necks.table import NECKS
from cnnkit.necks.unpooling import unpooled

SHAPES = {"P2": (24, 32, 6), "P3": (12, 16, 8), "P4": (6, 8, 10), "P5": (3, 4, 12)}


def levels(shapes=SHAPES) -> dict[str, keras.KerasTensor]:
    return {name: keras.Input(shape, name=name) for name, shape in shapes.items()}


def pooled_levels(shapes) -> dict[str, keras.KerasTensor]:
    """Levels that a max pooling leads from one to the next."""
    made: dict[str, keras.KerasTensor] = {}
    for name, shape in shapes.items():
        if made:
            x = keras.layers.MaxPooling2D(2, padding="same")(made[f"P{int(name[1:]) - 1}"])
            made[name] = keras.layers.Conv2D(shape[2], 1, activation="relu")(x)
        else:
            made[name] = keras.Input(shape, name=name)
    return made


def arrays(shapes=SHAPES) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {name: random.normal(size=(2, *shape)).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("name", NECKS)
@pytest.mark.parametrize("odd", [False, True])
def test_every_row_keeps_the_scales_and_loads_in_plain_keras(name: str, odd: bool) -> None:
    shapes = {"P3": (45, 60, 8), "P4": (23, 30, 10), "P5": (12, 15, 12)} if odd else SHAPES
    given = pooled_levels(shapes)
    options = {"widths": (7,) * (len(shapes) - 1)} if name == "unet" else {"width": 7}
    if name == "unpooling":  # its coarser maps have the widths of the encoder
        options["convolutions"] = 1
    made = NECKS[name](given, **options)
    finest, *coarser = made
    assert all(made[level].shape[1:3] == shapes[level][:2] for level in made)
    assert made[finest].shape[3] == 7
    assert all(made[level].shape[3] == 7 for level in coarser if name != "unpooling")
    assert list(made) == sorted(made)
    image = next(iter(given.values()))
    model = keras.Model(image, made)
    again = keras.models.model_from_json(json.dumps(json.loads(model.to_json())))
    again.set_weights(model.get_weights())
    picture = next(iter(arrays(shapes).values()))
    for level, expected in model(picture).items():
        np.testing.assert_array_equal(again(picture)[level], expected)


def test_unpooling_takes_what_was_pooled_where_levels_are_narrower() -> None:
    """P2 and P3 of SqueezeNet are the squeezed maps of its modules, its poolings take the expanded ones."""
    body = ck.backbone("squeezenet1_1", weights=None, input_shape=(64, 64, 3))
    net = ck.attach(body, ck.heads.segnet(("a", "b"), output_stride=16, convolutions=1))
    assert net.model.get_layer("unpool_P3_match_conv").filters == 256  # fire5, before the pooling


@pytest.mark.parametrize(
    ("size", "window", "stride", "padding"),
    [((8, 10), 2, 2, "valid"), ((9, 11), 2, 2, "valid"), ((9, 12), 3, 2, "valid"), ((9, 12), 3, 2, "same")],
)
def test_unpooling_puts_values_where_the_maxima_were(
    size: tuple[int, int], window: int, stride: int, padding: str
) -> None:
    """Against a loop over windows; the pooled maxima themselves come back to their places exactly."""
    random = np.random.default_rng(3)
    image = keras.Input((*size, 3))
    layer = keras.layers.MaxPooling2D(window, stride, padding=padding)
    pooled = layer(image)
    values = keras.Input(pooled.shape[1:])
    call = next(call for call in nodes(keras.Model(image, pooled)) if call.layer is layer)
    model = keras.Model([image, values], unpooled(values, call, "up"))
    x = random.permutation(size[0] * size[1] * 3).reshape(1, *size, 3).astype(np.float32) - 100  # no two are equal
    y = random.normal(size=(1, *pooled.shape[1:])).astype(np.float32)
    before = [
        max((count - 1) * stride + window - side, 0) // 2 if padding == "same" else 0
        for count, side in zip(pooled.shape[1:3], size, strict=True)
    ]
    expected = np.zeros_like(x)
    for row, column, channel in np.ndindex(*pooled.shape[1:]):
        rows, columns = (
            slice(max(place * stride - start, 0), place * stride - start + window)
            for place, start in zip((row, column), before, strict=True)
        )
        part = x[0, rows, columns, channel]
        at = np.unravel_index(part.argmax(), part.shape)
        expected[0, rows, columns, channel][at] += y[0, row, column, channel]
    np.testing.assert_allclose(model([x, y]), expected, atol=1e-6)
    if window == stride:
        maxima = keras.Model(image, pooled)(x).numpy()
        restored = model([x, maxima]).numpy()
        np.testing.assert_array_equal(restored[restored != 0], x[restored != 0])
        assert (restored != 0).sum() == maxima.size


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


def test_regions_are_the_means_of_equal_parts() -> None:
    """Where the bins divide the map; each region is enlarged to its part of the map again."""
    given = {"P4": keras.Input((6, 12, 8))}
    model = keras.Model(given["P4"], ck.necks.psp(given, width=5)["P4"])
    pooled = keras.Model(model.input, [model.get_layer(f"psp_P4_pool{number}").output for number in range(1, 5)])
    x = np.random.default_rng(1).normal(size=(2, 6, 12, 8)).astype(np.float32)
    for bins, regions in zip((1, 2, 3, 6), pooled(x), strict=True):
        expected = x.reshape(2, bins, 6 // bins, bins, 12 // bins, 8).mean(axis=(2, 4))
        np.testing.assert_allclose(regions, expected, atol=1e-6)
    assert model.get_layer("psp_P4_conv").input.shape == (None, 6, 12, 16)  # as many channels again as the map has


@pytest.mark.parametrize(("name", "mean"), [("aspp", "aspp_P5_whole"), ("psp", "psp_P5_region1")])
def test_the_mean_of_a_picture_tells_it_from_others_in_a_step_of_its_own(name: str, mean: str) -> None:
    """Normalized over a step of one picture every picture would be the same."""
    given = levels({"P5": SHAPES["P5"]})
    model = keras.Model(given, NECKS[name](given, width=8))
    tap = keras.Model(given, model.get_layer(mean).output)
    one, other = (tap({"P5": arrays()["P5"][index : index + 1]}, training=True).numpy() for index in (0, 1))
    assert np.abs(one - other).max() > 0.01


def test_a_unet_narrows_what_is_more_than_twice_as_wide() -> None:
    """12 channels come from P5: they are 10 where the scale above has 5, and stay where it has 6 or more."""
    given = levels()
    wide, narrow = (keras.Model(given, ck.necks.unet(given, widths=widths)) for widths in ((6, 8, 3), (5, 8, 3)))
    for model, below in ((wide, (12, 6, 6)), (narrow, (10, 5, 6))):
        for level, channels in zip(("P4", "P3", "P2"), below, strict=True):
            assert model.get_layer(f"unet_{level}_join").output.shape[-1] == channels + SHAPES[level][-1]


@pytest.mark.parametrize("size", [(5, 7), (3, 2), (2, 2), (11, 15)])
def test_regions_cover_any_map(size: tuple[int, int]) -> None:
    """The mean of a map that is 0 but for one place is above 0 in some region, whichever the place."""
    given = {"P5": keras.Input((*size, 4))}
    model = keras.Model(given["P5"], ck.necks.psp(given, width=4)["P5"])
    places = np.eye(size[0] * size[1], dtype=np.float32).reshape(-1, *size, 1).repeat(4, axis=-1)
    for number, bins in enumerate((1, 2, 3, 6), start=1):
        regions = keras.Model(model.input, model.get_layer(f"psp_P5_pool{number}").output)(places).numpy()
        assert regions.shape[1:3] == (min(bins, size[0]), min(bins, size[1]))
        assert (regions.max(axis=(1, 2, 3)) > 0).all()


def test_a_mirrored_border_is_that_of_numpy() -> None:
    """A convolution over the map that NumPy has mirrored; with zeros the border differs, the middle does not."""
    shapes = {"P4": (6, 8, 3), "P5": (3, 4, 3)}
    given = levels(shapes)
    mirrored, zeros = (
        keras.Model(given, ck.necks.unet(given, widths=(4,), border=border, seed=2)) for border in ("mirror", "zeros")
    )
    taps = [keras.Model(m.inputs, m.get_layer("unet_P4_1_conv").output) for m in (mirrored, zeros)]
    join = keras.Model(zeros.inputs, zeros.get_layer("unet_P4_join").output)
    values = arrays(shapes)
    x = np.pad(join(values), [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    layer = mirrored.get_layer("unet_P4_1_conv")
    ours, others = (tap(values).numpy() for tap in taps)
    np.testing.assert_allclose(ours, layer(x), atol=1e-6)
    np.testing.assert_allclose(ours[:, 1:-1, 1:-1], others[:, 1:-1, 1:-1], atol=1e-5)
    assert np.abs(ours - others)[:, 0].max() > 0.01
    again = keras.models.model_from_json(mirrored.to_json())
    again.set_weights(mirrored.get_weights())
    np.testing.assert_array_equal(again(values)["P4"], mirrored(values)["P4"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ck.necks.fpn({}), r"levels by name"),
        (lambda: ck.necks.fpn({"stage3": keras.Input((4, 4, 3))}), r"levels by name.*stage3"),
        (lambda: ck.necks.unet(levels(), widths=(8, 8)), r"3 scales above the deepest"),
        (lambda: ck.necks.psp(levels(), bins=()), r"bins above 0"),
        (lambda: ck.necks.aspp(levels(), rates=(0, 6)), r"rates above 0"),
        (lambda: ck.necks.unet(levels(), widths=(8, 8, 8), border="wrap"), r"mirror"),
        (lambda: ck.necks.unpooling(levels()), r"(?s)pools no maxima of P4 and P3 and P2.*squeezenet"),
        (lambda: ck.necks.unet({"P3": keras.Input((4, 4, 3))}, widths=()), r"at least one"),
    ],
)
def test_wrong_use_is_refused(call, message: str) -> None:
    with pytest.raises(CnnkitError, match=message):
        call()
