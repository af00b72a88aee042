"""A classifier that slides: its dense layers as convolutions, so that larger pictures give a map of classes.

Long, Shelhamer and Darrell, "Fully Convolutional Networks", CVPR 2015 (arXiv:1411.4038), section 3.1 and figure 2;
Sermanet et al., "OverFeat" (arXiv:1312.6229), section 3.5.
"""

from __future__ import annotations

from typing import Any

import keras

from cnnkit.backbones.graph import Node, cut_nodes, functional, nodes
from cnnkit.backbones.rebuilding import Copies, Tensors, rebuilt
from cnnkit.errors import InputError

AVERAGES = (keras.layers.GlobalAveragePooling2D,)
MAXIMA = (keras.layers.GlobalMaxPooling2D,)
VECTORS = (*AVERAGES, *MAXIMA, keras.layers.Flatten)
# What works on each place of a map as on a vector: channels are the last axis of both.
PLACE_BY_PLACE = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.Softmax,
    keras.layers.Dropout,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.Conv2D,
    keras.layers.Identity,
)


def convolutionize(model: keras.Model) -> keras.Model:
    """The same classifier for pictures of any size, as a map: dense layers become convolutions with their weights.

        slides = ck.convolutionize(ck.backbone("vgg16", top=True).model)
        slides(street).shape                                       # (1, 6, 10, 1000) of a picture of 384 × 512

    The first dense layer behind `Flatten` becomes a convolution that sees the whole map of the training size, h × w,
    later ones become 1×1, and global pooling becomes pooling of h × w with steps of one.

    At the training size the result is the classifier's, as a map of 1×1. On a larger picture each place is what the
    classifier says of the h × w window of the *last map* there. That is what it says of the picture's crop where no
    layer pads; behind padding (VGG, ResNet, MobileNet) the map of the large picture has seen the neighbours, where the
    crop alone has zeros around it. Layers that see the whole picture inside the network (squeeze and excitation) see
    the whole large one.

    Args:
        model: Functional or Sequential: maps, then `Flatten` or a global pooling, then layers on vectors.

    Returns:
        A model of the same layer names and weights, copied, from (n, h, w, 3) of any size to (n, h', w', classes).

    Raises:
        InputError: It has no such classifier, or a layer that is bound to one size or has no form on maps.
    """
    return _Convolutions(functional(model)).model()


class _Convolutions:
    """One walk through a classifier."""

    def __init__(self, model: keras.Model) -> None:
        self._given = model
        legal = {id(call.layer) for call in cut_nodes(model)}
        calls = nodes(model)
        ends = [
            index for index, call in enumerate(calls) if isinstance(call.layer, VECTORS) and id(call.layer) in legal
        ]
        if not ends:
            raise InputError(
                "a classifier: maps, then Flatten or a global pooling, then dense layers",
                f"{model.name!r} without",
                "ck.backbone(name, top=True).model is one; one without needs nothing, it is convolutional already.",
            )
        self._end = ends[0]
        self._window: tuple[int, int] = calls[self._end].inputs[0].shape[1:3]
        self._open = isinstance(calls[self._end].layer, keras.layers.Flatten)  # the next dense layer sees the window
        self._copies = Copies()

    def model(self) -> keras.Model:
        """The convolutional network."""
        entry = self._given.inputs[0]
        if None in self._window:
            raise InputError("a model of a fixed input size", str(entry.shape), "Build it with the training size.")
        image = keras.Input((None, None, entry.shape[-1]), name=entry.name, dtype=entry.dtype)
        return rebuilt(self._given, image, self._called)

    def _called(self, index: int, node: Node, tensors: Tensors) -> Any:
        layer, x = node.layer, tensors[id(node.inputs[0])]
        if index < self._end:
            if isinstance(layer, keras.layers.Reshape) and not _one_place(node.inputs[0]):
                raise self._refused(node)
            try:
                return self._copies.called(node, tensors)
            except (TypeError, ValueError) as error:
                raise self._refused(node) from error
        if index == self._end:
            return self._pooled(layer, x)
        reshapes = isinstance(layer, keras.layers.Reshape | keras.layers.Flatten) and _one_place(node.outputs[0])
        if reshapes and not self._open:
            return keras.layers.Identity(name=layer.name)(x)  # 1×1×channels and channels are the same on a map
        if isinstance(layer, keras.layers.Dense):
            return self._convolved(layer, x)
        if not isinstance(layer, PLACE_BY_PLACE) or (self._open and layer.weights):
            raise self._refused(node)
        normal = isinstance(layer, keras.layers.BatchNormalization | keras.layers.LayerNormalization)
        return self._copies.called(node, tensors, **({"axis": -1} if normal else {}))

    def _pooled(self, layer: Any, x: Any) -> Any:
        """The step from maps to vectors, of each window."""
        if self._open:
            return keras.layers.Identity(name=layer.name)(x)
        pooling = keras.layers.AveragePooling2D if isinstance(layer, AVERAGES) else keras.layers.MaxPooling2D
        return pooling(self._window, 1, name=layer.name)(x)

    def _convolved(self, layer: Any, x: Any) -> Any:
        """A dense layer as a convolution; units of `Flatten` are ordered by row, column and channel, as a kernel is."""
        window = self._window if self._open else (1, 1)
        self._open = False
        convolution = keras.layers.Conv2D(
            layer.units,
            window,
            activation=layer.activation,
            use_bias=layer.use_bias,
            name=layer.name,
            dtype=layer.dtype_policy,
        )
        output = convolution(x)
        kernel, *bias = layer.get_weights()
        convolution.set_weights([kernel.reshape(*window, x.shape[-1], layer.units), *bias])
        return output

    def _refused(self, node: Node) -> InputError:
        return InputError(
            "a classifier of layers that work on pictures of any size",
            f"{self._given.name!r} with the {type(node.layer).__name__} {node.name!r}",
            "It is bound to one size. VGG, ResNet, MobileNet, DenseNet and EfficientNet slide.",
        )


def _one_place(tensor: Any) -> bool:
    """Whether a tensor is a vector for each picture, or a map of 1×1."""
    return len(tensor.shape) == 2 or tuple(tensor.shape[1:3]) == (1, 1)
