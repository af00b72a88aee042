"""Every row on live layers: settings from attributes and from the configuration, shapes and weights as Keras has them.

From JSON they are tested with the gate, in `tests/course/submissions/test_layer_rules.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import pytest

from cnnkit.backbones.graph import Node, functional, nodes
from cnnkit.backbones.keras_layers import inputs_of, row_of, settings_of
from cnnkit.layers.cost import MisfitError
from cnnkit.layers.row import Row
from cnnkit.layers.table import LAYERS, OPERATIONS, find_row
from tests.layers.cases import CASES, EXPRESSIONS, MAP, SLICES, model_of


def calls(model: keras.Model) -> Iterator[tuple[Node, Row]]:
    """Each call of a layer or operation, and its row."""
    for node in nodes(functional(model)):
        if node.parents:
            row = row_of(node.layer)
            assert row is not None, type(node.layer)
            yield node, row


def assert_as_in_keras(model: keras.Model) -> None:
    for node, row in calls(model):
        settings = settings_of(node.layer, row)
        assert settings == row.settings(node.layer.get_config())
        cost = row.cost(settings, inputs_of(node, row))
        assert cost.output == tuple(node.outputs[0].shape)
        weights = node.layer.weights if isinstance(node.layer, keras.Layer) else []
        shapes = [(tuple(weight.shape), weight.trainable) for weight in weights]
        assert sorted((weight.shape, weight.trained) for weight in cost.weights) == sorted(shapes)


@pytest.mark.parametrize("name", CASES)
def test_a_live_layer_is_as_in_keras(name: str) -> None:
    for call, shapes in CASES[name]:
        assert_as_in_keras(model_of(call, shapes))


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_live_operation_is_as_in_keras(name: str) -> None:
    assert_as_in_keras(model_of(EXPRESSIONS[name], ((12, 10, 3),)))


@pytest.mark.parametrize("number", range(len(SLICES)))
def test_a_live_slice_is_as_in_keras(number: int) -> None:
    assert_as_in_keras(model_of(SLICES[number], ((12, 10, 3),)))


def test_names_are_found_by_class_and_module() -> None:
    assert find_row("Add", "keras.layers") is find_row("Add", None) is LAYERS["Add"]
    assert find_row("Add", "keras.src.ops.numpy") is OPERATIONS["keras.src.ops.numpy", "Add"]
    for name, module in (("Add", "mine"), (["Add"], None), ("Lambda", "keras.layers"), ("Add", ["keras.layers"])):
        assert find_row(name, module) is None


def test_no_argument_stands_twice() -> None:
    for row in (*LAYERS.values(), *OPERATIONS.values()):
        assert not row.arguments.keys() & row.others.keys()


def test_every_argument_of_keras_is_one_of_the_row() -> None:
    of_every_layer = {"name", "trainable", "dtype"}
    for call, shapes in (case for cases in CASES.values() for case in cases):
        for node, row in calls(model_of(call, shapes)):
            config = node.layer.get_config().keys() - of_every_layer
            assert config <= {*row.arguments, *row.others, "activity_regularizer"}, type(node.layer)


def test_a_missing_argument_has_no_settings() -> None:
    with pytest.raises(ValueError):
        LAYERS["Conv2D"].settings({"filters": 3})


def test_a_misfit_says_what_fits() -> None:
    row = LAYERS["Conv2D"]
    settings = row.settings({"filters": 3, "kernel_size": 13})
    with pytest.raises(MisfitError, match=r"at least as large as the kernel's 13.*side 12"):
        row.cost(settings, [(None, *MAP)])
    with pytest.raises(MisfitError, match="2 sides and channels"):
        row.cost(settings, [(None, 7)])
