"""A network: a backbone and a head as one flat Keras model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from cnnkit.backbones.extractor import Backbone, backbone
from cnnkit.backbones.graph import ancestors, nodes
from cnnkit.backbones.pyramid import pyramid_layers
from cnnkit.data.dataset import Dataset
from cnnkit.data.targets.column import COLUMN_KINDS, refuse_column_names
from cnnkit.data.views.framing import Framing
from cnnkit.engines.forward_cache import ForwardCache
from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.head import Head, OpenSetHead, truth_kind
from cnnkit.heads.staged import StagedHead
from cnnkit.transfer.run import Run
from cnnkit.transfer.stages import StagedForwards

NUMBERS = ("layers", "parameters", "trained")
"""Columns of `Network.summary` that are written with thousands separated."""
MOST_NAMES = 20
"""Classes whose names a network prints."""
OTHER_KINDS = {
    ("labels", "tags"): "Use multi_label=True for several labels per picture.",
    ("tags", "labels"): "Give a 0/1 column for each class, or leave multi_label out.",
}
"""(kind expected, kind received) → what to do."""


@dataclass(frozen=True, eq=False)
class Network:
    """A backbone with a head; made by `attach`.

    Attributes:
        model: The flat functional model: raw RGB 0…255, (batch, h, w, 3) → the head's output.
        backbone: Where the features come from; its layers are those of `model`.
        head: What was put on them.
        framing: How a picture of any size meets the input; the same in training, prediction and serving.
        run: What happened to it: every `fit`, those before it was loaded among them; None where nothing did.
    """

    model: keras.Model
    backbone: Backbone
    head: Head
    framing: Framing = field(default_factory=Framing)
    run: Run | None = None

    @property
    def cut(self) -> str:
        """The layer where the backbone ends."""
        return self.backbone.cut

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the head's classes (or points), in the order of its truth."""
        return tuple(self.head.names)  # a head of the user's own may hold a list

    @property
    def taps(self) -> dict[str, str]:
        """Level of the backbone's pyramid → layer, where the head takes features of several scales."""
        return _tapped(self.backbone, tuple(self.head.taps)) if self.head.taps else {}

    @property
    def outputs(self) -> dict[str, keras.KerasTensor]:
        """The outputs of the model by name; one alone has the name ""."""
        output = self.model.output
        return dict(output) if isinstance(output, Mapping) else {"": output}

    def no_outputs(self) -> Any:
        """What the model gives for no pictures, as arrays."""
        arrays = {
            name: np.zeros((0, *(side or 1 for side in tensor.shape[1:])), np.float32)
            for name, tensor in self.outputs.items()
        }
        return arrays if isinstance(self.model.output, Mapping) else arrays[""]

    @property
    def seed(self) -> int:
        """Of the training, and so of the split of its data; 0 where nothing is known of it."""
        return 0 if self.run is None else self.run.seed

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the input in pixels."""
        height, width = self.model.inputs[0].shape[1:3]
        return height, width

    @cached_property
    def forward_cache(self) -> ForwardCache | StagedForwards:
        """What runs the network in prediction, made when it is first needed."""
        if isinstance(self.head, StagedHead):
            return StagedForwards(self.model, self.head, self.size)
        return ForwardCache(self.model)

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Layer names by group, from the input on: `stage1`, `stage2`, …, `head`.

        A stage holds the layers that its end depends on and that no shallower stage holds. What the backbone does after
        its last maps, dense layers or a transformer, is one more stage if it has weights: the head is only what was
        put on.
        """
        found: dict[str, tuple[str, ...]] = {}
        known: set[str] = set()
        names = [layer.name for layer in self.model.layers]
        # A head on taps needs nothing of the backbone behind the deepest of them.
        ends = [end for end in self.backbone.stages() if end in names]
        for number, end in enumerate(ends, start=1):
            members = set(ancestors(self.model, end)) - known
            found[f"stage{number}"] = tuple(name for name in names if name in members)
            known |= members
        inside = {layer.name for layer in self.backbone.model.layers} - known
        behind = tuple(name for name in names if name in inside)
        if any(self.model.get_layer(name).weights for name in behind) or not found:
            found[f"stage{len(found) + 1}"] = behind
        elif behind:
            found[f"stage{len(found)}"] += behind
        found["head"] = tuple(name for name in names if name not in known | set(behind))
        return found

    @cached_property
    def branches(self) -> dict[str, tuple[str, ...]]:
        """Of a head with several outputs, by their names: the layers of the head that only one of them needs."""
        maker = {id(tensor): call.name for call in nodes(self.model) for tensor in call.outputs}
        needs = {name: set(ancestors(self.model, maker[id(tensor)])) for name, tensor in self.outputs.items()}
        if len(needs) < 2:
            return {}
        others = {name: set().union(*(needs[other] for other in needs if other != name)) for name in needs}
        return {
            name: tuple(layer for layer in self.groups["head"] if layer in needs[name] - others[name]) for name in needs
        }

    def record(self, run: Run) -> None:
        """Sets `run`, which changes in place as the weights of `model` do."""
        object.__setattr__(self, "run", run)

    def summary(self) -> pd.DataFrame:
        """One row a group: layers, output shape, parameters, how many of them train as the flags stand."""
        rows = []
        # A layer that is shared has its own `output` where it was called first, perhaps at another size.
        shapes = {call.name: call.outputs[0].shape[1:] for call in nodes(self.model)}
        for group, names in self.groups.items():
            layers = [self.model.get_layer(name) for name in names]
            trained = sum(_size(layer.trainable_weights) for layer in layers)
            total = sum(_size(layer.weights) for layer in layers)
            rows.append(
                {
                    "group": group,
                    "layers": len(layers),
                    "ends with": names[-1],
                    "output": " × ".join(str(side) for side in shapes[names[-1]]),
                    "parameters": total,
                    "trained": trained,
                    "state": "trains" if trained else ("frozen" if total else "no weights"),
                }
            )
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        table = self.summary()
        text = table.to_string(index=False, formatters=dict.fromkeys(NUMBERS, "{:,}".format))
        return f"{self._title()}\n{text}\n{_totals(table)}"

    def _repr_html_(self) -> str:
        """The same as a table of a notebook."""
        table = self.summary()
        shown = table.to_html(index=False, border=0, escape=True, formatters=dict.fromkeys(NUMBERS, "{:,}".format))
        return f"<p>{escape(self._title())}</p>{shown}<p>{_totals(table)}</p>"

    def _title(self) -> str:
        height, width = self.size
        framed = f"{self.framing.resize}, {self.framing.interpolation}"
        names = self.classes if len(self.classes) <= MOST_NAMES else (*self.classes[:MOST_NAMES], "…")
        source = f"{self.backbone.name} cut at {self.cut}"
        return f"Network {source}: {height}×{width} RGB 0…255 ({framed}) → {', '.join(names) or self.head.target.kind}"


def _totals(table: pd.DataFrame) -> str:
    return f"{table['parameters'].sum():,} parameters, {table['trained'].sum():,} of them train"


def attach(body: Backbone | keras.Model, head: Head, *, framing: Framing | None = None) -> Network:
    """Puts a head on a backbone: one flat model, so that every layer can be tapped, frozen and saved by its name.

    The network shares the backbone's layers: training it trains `body` too. It is no more than::

        output = head.build(body.model.output)
        model = keras.Model(body.model.input, output)

    Args:
        body: From `ck.backbone`, or a functional model of yours that `ck.backbone` takes without more to say.
        head: From `ck.heads`.
        framing: How a picture meets the input size; by default as the backbone's published accuracy was measured, a
            centre crop of 0.875 of the short side for most, and of all of it for a model of your own.

    Raises:
        InputError: A layer of the head has the name of one in the backbone, its output is no tensor, a class of labels
            is called "id" or "label", `ck.backbone` refuses the model, or one of both is something else.
    """
    if not isinstance(head, Head):
        received = f"{type(head).__name__}: {head!r}"[:200]
        raise InputError("a head", received, 'ck.heads.classifier(["no_person", "person"]) makes one.')
    names = class_names(head.names)
    if head.target.kind in COLUMN_KINDS:
        refuse_column_names(names)
    if not isinstance(body, Backbone):
        body = backbone(body)
    if framing is not None and not isinstance(framing, Framing):
        received = f"{type(framing).__name__}: {framing!r}"[:200]
        raise InputError("a framing, or None", received, 'ck.data.Framing("squash") is one.')
    features: Any = body.model.output
    if head.taps:
        layers = _tapped(body, tuple(head.taps))
        features = {tap: body.model.get_layer(layer).output for tap, layer in layers.items()}
        body = _up_to(body, layers)
    regions = {stage: keras.Input((None, 4), name=stage) for stage in _stages(head)}
    output = head.build({**features, **regions} if regions else features)
    tensors = list(output.values()) if isinstance(output, Mapping) else [output]
    if not tensors or not all(isinstance(tensor, keras.KerasTensor) for tensor in tensors):
        raise InputError(
            "a head whose build returns one tensor, or a dictionary of tensors",
            f"{type(output).__name__} from {type(head).__name__}.build",
            "Return the tensor of the probabilities, or several by name.",
        )
    try:
        given = [body.model.input, *regions.values()] if regions else body.model.input
        model = keras.Model(given, output, name=f"{body.name}_{len(names)}_classes")
    except ValueError as error:
        raise InputError(
            "a head whose layer names the backbone does not have",
            str(error),
            "A backbone that already carries a cnnkit head is cut before it: ck.truncate(model, layer).",
        ) from error
    return Network(model=model, backbone=body, head=head, framing=framing or native_framing(body))


def _stages(head: Head) -> tuple[str, ...]:
    """Whose regions the model takes beside the picture."""
    return tuple(head.stages) if isinstance(head, StagedHead) else ()


def _tapped(body: Backbone, taps: tuple[str, ...]) -> dict[str, str]:
    """Level → layer of the backbone, for each tap.

    Raises:
        UnknownNameError: The backbone has no such level.
    """
    levels = pyramid_layers(body.model)
    for tap in taps:
        if tap not in levels:
            raise unknown_name("a level of the pyramid", tap, levels, "net.backbone.pyramid()")
    return {tap: levels[tap] for tap in taps}


def _up_to(body: Backbone, layers: Mapping[str, str]) -> Backbone:
    """The backbone up to its deepest tap: what is behind it the head does not need."""
    names = [layer.name for layer in body.model.layers]
    deepest = max(layers.values(), key=names.index)
    if deepest == body.cut:
        return body
    end = body.model.get_layer(deepest).output
    return replace(body, model=keras.Model(body.model.input, end, name=body.model.name), cut=deepest)


def network_of(value: object) -> Network:
    """Returns `value` if it is a `Network`.

    Raises:
        InputError: Something else; the message says how to come from there to a network.
    """
    if isinstance(value, Network):
        return value
    if isinstance(value, str | Path):
        remedy = f"ck.load({str(value)!r}) reads a saved one."
    elif isinstance(value, keras.Model):
        remedy = "A model becomes one with a head: ck.attach(ck.backbone(model), head)."
    else:
        remedy = "ck.attach(body, head) makes one."
    raise InputError("a network", f"{type(value).__name__}: {value!r}"[:200], remedy)


def check_dataset(network: Network, dataset: Dataset) -> None:
    """Refuses a dataset that the network cannot be trained on.

    Raises:
        DataError: Other classes than the network's, no labelled training pictures, or truth of another kind.
    """
    expected = truth_kind(network.head).kind
    if len(dataset.train) and dataset.train.targets is not None and dataset.kind != expected:
        raise DataError(
            f"{expected} as truth, which the head learns from",
            dataset.kind,
            OTHER_KINDS.get((expected, dataset.kind), f"Give the head a dataset of {expected}, or take another head."),
        )
    if dataset.classes != network.classes and not isinstance(network.head, OpenSetHead):
        raise DataError(
            f"the classes of the network, {list(network.classes)}",
            f"{list(dataset.classes)}",
            "Make the head with classes=dataset.classes: their order is that of the labels.",
        )
    if not len(dataset.train) or dataset.train.targets is None:
        raise DataError(
            "labelled training pictures", repr(dataset.train), "Give a folder with one folder a class, or labels."
        )


def native_framing(body: Backbone) -> Framing:
    """How pictures met the input when the backbone's published accuracy was measured."""
    row = body.settings.row
    return Framing() if row is None else Framing("crop", interpolation=row.interpolation, fraction=row.fraction)


def _size(weights: list[keras.Variable]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)
