from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from cnnkit.engines import runtimes as engines
from cnnkit.engines.forward import Forward
from cnnkit.engines.runtimes import ENGINES, Engine, Runtime, has_bfloat16
from cnnkit.errors import InputError, MissingExtraError, UnknownNameError
from cnnkit.transfer.cache_choice import FeatureCache
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.inference import evaluate, predict
from cnnkit.transfer.plans import probe
from tests.transfer.worlds import GRAPHS

# tf2onnx 1.17 and what it calls are at odds with NumPy 2 and TensorFlow 2.21, in words only.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
PICTURES = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)


def needs(name: str) -> None:
    for package in ENGINES[name].missing():
        pytest.skip(f"{package} is not installed: pip install '.[fast]'")


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("graph", GRAPHS)
def test_every_engine_gives_the_numbers_of_keras(make, name: str, graph: str) -> None:
    needs(name)
    model = make(graph).model
    said: list[str] = []
    (received,) = Forward(model, Runtime(name), say=said.append)(PICTURES)
    np.testing.assert_allclose(received, model(PICTURES.astype(np.float32), training=False), atol=1e-4, rtol=0)
    assert [line.partition(",")[0] for line in said] == [f"engine: {name} float32"]


@pytest.mark.parametrize("name", ENGINES)
def test_bytes_and_fractions_in_any_order(make, name: str) -> None:
    needs(name)
    model = make().model
    fractions = PICTURES.astype(np.float32) * np.float32(0.999)
    for kind, order, starts in (
        ("uint8", (PICTURES, fractions, PICTURES), 2),
        ("float32", (PICTURES, fractions), 1),
    ):
        said: list[str] = []
        forward = Forward(model, Runtime(name), kind=kind, say=said.append)
        for pictures in order:
            expected = model(pictures.astype(np.float32), training=False)
            np.testing.assert_allclose(forward(pictures)[0], expected, atol=1e-4, rtol=0)
        assert len(said) == starts


@pytest.mark.parametrize("name", [name for name, engine in ENGINES.items() if "bfloat16" in engine.precisions])
def test_bfloat16_is_near_and_on_request_only(make, name: str) -> None:
    needs(name)
    if not has_bfloat16():
        pytest.skip("the processor has no bfloat16")
    model = make().model
    exact = model(PICTURES.astype(np.float32), training=False)
    forward = Forward(model, Runtime(name, "bfloat16"))
    assert forward.numbers == f"{name} bfloat16"
    np.testing.assert_allclose(forward(PICTURES)[0], exact, atol=0.1, rtol=0)


def test_a_processor_without_bfloat16_computes_in_float32_and_says_so(make, monkeypatch) -> None:
    monkeypatch.setattr("cnnkit.engines.forward.has_bfloat16", lambda: False)
    said: list[str] = []
    forward = Forward(make().model, Runtime(precision="bfloat16"), say=said.append)
    forward(PICTURES)
    assert forward.numbers == "tensorflow float32"
    assert "this processor has no bfloat16" in said[0]


def wrong(_graph, _precision, _kind) -> Callable:
    return lambda images: [np.full((len(images), 1), 2.0, np.float32)]


def broken(_graph, _precision, _kind) -> Callable:
    raise ValueError("Unsupported ops: Foo\nat line 7")


@pytest.mark.parametrize(
    ("start", "reason"), [(wrong, "off Keras's numbers, more than 1e-04"), (broken, "Unsupported")]
)
def test_an_engine_that_is_wrong_gives_way_to_tensorflow_in_words(make, monkeypatch, start, reason: str) -> None:
    model = make().model
    monkeypatch.setitem(ENGINES, "onnx", Engine("onnx", (), ("float32",), start, at_once=1000))
    expected = model(PICTURES.astype(np.float32), training=False)
    said: list[str] = []
    with pytest.warns(UserWarning, match=reason):
        (received,) = Forward(model, Runtime("onnx"), say=said.append)(PICTURES)
    np.testing.assert_allclose(received, expected, atol=1e-6)
    assert reason in said[0]
    assert said[1].startswith("engine: tensorflow float32")
    # and where the folded graph itself is at fault, to the graph as Keras traces it
    monkeypatch.setitem(ENGINES, "tensorflow", Engine("tensorflow", (), ("float32",), start, at_once=1000))
    said.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (received,) = Forward(model, Runtime("auto"), say=said.append)(PICTURES)  # auto explains, it does not warn
    np.testing.assert_allclose(received, expected, atol=1e-6)
    assert said[-1] == "engine: TensorFlow with the graph as Keras traces it"


def test_nan_is_further_off_than_any_tolerance() -> None:
    ones = [np.ones(2)]
    assert engines.deviation([np.array([1.0, np.nan])], ones) == np.inf
    assert engines.deviation([np.ones((2, 1))], ones) == np.inf
    assert engines.deviation([np.array([0.0])], [np.array([0.0])]) == 0
    assert engines.deviation([np.array([1.0, 3.0])], [np.array([1.0, 4.0])]) == 0.25


def test_engines_by_name(monkeypatch) -> None:
    assert Runtime("auto", "float32").row.name == "tensorflow"
    with pytest.raises(UnknownNameError, match="openvino"):
        Runtime("openvin", "float32")
    with pytest.raises(UnknownNameError, match="bfloat16"):
        Runtime("auto", "float16")
    with pytest.raises(InputError, match="computes in bfloat16: 'tensorflow', 'openvino'"):
        Runtime("onnx", "bfloat16")
    absent = Engine("openvino", ("no_such_package",), ("float32", "bfloat16"), broken, at_once=1)
    monkeypatch.setitem(ENGINES, "openvino", absent)
    with pytest.raises(MissingExtraError, match=r"pip install '.\[fast\]'"):
        Runtime("openvino", "float32")
    assert Runtime("auto", "bfloat16").row.name == "tensorflow"


def test_predict_evaluate_and_fit_take_an_engine(make, colours, tmp_path) -> None:
    needs("openvino")
    network = make()
    exact = predict(network, colours.test, engine="tensorflow")
    other = predict(network, colours.test, engine="openvino")
    np.testing.assert_allclose(other["red"], exact["red"], atol=1e-4)
    assert evaluate(network, colours.test, engine="openvino") == pytest.approx(
        evaluate(network, colours.test), rel=1e-3
    )
    heads = []
    for engine in ("tensorflow", "openvino"):
        trained = make()
        cache = FeatureCache("disk", folder=tmp_path)
        fit(trained, colours, probe(epochs=2), cache=cache, engine=engine, progress=False)
        heads.append(trained.model.layers[-1].get_weights()[0])
    np.testing.assert_allclose(heads[1], heads[0], atol=1e-4)
    # Training and validation features of each engine: those of one are not taken for those of the other.
    assert len([entry for entry in tmp_path.iterdir() if entry.is_dir()]) == 4


def test_more_pictures_than_an_engine_takes_at_once(make, monkeypatch) -> None:
    model = make().model
    (whole,) = Forward(model)(PICTURES)
    tensorflow = ENGINES["tensorflow"]
    monkeypatch.setitem(
        ENGINES, "tensorflow", Engine("tensorflow", (), tensorflow.precisions, tensorflow.start, at_once=2 * 16 * 16)
    )
    np.testing.assert_allclose(Forward(model)(PICTURES)[0], whole, atol=1e-6)
