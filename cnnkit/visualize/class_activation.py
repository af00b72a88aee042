"""Grad-CAM: where in a picture the evidence for a class lies.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from types import NoneType
from typing import Any

import cv2
import keras
import numpy as np
import tensorflow as tf
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnkit.arguments import list_of, whole
from cnnkit.backbones.graph import nodes
from cnnkit.errors import InputError, unknown_name
from cnnkit.transfer.network import Network
from cnnkit.visualize import style
from cnnkit.visualize.contact_sheet import draw_pictures, fitting_columns
from cnnkit.visualize.given_pictures import Image, several_pictures
from cnnkit.visualize.tapping import AnyNetwork, framed, maps_node, model_of

LARGEST = 3.4
"""Inches of a picture's side, at most: one and its map below fit a slide."""
SQUASHED = ("sigmoid", "softmax")
EXPLAINED = ("labels", "tags")
"""Kinds of truth with one score for each class of a picture."""
# Times the score and divided out again: the gradients of a mixed_float16 network would else end below half precision's
# smallest number. A power of two changes no digit.
GAIN = 1024.0


def gradcam(
    network: AnyNetwork, image: Image, *, layer: str | None = None, target: str | int | None = None
) -> NDArray[np.float32]:
    """The heat map of a class: 1 where the evidence for it is strongest, 0 where there is none.

    With the maps A^k of a layer and the score y^c of a class before softmax or sigmoid, equations 1 and 2 of the
    paper::

        alpha_k = mean over i, j of dy^c / dA^k_ij
        map     = ReLU(sum over k of alpha_k A^k)

    Of one sigmoid unit the score of class 1 is its logit, that of class 0 its negative: evidence against class 1.

    Args:
        network: A cnnkit network or backbone, or any functional Keras model with one input and one output.
        image: RGB 0…255 of any size: it is framed as in prediction. For a Keras model with its preprocessing outside
            float32 of the input's size, given to it as it is.
        layer: Whose maps; by default the last that has more than one cell. Deeper means surer and coarser.
        target: A class, by name (of a network) or index; by default the predicted one.

    Returns:
        (h, w) of the network's input, float32 in [0, 1], scaled so that the largest cell is 1; all 0 where nothing
        speaks for the class.

    Raises:
        UnknownNameError: No such layer or class.
        InputError: The layer gives no maps, the model has several inputs or outputs, or no picture.
        DataError: A picture that `ck.predict` refuses: floats in 0…1, most often.
    """
    seen = framed(network, image)
    (cells,) = class_maps(network, seen[None], layer=layer, targets=[target])
    return heat(cells, (seen.shape[0], seen.shape[1]))


def class_maps(
    network: AnyNetwork,
    images: NDArray[Any],
    *,
    layer: str | None = None,
    targets: Sequence[str | int | None] | None = None,
) -> NDArray[np.float32]:
    """Equation 2 for several pictures at once, neither enlarged nor scaled.

    Args:
        network: As in `gradcam`.
        images: (n, h, w, channels) of the network's input.
        layer: As in `gradcam`.
        targets: One class, or None, for each picture.

    Returns:
        (n, h', w') ≥ 0, of the size of the layer's maps.
    """
    model = model_of(network)
    if isinstance(network, Network) and network.head.target.kind not in EXPLAINED:
        raise InputError(
            f"a network of {' or '.join(EXPLAINED)}, whose classes have one score per picture",
            network.head.target.kind,
            "ck.visualize.activations shows what its layers see.",
        )
    if len(model.outputs) != 1:
        raise InputError(
            "a model of one output, whose score is explained",
            f"{len(model.outputs)} outputs",
            "Choose one: keras.Model(model.input, model.outputs[0]).",
        )
    tap = maps_node(model, layer).outputs[0]
    before, score_of = _scores(model)
    both = keras.Model(model.inputs, [tap, before], name="gradcam")
    pixels = tf.convert_to_tensor(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(pixels)  # a frozen network has no trainable weight that would make the tape record
        maps, last = both(pixels, training=False)
        scores = tf.cast(score_of(last), tf.float32)  # (n, units)
        signs, units = _chosen(network, scores.numpy(), targets)
        # Pictures do not influence each other in inference: the gradient of the sum holds each one's own.
        total = GAIN * tf.reduce_sum(tf.gather(scores, units, axis=1, batch_dims=1) * signs)
    gradients = tape.gradient(total, maps)
    if gradients is None:
        raise InputError(
            "a layer that the output depends on", f"{layer!r}", "Choose one on the way from the picture to the output."
        )
    gradients, maps = tf.cast(gradients, tf.float32) / GAIN, tf.cast(maps, tf.float32)
    alpha = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)  # (n, 1, 1, k), equation 1
    return np.asarray(tf.nn.relu(tf.reduce_sum(alpha * maps, axis=3)))  # (n, h', w'), equation 2


def heat(cells: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A class map enlarged smoothly to (height, width) and scaled to [0, 1]; zeros stay zeros."""
    peak = float(cells.max())
    if peak <= 0:
        return np.zeros(size, np.float32)
    enlarged = cv2.resize(cells / peak, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.clip(enlarged, 0, 1).astype(np.float32)


def overlay(image: Image, heat_map: NDArray[np.float32], *, opacity: float = 0.75) -> NDArray[np.uint8]:
    """A picture in grey with a heat map over it: the hotter, the more it covers.

    Grey, so that the colours of the picture are not taken for heat.

    Args:
        image: (h, w, 3), RGB 0…255.
        heat_map: (h, w) in [0, 1].
        opacity: Of the colour where the map is 1.
    """
    colours = colormaps[style.HEAT](0.3 + 0.7 * heat_map)[..., :3] * 255
    cover = opacity * heat_map[..., None] ** 0.75
    grey = np.asarray(image, np.float32).mean(axis=2, keepdims=True)
    covered: NDArray[np.uint8] = np.clip(np.rint((1 - cover) * grey + cover * colours), 0, 255).astype(np.uint8)
    return covered


def gradcam_figure(
    network: AnyNetwork,
    images: Sequence[Image] | Image,
    titles: Sequence[str] = (),
    *,
    layer: str | None = None,
    targets: Sequence[str | int | None] | None = None,
    colours: Sequence[str] = (),
) -> Figure:
    """Pictures above, the same with the evidence for a class laid over them below.

    Args:
        network: As in `gradcam`.
        images: As in `gradcam`, of any sizes.
        titles: One a picture.
        layer: As in `gradcam`.
        targets: A class for each picture; by default the predicted ones.
        colours: The colour of each title; ink by default.

    Returns:
        A figure up to 11 inches wide.

    Raises:
        UnknownNameError: No such layer or class.
        InputError: As in `gradcam`, or another number of titles or targets than pictures.
        DataError: As in `gradcam`.
    """
    sheet = several_pictures(images)
    for name, given in (("titles", titles), ("colours", colours)):
        if not list_of(given, str):
            raise InputError(
                f"{name} as a list of text, one for each picture",
                f"{name}={given!r}, {type(given).__name__}"[:200],
                f'Give {name}=["first", "second"], or leave it out.',
            )
    columns = fitting_columns(len(sheet))
    rows = -(-len(sheet) // columns)
    lines = max((title.count("\n") + 1 for title in titles), default=0)
    side = min(11 / columns, LARGEST)
    made = style.figure(columns * side, rows * (2 * side + 0.25 * lines))
    draw_gradcam(made, network, sheet, titles, layer=layer, targets=targets, columns=columns, colours=colours)
    return made


def draw_gradcam(
    canvas: style.Canvas,
    network: AnyNetwork,
    images: Sequence[Image],
    titles: Sequence[str] = (),
    *,
    layer: str | None = None,
    targets: Sequence[str | int | None] | None = None,
    columns: int,
    colours: Sequence[str] = (),
) -> None:
    """`gradcam_figure` on a figure or a part of one."""
    seen = [framed(network, image) for image in images]
    maps = class_maps(network, np.stack(seen), layer=layer, targets=targets)
    covered = [overlay(image, heat(cells, image.shape[:2])) for image, cells in zip(seen, maps, strict=True)]
    shown, named, tinted = [], [], []
    for begin in range(0, len(seen), columns):  # a row of pictures, then the same with their heat
        missing = columns - len(seen[begin : begin + columns]) if begin else 0
        blank = [np.full((1, 1, 3), 255, np.uint8)] * missing
        shown += [*seen[begin : begin + columns], *blank, *covered[begin : begin + columns], *blank]
        count = len(seen[begin : begin + columns])
        named += [*titles[begin : begin + columns], *[""] * (2 * missing + count)] if titles else []
        tinted += [*colours[begin : begin + columns], *[style.INK] * (2 * missing + count)] if colours else []
    draw_pictures(canvas, shown, named, columns=min(columns, len(seen) or 1), colours=tinted)


def _scores(model: keras.Model) -> tuple[Any, Any]:
    """A tensor near the output, and the function from it to the scores before softmax or sigmoid.

    A probability near 1 has no gradient left: the paper's y^c is the score before.
    """
    output = model.outputs[0]
    last = next(call for call in nodes(model) if any(given is output for given in call.outputs))
    activation = getattr(getattr(last.layer, "activation", None), "__name__", None)
    if isinstance(last.layer, keras.layers.Softmax) or (
        isinstance(last.layer, keras.layers.Activation) and activation in SQUASHED
    ):
        return last.inputs[0], _flat
    if isinstance(last.layer, keras.layers.Dense) and activation in SQUASHED:
        layer = last.layer
        bias = layer.bias if layer.use_bias else 0.0
        return last.inputs[0], lambda x: _flat(keras.ops.matmul(x, layer.kernel) + bias)
    return output, _flat


def _flat(scores: Any) -> Any:
    return tf.reshape(scores, (tf.shape(scores)[0], -1))


def _chosen(
    network: AnyNetwork, scores: NDArray[np.float32], targets: Sequence[str | int | None] | None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(n, 1) signs and (n, 1) units of the scores that the targets ask for."""
    count, units = scores.shape
    if targets is not None and not list_of(targets, (str, Integral, NoneType)):
        raise InputError(
            "targets as a list of class names or indices, one for each picture",
            f"{type(targets).__name__}: {targets!r}"[:200],
            "None explains the predicted classes.",
        )
    wanted = [None] * count if targets is None else list(targets)
    if len(wanted) != count:
        raise InputError(f"one target for each of {count} pictures", f"{len(wanted)}", "Or none: the predicted ones.")
    classes = network.classes if isinstance(network, Network) else ()
    guessed = (scores[:, 0] >= _least_score(network)).astype(np.int64) if units == 1 else scores.argmax(axis=1)
    indices = [
        int(guess) if target is None else _class_index(target, classes, max(units, 2))
        for target, guess in zip(wanted, guessed, strict=True)
    ]
    chosen = np.array(indices, np.int64)[:, None]
    if units == 1:
        return np.where(chosen == 1, 1, -1).astype(np.float32), np.zeros_like(chosen)
    return np.ones((count, 1), np.float32), chosen


def _least_score(network: AnyNetwork) -> float:
    """The logit from which on the second of two classes is predicted: 0, or that of the head's threshold."""
    threshold = getattr(network.head, "threshold", 0.5) if isinstance(network, Network) else 0.5
    return float(np.log(threshold) - np.log1p(-threshold))


def _class_index(target: str | int, classes: Sequence[str], count: int) -> int:
    if isinstance(target, str):
        if target not in classes:
            raise unknown_name("a class", target, classes, "net.classes" if classes else "use its index")
        return list(classes).index(target)
    if not whole(target, 0) or target >= count:
        named = " or a class name" if classes else ""
        raise InputError(f"a class index from 0 to {count - 1}{named}", repr(target)[:200], "Count from 0.")
    return int(target)
