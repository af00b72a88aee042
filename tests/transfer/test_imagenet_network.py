"""What a published network says of a photograph, against plain Keras."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import cnnkit as ck
from cnnkit.errors import InputError


def test_top_five_of_photographs_are_those_of_keras(keras_home: Path, shared: Path, tmp_path: Path) -> None:
    index = json.loads((keras_home / "models" / "imagenet_class_index.json").read_text())
    net = ck.imagenet("mobilenet", alpha=0.25)
    files = sorted((shared / "data" / "imagenet_samples_256").glob("*.jp*g"))[:3]
    table = ck.predict(net, files)
    plain = keras.applications.MobileNet(alpha=0.25, weights=None)
    plain.load_weights(keras_home / "models" / "mobilenet_2_5_224_tf.h5")
    pixels = [net.framing.apply(ck.data.decode_file(file), net.size) for file in files]
    expected = np.asarray(plain(np.stack(pixels) / np.float32(127.5) - 1, training=False))
    best = ck.top(table)
    for (_, rows), row in zip(best.groupby("id", sort=False), expected, strict=True):
        order = np.argsort(-row)[:5]
        assert [index[str(number)][1].replace("_", " ") for number in order] == list(rows["label"])
        np.testing.assert_allclose(rows["probability"], row[order], rtol=1e-3)
    # The rest of cnnkit takes it like any network.
    assert net.groups["head"][-1] == "predictions"
    assert ck.visualize.gradcam(net, pixels[0], target=table["label"][0]).max() == 1
    ck.save(net, tmp_path / "net")
    pd.testing.assert_frame_equal(ck.predict(ck.load(tmp_path / "net"), files), table)


def test_each_class_of_imagenet_has_a_name_of_its_own(keras_home: Path) -> None:
    names = ck.backbones.imagenet_classes()
    assert len(set(names)) == 1000
    assert (names[134], names[517], names[639]) == ("crane (bird)", "crane (machine)", "maillot, tank suit")


def test_a_backbone_without_a_classifier_is_refused() -> None:
    with pytest.raises(InputError, match="extractor only"):
        ck.imagenet("nano")


def test_the_likeliest_classes_in_order() -> None:
    table = pd.DataFrame({"id": ["b", "a"], "label": ["y", "x"], "x": [0.25, 0.5], "y": [0.5, 0.25], "z": [0.25, 0.25]})
    best = ck.top(table, 2)
    assert best.values.tolist() == [["b", 1, "y", 0.5], ["b", 2, "x", 0.25], ["a", 1, "x", 0.5], ["a", 2, "y", 0.25]]
    assert len(ck.top(table, 9)) == 6


@pytest.mark.parametrize("table", [None, "net", pd.DataFrame({"x": [1]}), pd.DataFrame({"id": [1], "label": ["a"]})])
def test_another_table_is_refused(table: object) -> None:
    with pytest.raises(InputError, match=r"what ck\.predict returned"):
        ck.top(table)


@pytest.mark.parametrize("count", [0, 2.5, "five", None])
def test_no_count(count: object) -> None:
    with pytest.raises(InputError, match="count of at least 1"):
        ck.top(pd.DataFrame({"id": [1], "label": ["a"], "a": [1.0]}), count)
