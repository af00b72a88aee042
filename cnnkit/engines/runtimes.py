"""What runs a folded graph: TensorFlow, or a runtime of the extra `cnnkit[fast]`, each a row of `ENGINES`.

All of them get the same graph, so a conversion has neither variables nor layers to misunderstand. (`model.export`
of Keras 3.15 takes ten times as long, and turns the constants of EfficientNetB0's Normalization into inputs of its
ONNX file.) None is believed: its numbers on the first pictures are compared with Keras's.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnnkit.engines.folded_graph import BYTES, FoldedGraph, session
from cnnkit.errors import InputError, missing_extra, unknown_name

EngineName = Literal["auto", "tensorflow", "onnx", "openvino"]
Precision = Literal["float32", "bfloat16"]
Kind = Literal["uint8", "float32"]  # of the numbers in pictures
Pictures = NDArray[np.uint8] | NDArray[np.float32]
Run = Callable[[Pictures], list[NDArray[np.float32]]]

# How far from Keras's numbers an engine may be, as a part of the largest. bfloat16 keeps 8 bits of each number: 0.3–1 %
# in trained networks, several times as much in random ones; the check is against engines that are wrong.
TOLERANCE: dict[Precision, float] = {"float32": 1e-4, "bfloat16": 0.1}


@dataclass(frozen=True)
class Engine:
    """A way to run a folded graph.

    Attributes:
        name: As `engine=` names it.
        packages: What has to be installed, of the extra `fast`.
        precisions: What it can compute in.
        start: Makes a function of pictures of one kind, which gives one array for each output, from a graph.
        at_once: Pixels in the input of one call. More of them leave the processor's caches, and take memory.
    """

    name: str
    packages: tuple[str, ...]
    precisions: tuple[Precision, ...]
    start: Callable[[FoldedGraph, Precision, Kind], Run]
    at_once: int

    def missing(self) -> list[str]:
        """Those of its packages that are not installed."""
        return [package for package in self.packages if importlib.util.find_spec(package) is None]

    def versions(self) -> dict[str, str]:
        """Those of its packages; all are installed."""
        return {package: version(package) for package in self.packages}


def _tensorflow(graph: FoldedGraph, precision: Precision, kind: Kind) -> Run:
    take_bytes = kind == "uint8"
    running = session(graph.definition, take_bytes=take_bytes, fuse=True, bfloat16=precision == "bfloat16")
    run: Run = running.make_callable(list(graph.outputs), [f"{BYTES}:0" if take_bytes else graph.inputs[0]])
    return run


def _openvino(graph: FoldedGraph, precision: Precision, kind: Kind) -> Run:
    import openvino
    from openvino.preprocess import PrePostProcessor

    core = openvino.Core()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "graph.pb")
        file.write_bytes(graph.definition.SerializeToString())
        taking = PrePostProcessor(core.read_model(file))
        taking.input().tensor().set_element_type(openvino.Type(np.dtype(kind)))
        hint = {"float32": "f32", "bfloat16": "bf16"}[precision]
        compiled = core.compile_model(taking.build(), "CPU", {"INFERENCE_PRECISION_HINT": hint})
    ports = [compiled.output(name) for name in graph.outputs]
    lock = Lock()  # a compiled model has one request, which two threads must not use at once

    def run(images: Pictures) -> list[NDArray[np.float32]]:
        with lock:
            results = compiled([images])
        return [results[port] for port in ports]

    return run


def _onnx(graph: FoldedGraph, _precision: Precision, _kind: Kind) -> Run:
    import onnxruntime
    import tf2onnx

    converted, _ = tf2onnx.convert.from_graph_def(
        graph.definition, input_names=list(graph.inputs), output_names=list(graph.outputs)
    )
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait do not take a core
    started = onnxruntime.InferenceSession(converted.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(images: Pictures) -> list[NDArray[np.float32]]:
        results: list[NDArray[np.float32]] = started.run(
            list(graph.outputs), {graph.inputs[0]: np.asarray(images, np.float32)}
        )
        return results

    return run


ENGINES = {
    engine.name: engine
    for engine in (
        Engine("tensorflow", (), ("float32", "bfloat16"), _tensorflow, at_once=12 * 224 * 224),
        Engine("openvino", ("openvino",), ("float32", "bfloat16"), _openvino, at_once=16 * 224 * 224),
        Engine("onnx", ("onnxruntime", "tf2onnx"), ("float32",), _onnx, at_once=8 * 224 * 224),
    )
}
# The first that is installed. tests/benchmarks/bench_forward.py measures them: in float32 the folded graph is as fast
# in TensorFlow as elsewhere, in bfloat16 OpenVINO is ahead where a network is more than convolutions (EfficientNet).
AUTO = {"float32": ("tensorflow",), "bfloat16": ("openvino", "tensorflow")}


@dataclass(frozen=True)
class Runtime:
    """What runs a model: an engine and the precision that it computes in.

    `ck.fit`, `ck.predict` and their like take the two as words, `engine=` and `precision=`, and hand on this one value.

    Args:
        engine: `"tensorflow"`, `"onnx"`, `"openvino"`, or `"auto"`, the first of `AUTO` that is installed.
        precision: `"float32"`; or `"bfloat16"`, where the processor has it.

    Raises:
        UnknownNameError: No such engine or precision.
        InputError: The engine does not compute in that precision.
        MissingExtraError: A package of the engine is not installed.
    """

    engine: EngineName = "tensorflow"
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        _ = self.row

    def __str__(self) -> str:
        return f"{self.engine} {self.precision}"

    @property
    def row(self) -> Engine:
        """The row of `ENGINES`."""
        name, precision = self.engine, self.precision
        if not isinstance(precision, str) or precision not in AUTO:
            raise unknown_name("a precision", str(precision), AUTO)
        if name == "auto":
            return next(ENGINES[candidate] for candidate in AUTO[precision] if not ENGINES[candidate].missing())
        if not isinstance(name, str) or name not in ENGINES:
            raise unknown_name("an engine", str(name), ("auto", *ENGINES))
        engine = ENGINES[name]
        if precision not in engine.precisions:
            able = ", ".join(repr(other.name) for other in ENGINES.values() if precision in other.precisions)
            raise InputError(f"an engine that computes in {precision}: {able}", repr(name), 'Or precision="float32".')
        if missing := engine.missing():
            raise missing_extra(missing[0], "fast", f"engine={name!r}")
        return engine


def deviation(received: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]]) -> float:
    """The largest difference of two lists of arrays, each as a part of the largest number that was expected in it.

    >>> deviation([np.array([1.0, 2.5])], [np.array([1.0, 2.0])])
    0.25
    """
    worst = 0.0
    for one, other in zip(received, expected, strict=True):
        if one.shape != other.shape:
            return float("inf")
        largest = float(np.abs(other).max(initial=0)) or 1.0
        difference = float(np.abs(one - other).max(initial=0)) / largest
        worst = max(worst, difference) if difference == difference else float("inf")  # a NaN is as wrong as can be
    return worst


@cache
def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 numbers itself, where the system tells as Linux does."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags or " bf16" in flags  # the last on ARM
