"""`backbone`: a pre-trained extractor with raw RGB 0…255 in, cut where you say."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from cnnkit.backbones import weights as files
from cnnkit.backbones.cuts import check_cut, cut_table, resolve_cut, stages
from cnnkit.backbones.graph import functional, nodes
from cnnkit.backbones.initial_weights import seeded
from cnnkit.backbones.loading import fit_build
from cnnkit.backbones.naming import canonical
from cnnkit.backbones.preprocessing import fold, image_input, preprocess
from cnnkit.backbones.table import Row, check_alpha, check_side, find_row
from cnnkit.backbones.truncation import cut_node
from cnnkit.errors import InputError, WeightsError

if TYPE_CHECKING:
    import pandas as pd

Shape = tuple[int, int, int]


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
    """

    name: str
    alpha: float | None
    weights: str | None
    input_shape: tuple[int, int, int]
    top: bool
    weights_file: str | None = None


@dataclass(frozen=True, eq=False)
class Backbone:
    """A pre-trained extractor.

    Attributes:
        name: Row of the table, or the model's own name.
        model: A flat functional model: `image`, raw RGB 0…255 of shape (n, h, w, 3), to the cut's tensor.
        cut: The layer where it ends.
        settings: What it was built from.
    """

    name: str
    model: keras.Model
    cut: str
    settings: BackboneSettings

    def cuts(self) -> pd.DataFrame:
        """All legal cuts up to this one: name, shape, stride, receptive_field, parameters, multiply_adds.

        See `backbones.cuts.cut_table` for what each column counts.
        """
        return cut_table(self.model)

    def stages(self) -> tuple[str, ...]:
        """The last legal cut of each stride, shallow to deep: what `"stage1"`, `"stage2"`, … stand for."""
        return stages(self.cuts())

    def __repr__(self) -> str:
        """One line: name, cut, shapes, where the weights are from."""
        height, width, channels = self.settings.input_shape
        features = "×".join(str(side) for side in self.model.output_shape[1:])
        return (
            f"Backbone({self.name!r}, {height}×{width}×{channels} → {features} at {self.cut!r}, "
            f"weights={self.settings.weights!r}, {self.model.count_params():,} parameters)"
        )


def backbone(
    name_or_model: str | Backbone | keras.Model,
    *,
    cut: str | None = None,
    weights: str | Path | None = "imagenet",
    input_shape: Shape | None = None,
    alpha: float | None = None,
    top: bool = False,
    seed: int = 0,
) -> Backbone:
    """A pre-trained extractor, by name or from any functional model.

    Args:
        name_or_model: A name of `backbones.names()`; a functional model of yours with one image input; or a backbone,
            to cut it further.
        cut: The layer where it ends: a legal cut (`.cuts()` lists them) or a stage alias, `"stage1"`
            (shallow) to `"stage5"`. None keeps all.
        weights: `"imagenet"`, the published ones (for `"nano"` those that ship with cnnkit); None, random ones;
            or the path of a weights file: of `keras.applications`, with or without the classifier, or of `ck.zoo`.
        input_shape: (height, width, 3); the network's native one by default.
        alpha: Width of the MobileNets.
        top: Keep the ImageNet classifier: the output is 1,000 probabilities.
        seed: Of random weights.

    Returns:
        The backbone; its model takes raw RGB 0…255 whatever the architecture.

    Raises:
        UnknownNameError: The name or the cut does not exist; the nearest are named.
        InputError: The shape is too small, the width does not exist, the cut lies inside a branch.
        WeightsError: The file is missing with no network, has the wrong hash or does not fit.
    """
    if cut is not None:
        check_cut(cut)
    if isinstance(name_or_model, Backbone | keras.Model):
        if weights not in ("imagenet", None) or input_shape is not None or alpha is not None or top:
            raise InputError(
                "only cut= beside a model or backbone of your own",
                f"weights, input_shape, alpha or top with a {type(name_or_model).__name__}",
                "Those belong to a backbone's name: a model has its weights and its input already.",
            )
        if isinstance(name_or_model, Backbone):
            return _cut(name_or_model.name, name_or_model.model, cut, name_or_model.settings)
        return _from_model(name_or_model, cut)
    row = find_row(name_or_model)
    shape = _input_shape(row, input_shape, top=top, pretrained=weights is not None)
    width = check_alpha(row, alpha, pretrained=weights in ("imagenet", "cnnkit"))
    with seeded(seed):
        model, source, file = _load(row, shape, width, weights, top=top)
    settings = BackboneSettings(row.name, width, source, shape, top, file)
    return _cut(row.name, model, cut, settings)


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


def _from_model(model: keras.Model, cut: str | None) -> Backbone:
    """A backbone of any functional model; its layers keep their names and are shared with it."""
    model = functional(model)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise InputError(
            "a model with one image input and one output",
            f"{model.name!r} with {len(model.inputs)} inputs and {len(model.outputs)} outputs",
            "Make one: keras.Model(model.inputs[0], tensor).",
        )
    shape = tuple(model.inputs[0].shape[1:])
    if len(shape) != 3:
        raise InputError("an image input (height, width, channels)", f"{shape}", "A backbone takes pictures.")
    return _cut(model.name, model, cut, BackboneSettings(model.name, None, "model", shape, top=False))


def _cut(name: str, model: keras.Model, cut: str | None, settings: BackboneSettings) -> Backbone:
    """The backbone that ends at `cut`."""
    if cut is None:
        tensor = model.outputs[0]
        ends = next(call.name for call in nodes(model) if any(given is tensor for given in call.outputs))
        return Backbone(name, keras.Model(model.inputs[0], tensor, name=name), ends, settings)
    ends = resolve_cut(model, cut)
    return Backbone(name, keras.Model(model.inputs[0], cut_node(model, ends).outputs[0], name=name), ends, settings)


def _input_shape(row: Row, shape: Shape | None, *, top: bool, pretrained: bool) -> Shape:
    """The checked input shape."""
    native = (row.side, row.side, 3)
    if shape is None:
        return native
    sides = tuple(shape) if isinstance(shape, Iterable) else (shape,)
    whole = len(sides) == 3 and all(isinstance(side, int) for side in sides)
    if not whole or sides[2] != 3:
        raise InputError(
            "input_shape=(height, width, 3): pictures are RGB",
            f"{shape!r}",
            f"The native one of {row.name} is {native}; grey pictures are repeated in three channels.",
        )
    height, width, _ = (int(side) for side in sides)
    check_side(row, height, width)
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
