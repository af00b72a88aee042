"""`backbone`: a pre-trained extractor with raw RGB 0…255 in, cut where you say."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from html import escape
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import keras

from cnnkit.arguments import Argument, check_arguments, whole
from cnnkit.backbones import weights as files
from cnnkit.backbones.cuts import cut_table, resolve_cut, stages
from cnnkit.backbones.dilation import dilated
from cnnkit.backbones.families import FAMILIES
from cnnkit.backbones.flattening import end_of
from cnnkit.backbones.given_models import check_data_format, given_model
from cnnkit.backbones.initial_weights import seeded
from cnnkit.backbones.loading import fit_build
from cnnkit.backbones.naming import canonical
from cnnkit.backbones.preprocessing import Given, fold, image_input, preprocess
from cnnkit.backbones.pyramid import pyramid_layers
from cnnkit.backbones.table import ROWS, Row, check_alpha, find_row
from cnnkit.backbones.truncation import check_cut, cut_node
from cnnkit.errors import InputError, WeightsError
from cnnkit.layers.input_shape import check_input_shape

if TYPE_CHECKING:
    import pandas as pd

Shape = tuple[int, int, int]

ARGUMENTS = (
    Argument(
        "weights",
        lambda value: value is None or isinstance(value, str | Path),
        '"imagenet", None or the path of a weights file',
        "None makes random weights.",
    ),
    Argument(
        "alpha",
        lambda value: value is None or (isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)),
        "a width alpha as a number, or None",
        "0.5 is half the channels; cnnkit backbones lists the published widths.",
    ),
    Argument(
        "dilate", lambda value: value is None or value in (8, 16), "dilate as 8, 16 or None", "None keeps all strides."
    ),
    Argument(
        "top", lambda value: isinstance(value, bool), "top as True or False", "True keeps the ImageNet classifier."
    ),
    Argument(
        "seed", lambda value: whole(value, 0), "a seed: a whole number from 0 on", "Each gives its own random weights."
    ),
)


@dataclass(frozen=True)
class BackboneSettings:
    """What a backbone was built from; JSON-able.

    Attributes:
        name: Row of the table, or the model's own name.
        alpha: Width, where the network has one.
        weights: "imagenet", "cnnkit" (shipped), None (random), "file" (a path was given) or "model" (a model was).
        input_shape: (height, width, 3).
        top: It was built with its ImageNet classifier.
        weights_file: Name of the file that was loaded.
        preprocessing: What the network itself takes, "tf" for example; its model takes 0…255 whatever that is.
        family: The applications of Keras that a given model begins as.
        dilate: The stride that its last maps keep, where strides were replaced by dilation.
    """

    name: str
    alpha: float | None
    weights: str | None
    input_shape: tuple[int, int, int]
    top: bool
    weights_file: str | None = None
    preprocessing: str | None = None
    family: str | None = None
    dilate: int | None = None

    @property
    def row(self) -> Row | None:
        """The row of the table that says how its pictures were framed; None for a model that no row describes."""
        if self.weights == "model":
            return FAMILIES[self.family].row if self.family in FAMILIES else None
        return ROWS.get(self.name)


@dataclass(frozen=True, eq=False)
class Backbone:
    """A pre-trained extractor.

    Attributes:
        name: Row of the table, or the model's own name.
        model: A flat functional model: `image`, raw RGB 0…255 of shape (n, h, w, 3), to the cut's tensor.
        cut: The layer where it ends.
        settings: What it was built from.
        ends: Of a dilated one the last layers of the stages that it had, which no stride tells apart any more.
    """

    name: str
    model: keras.Model
    cut: str
    settings: BackboneSettings
    ends: tuple[str, ...] = ()

    def cuts(self) -> pd.DataFrame:
        """All legal cuts up to this one: name, shape, stride, receptive_field, parameters, multiply_adds.

        See `backbones.cuts.cut_table` for what each column counts.
        """
        return cut_table(self.model)

    def stages(self) -> tuple[str, ...]:
        """The last legal cut of each stride, shallow to deep: what `"stage1"`, `"stage2"`, … stand for.

        Dilation moves none of them: a layer trains at the rate of the same stage with `dilate=8` and without.
        """
        return self.ends or stages(self.cuts())

    def pyramid(self) -> dict[str, keras.KerasTensor]:
        """The feature maps by scale, shallow to deep: `"P3"` is 2³ = 8 times smaller than the input.

        Of a backbone with `dilate=16` the last is `"P4"`, the end of its last stage; with `dilate=8` it is `"P3"`.
        """
        return {level: self.model.get_layer(name).output for level, name in pyramid_layers(self.model).items()}

    def __repr__(self) -> str:
        """One line: name, cut, shapes, where the weights are from, and of a given model what was taken it for."""
        height, width, channels = self.settings.input_shape
        features = "×".join(str(side) for side in self.model.output_shape[1:])
        given = f", preprocessing={self.settings.preprocessing!r}" if self.settings.weights == "model" else ""
        family = f" of {self.settings.family}" if self.settings.family else ""
        dilated = f", dilate={self.settings.dilate}" if self.settings.dilate else ""
        return (
            f"Backbone({self.name!r}, {height}×{width}×{channels} → {features} at {self.cut!r}, "
            f"weights={self.settings.weights!r}{given}{family}{dilated}, {self.model.count_params():,} parameters)"
        )

    def _repr_html_(self) -> str:
        """The same in a notebook."""
        return f"<code>{escape(repr(self))}</code>"


def backbone(
    name_or_model: str | Backbone | keras.Model,
    *,
    cut: str | None = None,
    weights: str | Path | None = "imagenet",
    input_shape: Shape | None = None,
    alpha: float | None = None,
    top: bool = False,
    preprocessing: Given | None = None,
    dilate: Literal[8, 16] | None = None,
    seed: int = 0,
) -> Backbone:
    """A pre-trained extractor, by name or from any functional model.

    A model of yours keeps its layers and their names, and shares them. One that begins as an application of Keras
    does, whatever it is called and wherever it was cut, gets the preprocessing of that architecture in front. One that
    begins with a `Rescaling`, a `Normalization` or such arithmetic has its own. Of any other, `preprocessing` says what
    it takes. Models inside it are opened: their layers stand in one flat graph.

    Args:
        name_or_model: A name of `backbones.names()`; a functional model of yours with one image input; or a backbone,
            to cut it further.
        cut: The layer where it ends: a legal cut (`.cuts()` lists them) or a stage alias, `"stage1"`
            (shallow) to `"stage5"`. None keeps all.
        weights: `"imagenet"`, the published ones (for `"nano"` those that ship with cnnkit); None, random ones;
            or the path of a weights file: of `keras.applications`, with or without the classifier, or of `ck.zoo`.
        input_shape: (height, width, 3); the network's native one by default. A model of yours takes one where it was
            built for any size.
        alpha: Width of the MobileNets.
        top: Keep the ImageNet classifier: the output is 1,000 probabilities.
        preprocessing: Of a model of yours, what its first layer takes: `"inside"` RGB 0…255 as it is, `"tf"` [-1, 1],
            `"caffe"` BGR minus the mean of ImageNet, `"torch"` mean and deviation of ImageNet, or (scale, offset), a
            number each or three, for pictures · scale + offset: (1 / 255, 0) is [0, 1].
        dilate: The stride, 8 or 16, beyond which maps get no smaller: strides behind it are replaced by dilation (Chen
            et al. 2016, arXiv:1606.00915), the weights are the same. The strided maps' values are among those of the
            dilated ones, but for layers that see the whole picture (squeeze and excitation) and for pooling at the
            border. Of a backbone or a model of yours the layers become copies.
        seed: Of random weights.

    Returns:
        The backbone; its model takes raw RGB 0…255 whatever the architecture.

    Raises:
        UnknownNameError: The name or the cut does not exist; the nearest are named.
        InputError: The shape is too small, the width does not exist, the cut lies inside a branch; or a model of yours
            takes no RGB pictures, or nobody can know which values it takes; or it has a layer that has no dilated form.
        WeightsError: The file is missing with no network, has the wrong hash or does not fit.
    """
    if cut is not None:
        check_cut(cut)
    check_arguments(ARGUMENTS, {"weights": weights, "alpha": alpha, "top": top, "dilate": dilate, "seed": seed})
    check_data_format()
    if isinstance(name_or_model, Backbone | keras.Model):
        own = isinstance(name_or_model, Backbone)
        if (
            weights not in ("imagenet", None)
            or alpha is not None
            or top
            or (own and (input_shape is not None or preprocessing is not None))
        ):
            raise InputError(
                "only cut= beside a backbone" if own else "only cut=, preprocessing= and input_shape= beside a model",
                f"more than that with a {type(name_or_model).__name__}",
                "Those belong to a backbone's name: a model has its weights and its width already.",
            )
        if isinstance(name_or_model, Backbone):
            return _cut(name_or_model, cut, dilate)
        return _from_model(name_or_model, cut, preprocessing, input_shape, dilate)
    if preprocessing is not None:
        raise InputError(
            "preprocessing= beside a model of your own only",
            f"preprocessing={preprocessing!r} for {name_or_model!r}",
            "A backbone by name has its own inside: leave it out.",
        )
    if not isinstance(name_or_model, str):
        raise InputError(
            "the name of a backbone, a functional model or a backbone",
            f"{type(name_or_model).__name__}: {name_or_model!r}"[:200],
            "ck.backbones.names() lists the names; keras.models.load_model(path) reads a model from a file.",
        )
    row = find_row(name_or_model)
    shape = _input_shape(row, input_shape, top=top, pretrained=weights is not None)
    width = check_alpha(row, alpha, pretrained=weights in ("imagenet", "cnnkit"))
    with seeded(int(seed)):
        model, source, file = _load(row, shape, width, weights, top=top)
    settings = BackboneSettings(row.name, width, source, shape, top, file, row.preprocessing)
    return _cut(Backbone(row.name, model, end_of(model).name, settings), cut, dilate)


def build(row: Row, input_shape: Shape, alpha: float | None, *, top: bool, classes: int = 1000) -> keras.Model:
    """A row's network with random weights: raw RGB in, canonical names; nothing folded, nothing loaded."""
    image = image_input(input_shape)
    builder = getattr(keras.applications, row.builder)
    # No name= here: EfficientNetV2 chooses its preprocessing by the model's name, ConvNeXt names its layers by it.
    width = {} if alpha is None else {"alpha": alpha}
    model = builder(
        include_top=top,
        weights=None,
        input_tensor=preprocess(image, row.preprocessing),
        input_shape=input_shape,
        classes=classes,
        **width,
    )
    return canonical(model)


def _load(
    row: Row, shape: Shape, alpha: float | None, weights: str | Path | None, *, top: bool
) -> tuple[keras.Model, str | None, str | None]:
    """The full network with its weights, where they are from, and the file's name."""
    if ":" in row.builder:
        return _load_own(row, shape, weights, top=top)
    if weights is None:
        return build(row, shape, alpha, top=top), None, None
    if weights == "imagenet":
        what = row.name + (f" (alpha={alpha})" if alpha else "")
        path, _ = files.locate(row.files(alpha=alpha, side=_square_side(row, shape), top=top), what)
        published = True
    else:
        path = Path(weights).expanduser()
        if not path.is_file():
            raise WeightsError('"imagenet", None or the path of a weights file', repr(str(weights)), "Check the path.")
        known = row.files(alpha=alpha, side=row.side, top=False)
        published = any(file.digest and files.digest(path, like=file.digest) == file.digest for file in known)
    model = fit_build(path, lambda with_top, classes: build(row, shape, alpha, top=with_top, classes=classes), top=top)
    fold(model, row, published=published)
    return model, "imagenet" if weights == "imagenet" else "file", path.name


def _load_own(
    row: Row, shape: Shape, weights: str | Path | None, *, top: bool
) -> tuple[keras.Model, str | None, str | None]:
    """One of cnnkit's own networks, imported when it is asked for."""
    if top:
        instead = "" if row.shipped else f" ck.zoo.{row.name}(classes=1000) has a classifier."
        raise InputError("top=False", f"top=True for {row.name!r}", f"{row.name!r} is an extractor only.{instead}")
    module, _, function = row.builder.partition(":")
    builder = getattr(importlib.import_module(module), function)
    file = _own_file(row) if weights == "imagenet" else weights
    features = {} if row.shipped else {"classes": None}  # nano has no classifier to leave out
    model = canonical(builder(input_shape=shape, weights=file, **features))
    if file is None or file == "cnnkit":
        return model, None if file is None else "cnnkit", None
    return model, "imagenet" if weights == "imagenet" else "file", Path(file).name


def _own_file(row: Row) -> str | Path:
    """What one of cnnkit's own networks calls its trained weights: those that ship, or a published file.

    Raises:
        WeightsError: There are none, or they are not here and there is no network.
    """
    if row.shipped:
        return "cnnkit"
    if row.published is None:
        raise WeightsError(
            f"weights=None or a file of your own for {row.name!r}",
            'weights="imagenet"',
            "Nobody publishes ImageNet weights of it for Keras. cnnkit backbones shows which networks have some.",
        )
    return files.locate([row.published.file(alpha=None, side=row.side, top=False)], row.name)[0]


def _from_model(
    model: keras.Model,
    cut: str | None,
    preprocessing: Given | None,
    input_shape: Shape | None,
    dilate: int | None,
) -> Backbone:
    """A backbone of any functional model; its layers keep their names and are shared with it."""
    given = given_model(model, preprocessing, input_shape)
    height, width, channels = given.model.inputs[0].shape[1:]
    settings = BackboneSettings(
        model.name,
        None,
        "model",
        (height, width, channels),
        top=False,
        preprocessing=given.preprocessing,
        family=given.family.name if given.family else None,
    )
    whole = Backbone(model.name, given.model, end_of(given.model).name, settings)
    return _cut(whole, given.ends.get(cut, cut) if cut else None, dilate)


def _cut(body: Backbone, cut: str | None, dilate: int | None) -> Backbone:
    """The backbone that ends at `cut`, with strides replaced by dilation on request."""
    model, name = body.model, body.name
    if cut is None:
        model, last = keras.Model(model.inputs[0], model.outputs[0], name=name), body.cut
    else:
        last = resolve_cut(model, cut, body.ends)
        model = keras.Model(model.inputs[0], cut_node(model, last).outputs[0], name=name)
    left = {layer.name for layer in model.layers}
    found = replace(body, model=model, cut=last, ends=tuple(end for end in body.ends if end in left))
    if dilate is None:
        return found
    settings = replace(body.settings, dilate=dilate)
    return replace(found, model=dilated(model, dilate), settings=settings, ends=found.stages())


def _input_shape(row: Row, shape: Shape | None, *, top: bool, pretrained: bool) -> Shape:
    """The checked input shape."""
    native = (row.side, row.side, 3)
    if shape is None:
        return native
    remedy = f"The native one of {row.name} is {native}; grey pictures are repeated in three channels."
    height, width, _ = check_input_shape(shape, least=row.minimum, network=row.name, remedy=remedy)
    if top and pretrained and row.builder.startswith("VGG") and (height, width) != (row.side, row.side):
        raise InputError(
            f"input_shape={native}: the dense classifier of {row.name} is bound to it",
            f"{shape!r}",
            "Use top=False for other sizes.",
        )
    return height, width, 3


def _square_side(row: Row, shape: Shape) -> int:
    """The side by which published files are chosen; pictures that are not square take the native one, as in Keras."""
    return shape[0] if shape[0] == shape[1] else row.side
