from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.errors import InputError
from cnnkit.heads.classification import classifier
from cnnkit.transfer.freeze import set_flags
from cnnkit.transfer.network import attach
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.rates import Rates
from cnnkit.transfer.tail import halve


def test_each_group_toward_the_input_is_slower_by_the_decay(make) -> None:
    network = make()
    phase = Phase("p", train="all", rate=1.0, rate_decay=0.5)
    set_flags(network, phase)
    groups = Rates(network, phase).groups
    assert list(groups) == list(reversed(network.groups))
    assert list(groups.values()) == [0.5**depth for depth in range(len(groups))]


def test_sgd_steps_are_rate_times_gradient_in_every_group(make) -> None:
    """The slow definition: w − rate(group) · gradient, with the gradient that plain SGD at rate 1 takes."""
    phase = Phase("p", train="all", rate=0.1, rate_decay=0.5, optimizer="sgd")
    x = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.float32)
    y = np.array([[0.0], [1], [1], [0]])

    def step(optimizer_of) -> tuple[dict, dict, dict]:
        network = make()
        set_flags(network, phase)
        tail = halve(network.model, network.head).tail
        rates = Rates(network, phase)
        tail.compile(optimizer_of(rates), keras.losses.BinaryCrossentropy(), jit_compile=False)
        before = {weight.path: weight.numpy() for weight in tail.trainable_variables}
        tail.train_on_batch(x, y)
        moved = {weight.path: before[weight.path] - weight.numpy() for weight in tail.trainable_variables}
        layer_group = {name: group for group, names in network.groups.items() for name in names}
        return moved, rates.groups, layer_group

    gradients, _, _ = step(lambda rates: keras.optimizers.SGD(1.0))
    moved, rate_of, layer_group = step(lambda rates: rates.optimizer)
    assert len(set(rate_of.values())) > 1
    for path, gradient in gradients.items():
        rate = rate_of[layer_group[path.split("/")[0]]]
        np.testing.assert_allclose(moved[path], rate * gradient, rtol=1e-3, atol=1e-6)


def test_scale_sets_every_rate(make) -> None:
    network = make()
    phase = Phase("p", train="all", rate=0.2, rate_decay=0.5)
    set_flags(network, phase)
    rates = Rates(network, phase)
    rates.optimizer.build(network.model.trainable_variables)
    rates.scale(0.5)
    assert rates.head == pytest.approx(0.1)
    learned = sorted(float(inner.learning_rate) for inner in rates.optimizer.optimizers)
    assert learned == pytest.approx(sorted(rate * 0.5 for rate in rates.groups.values()))


def test_one_rate_is_a_plain_optimizer_that_keras_callbacks_understand(make) -> None:
    network = make()
    phase = Phase("p", rate=0.3, clip_norm=1.0, weight_decay=0.01)
    set_flags(network, phase)
    optimizer = Rates(network, phase).optimizer
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert float(optimizer.learning_rate) == pytest.approx(0.3)
    assert (optimizer.global_clipnorm, optimizer.weight_decay) == (1.0, 0.01)


def test_blocks_that_share_the_names_inside_have_rates_of_their_own() -> None:
    """`variable.path` is `conv/kernel` in all three; SGD's step is rate · gradient."""

    def block(name: str) -> keras.Model:
        x = keras.Input((None, None, 3))
        y = keras.layers.Conv2D(3, 3, strides=2, padding="same", name="conv")(x)
        return keras.Model(x, keras.layers.BatchNormalization(name="bn")(y), name=name)

    image = keras.Input((16, 16, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(image)
    for name in ("near", "middle", "deep"):
        x = block(name)(x)
    network = attach(backbone(keras.Model(image, x, name="blocks")), classifier(["grey", "red"]))
    phase = Phase("p", train="all", rate=1e-1, rate_decay=0.1, optimizer="sgd", batch_norm="train")

    def steps(optimizer_of: Callable[[Rates], keras.optimizers.Optimizer]) -> list[np.ndarray]:
        set_flags(network, phase)
        tail, rates = halve(network.model, network.head).tail, Rates(network, phase)
        tail.compile(optimizer_of(rates), keras.losses.BinaryCrossentropy(), jit_compile=False)
        before = [variable.numpy() for variable in network.model.variables]
        pictures = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.float32)
        tail.train_on_batch(pictures, np.array([[0.0], [1], [1], [0]]))
        blocks = [network.model.get_layer(name).get_layer("conv").kernel for name in ("near", "middle", "deep")]
        moved = [
            before[next(i for i, each in enumerate(network.model.variables) if each is kernel)] - kernel.numpy()
            for kernel in blocks
        ]
        for variable, value in zip(network.model.variables, before, strict=True):
            variable.assign(value)
        return moved

    gradients = steps(lambda rates: keras.optimizers.SGD(1.0))
    for rate, moved, gradient in zip((1e-4, 1e-3, 1e-2), steps(lambda rates: rates.optimizer), gradients, strict=True):
        assert np.abs(gradient).max() > 1e-4
        np.testing.assert_allclose(moved, rate * gradient, rtol=0.05, atol=1e-8)


@pytest.mark.parametrize("name", ["adam", "adamw", "rmsprop", "sgd"])
def test_an_optimizer_is_what_the_phase_says_it_is(make, name) -> None:
    network = make()
    phase = Phase("p", optimizer=name)
    set_flags(network, phase)
    optimizer = Rates(network, phase).optimizer
    documented = {
        "adam": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
        "adamw": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "weight_decay": 0.0},
        "rmsprop": {"rho": 0.9, "epsilon": 1e-7, "momentum": 0.0},
        "sgd": {"momentum": 0.9, "nesterov": False},
    }
    assert {key: getattr(optimizer, key) for key in documented[name]} == documented[name]


def test_momentum_is_of_sgd_and_can_be_seen(make) -> None:
    network = make()
    phase = Phase("p", optimizer="sgd", momentum=0.5)
    set_flags(network, phase)
    assert Rates(network, phase).optimizer.momentum == 0.5
    assert "momentum=0.9" in repr(Plan([Phase("p", optimizer="sgd")]))
    assert "momentum" not in repr(Plan([Phase("p")]))
    with pytest.raises(InputError, match='optimizer="sgd" only'):
        Phase("p", momentum=0.5)
