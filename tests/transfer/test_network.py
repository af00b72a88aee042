from __future__ import annotations

from pathlib import Path

import keras
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.errors import InputError
from cnnkit.export.bundle import save
from cnnkit.heads.classification import classifier
from cnnkit.transfer.network import attach, network_of
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
