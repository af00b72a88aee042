"""The recipes of `ck.save` for other formats: the numbers are the network's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import cnnkit as ck
from tests.export.tiny_network import network

PICTURES = np.random.default_rng(2).integers(0, 256, (1, 16, 16, 3)).astype(np.float32)


def keras_file(net: ck.Network, folder: Path) -> Any:
    net.model.save(folder / "net.keras")
    return keras.models.load_model(folder / "net.keras")(PICTURES)


def saved_model(net: ck.Network, folder: Path) -> Any:
    net.model.export(folder / "net", verbose=False)
    loaded = tf.saved_model.load(str(folder / "net"))  # its variables live as long as it does
    return loaded.serve(PICTURES)


def tflite(net: ck.Network, folder: Path) -> Any:
    net.model.export(folder / "net", verbose=False)
    path = folder / "net.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(folder / "net")).convert())
    interpreter = tf.lite.Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], PICTURES)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def onnx(net: ck.Network, folder: Path) -> Any:
    pytest.importorskip("tf2onnx", reason="pip install tf2onnx")
    runtime = pytest.importorskip("onnxruntime", reason="pip install '.[fast]'")
    net.model.export(folder / "net.onnx", format="onnx", verbose=False)
    session = runtime.InferenceSession(folder / "net.onnx")
    return session.run(None, {session.get_inputs()[0].name: PICTURES})[0]


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated.*:UserWarning")
@pytest.mark.parametrize("recipe", [keras_file, saved_model, tflite, onnx])
def test_the_numbers_are_those_of_the_network(recipe: Callable[[ck.Network, Path], Any], tmp_path: Path) -> None:
    net = network()
    expected = np.asarray(net.model(PICTURES, training=False))
    np.testing.assert_allclose(np.asarray(recipe(net, tmp_path)), expected, rtol=1e-4, atol=1e-6)
    net = ck.attach(net.backbone, net.head)  # and the network is unharmed
    assert not net.model.compiled
