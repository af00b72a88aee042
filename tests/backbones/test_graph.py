"""Cuts, ancestors and boundaries of networks small enough to see."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.backbones.graph import ancestors, boundary, dominators, functional, nodes
from cnnkit.errors import InputError, UnknownNameError


@pytest.fixture(scope="module")
def residual() -> keras.Model:
    r"""Image → stem → a → b → add → top, with a jump from stem to add."""
    image = keras.Input((8, 8, 3), name="image")
    stem = keras.layers.Conv2D(4, 3, padding="same", name="stem")(image)
    a = keras.layers.Conv2D(4, 3, padding="same", name="a")(stem)
    b = keras.layers.Conv2D(4, 3, padding="same", name="b")(a)
    added = keras.layers.Add(name="add")([stem, b])
    return keras.Model(image, keras.layers.Conv2D(2, 1, name="top")(added), name="residual")


def test_dominators_are_what_every_path_passes(residual: keras.Model) -> None:
    assert dominators(residual) == ["image", "stem", "add", "top"]


def test_dominators_against_removing_each_layer() -> None:
    """The slow definition on random graphs: without a dominator no path from input to output is left."""
    generator = np.random.default_rng(5)
    for _ in range(10):
        tensors = [keras.Input((2,), name="image")]
        for index in range(9):
            parents = sorted({int(generator.integers(0, len(tensors))) for _ in range(generator.integers(1, 3))})
            merged = [tensors[parent] for parent in parents]
            layer = keras.layers.Add if len(merged) > 1 else keras.layers.Activation
            tensors.append(
                layer(name=f"n{index}")(merged)
                if len(merged) > 1
                else keras.layers.Activation("relu", name=f"n{index}")(merged[0])
            )
        model = keras.Model(tensors[0], tensors[-1])
        calls = nodes(model)
        expected = []
        for removed, call in enumerate(calls):
            reached = {0} - {removed}
            for index, other in enumerate(calls):
                if index != removed and reached & set(other.parents):
                    reached.add(index)
            if len(calls) - 1 not in reached:
                expected.append(call.name)
        assert dominators(model) == expected


def test_nodes_agree_with_the_public_configuration(residual: keras.Model) -> None:
    """`nodes` looks behind the public interface: this test shouts when what it sees moves."""
    for model in (residual, keras.applications.MobileNetV2(weights=None, include_top=False, alpha=0.35)):
        config = {layer["name"]: layer for layer in model.get_config()["layers"]}
        calls = nodes(model)
        assert [call.name for call in calls] == list(config) or {c.name for c in calls} == set(config)
        for call in calls:
            histories = [
                history["config"]["keras_history"][0]
                for node in config[call.name]["inbound_nodes"]
                for argument in node["args"]
                for history in (argument if isinstance(argument, list) else [argument])
            ]
            assert [calls[parent].name for parent in call.parents] == histories
            assert all(parent < calls.index(call) for parent in call.parents)


def test_ancestors(residual: keras.Model) -> None:
    assert ancestors(residual, "b") == ["image", "stem", "a", "b"]
    with pytest.raises(UnknownNameError, match="'stem'"):
        ancestors(residual, "stemm")


@pytest.mark.parametrize(
    ("frozen", "expected"),
    [
        ([], ["image"]),
        (["stem"], ["stem"]),
        (["stem", "a"], ["stem", "a"]),  # inside the branch two tensors cross
        (["stem", "a", "b"], ["stem", "b"]),
        (["stem", "a", "b", "add"], ["add"]),
        (["stem", "a", "b", "add", "top"], ["top"]),
        (["stem", "b", "add"], ["stem"]),  # `a` trains, so what follows changes although it is frozen
    ],
)
def test_boundary(residual: keras.Model, frozen: list[str], expected: list[str]) -> None:
    tensors = boundary(residual, frozen)
    giver = {id(tensor): call.name for call in nodes(residual) for tensor in call.outputs}
    assert [giver[id(tensor)] for tensor in tensors] == expected
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    if tensors[0] is residual.outputs[0]:
        return
    ends = tensors if len(tensors) > 1 else tensors[0]
    cached = keras.Model(residual.inputs[0], ends)(images)
    rest = keras.Model(ends, residual.outputs[0])
    np.testing.assert_array_equal(rest(cached).numpy(), residual(images).numpy())


def test_boundary_refuses_an_unknown_layer(residual: keras.Model) -> None:
    with pytest.raises(UnknownNameError, match="'top'"):
        boundary(residual, ["topp"])


def test_several_inputs_meet_before_the_first_cut() -> None:
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    a = keras.layers.Dense(3, name="a")(left)
    both = keras.layers.Concatenate(name="both")([a, right])
    model = keras.Model([left, right], keras.layers.Dense(1, name="top")(both))
    assert dominators(model) == ["both", "top"]


def test_a_layer_called_twice_is_no_cut() -> None:
    image = keras.Input((4,), name="image")
    twice = keras.layers.Dense(4, name="twice")
    model = keras.Model(image, keras.layers.Dense(1, name="top")(twice(twice(image))))
    assert dominators(model) == ["image", "top"]


def test_a_sequential_model_is_functional_once_built() -> None:
    model = keras.Sequential([keras.Input((4,), name="image"), keras.layers.Dense(2, name="a")])
    assert dominators(model) == ["image", "a"]
    with pytest.raises(InputError, match="call model"):
        functional(keras.Sequential([keras.layers.Dense(2)]))


def test_a_subclassed_model_has_no_graph() -> None:
    class Own(keras.Model):  # type: ignore[misc]
        pass

    with pytest.raises(InputError, match="subclassed Own"):
        functional(Own())


def test_what_is_no_model_is_told_where_its_model_is(residual: keras.Model) -> None:
    with pytest.raises(InputError, match=r"Received: str\. ck\.backbone\('vgg16'\)\.model.*weights=None"):
        functional("vgg16")
    with pytest.raises(InputError, match=r"Received: Backbone\. Pass its \.model"):
        functional(backbone(residual, preprocessing="inside"))
    with pytest.raises(InputError, match=r"Received: int\. Pass a functional model"):
        functional(5)
