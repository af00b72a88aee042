from __future__ import annotations

from pathlib import Path

import keras
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.errors import InputError
from cnnkit.export.bundle import save
from cnnkit.heads.classification import Classifier, classifier
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.freeze import set_flags
from cnnkit.transfer.inference import predict
from cnnkit.transfer.network import attach, network_of
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.rate_finding import find_rate
from tests.transfer.worlds import GRAPHS


def test_the_model_is_flat_so_every_layer_can_be_tapped(make) -> None:
    model = make().model
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    keras.Model(model.inputs, [model.output, model.get_layer("block1_add").output])


def test_groups_are_the_stages_and_the_head_each_layer_once(make) -> None:
    network = make()
    names = [name for group in network.groups.values() for name in group]
    assert sorted(names) == sorted(layer.name for layer in network.model.layers)
    assert network.groups["head"] == ("head_pool", "probability")


def test_it_prints_as_a_table(make) -> None:
    network = make()
    text = repr(network)
    assert "residual cut at block2_relu: 16×16 RGB 0…255 (crop, bilinear) → grey, red" in text
    assert f"{network.model.count_params():,} parameters" in text
    assert network.summary()["parameters"].sum() == network.model.count_params()
    assert (network.cut, network.size) == ("block2_relu", (16, 16))


def test_a_second_head_needs_its_own_names(make) -> None:
    body = backbone(make().model)
    with pytest.raises(InputError, match="truncate"):
        attach(body, classifier(["a", "b"]))


def test_a_model_is_a_backbone_too() -> None:
    model = GRAPHS["residual"]()
    network = attach(model, classifier(["a", "b"]))
    assert (network.backbone.name, network.cut) == ("residual", "block2_relu")
    assert network.model.get_layer("stem_conv") is model.get_layer("stem_conv")


@pytest.mark.parametrize(("pooling", "width"), [("average", 4), ("max", 4), ("flatten", 64 * 4)])
def test_tokens_are_pooled_too(pooling, width, colours) -> None:
    """A transformer gives (tokens, channels): the head pools over the tokens."""
    image = keras.Input((16, 16, 3), name="image")
    x = keras.layers.Conv2D(4, 2, strides=2, name="patches")(keras.layers.Rescaling(1 / 255)(image))
    body = backbone(keras.Model(image, keras.layers.Reshape((64, 4), name="tokens")(x)))
    network = attach(body, classifier(["grey", "red"], pooling=pooling))
    assert network.model.get_layer("probability").input.shape == (None, width)
    fit(network, colours, Plan([Phase("head", epochs=1)]), progress=False)
    assert len(predict(network, colours.test)) == len(colours.test)


def test_dense_layers_of_the_backbone_are_no_part_of_the_head() -> None:
    image = keras.Input((16, 16, 3), name="image")
    x = keras.layers.Conv2D(4, 2, strides=2, name="conv")(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    pooled = attach(keras.Model(image, x), classifier(["a", "b"]))
    assert (list(pooled.groups), pooled.groups["head"]) == (["stage1", "head"], ("probability",))
    assert pooled.groups["stage1"][-1] == "pool"
    dense = attach(keras.Model(image, keras.layers.Dense(5, name="fc")(x)), classifier(["a", "b"]))
    assert list(dense.groups)[-2:] == ["stage2", "head"]
    assert dense.groups["stage2"] == ("pool", "fc")
    set_flags(dense, Phase("head", train="head"))
    assert not dense.model.get_layer("fc").trainable


def test_a_head_that_builds_no_tensor_is_refused() -> None:
    class Twofold(Classifier):
        def build(self, features):
            return [super().build(features)]

    with pytest.raises(InputError, match=r"dictionary of tensors\. Received: list from Twofold\.build"):
        attach(GRAPHS["residual"](), Twofold(("a", "b")))


def test_it_is_a_table_in_a_notebook_and_names_are_text() -> None:
    network = attach(GRAPHS["residual"](), classifier(["<b>a</b>", "b"]))
    page = network._repr_html_()
    assert "<table" in page
    assert "&lt;b&gt;a&lt;/b&gt;" in page
    assert "<b>a" not in page
    assert network.backbone._repr_html_().startswith("<code>Backbone(&#x27;residual&#x27;")


def test_a_head_is_no_list_of_classes() -> None:
    with pytest.raises(InputError, match=r"list: \['cat', 'dog'\].*ck\.heads\.classifier"):
        attach(backbone(GRAPHS["residual"]()), ["cat", "dog"])


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("runs/photos", r"ck\.load\('runs/photos'\)"),
        (Path("runs/photos"), r"ck\.load\('runs/photos'\)"),
        (keras.Sequential(), r"ck\.attach\(ck\.backbone\(model\), head\)"),
        (None, r"ck\.attach\(body, head\)"),
    ],
)
def test_what_is_no_network_is_told_how_to_become_one(value, remedy, colours, tmp_path) -> None:
    for use in (network_of, lambda given: find_rate(given, colours), lambda given: save(given, tmp_path / "bundle")):
        with pytest.raises(InputError, match=f"a network.*{remedy}"):
            use(value)


def test_heads_share_the_backbone() -> None:
    body = backbone(GRAPHS["residual"]())
    first, second = (attach(body, classifier(["a", "b"])) for _ in range(2))
    assert first.model.get_layer("stem_conv") is second.model.get_layer("stem_conv")
