"""What is kept of weights: against exact cosines, and against what hides a copy."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from cnnkit.course.submissions import tensor_prints
from cnnkit.course.submissions.replies import WeightsReply
from cnnkit.course.submissions.tensor_prints import (
    BUCKETS,
    KERNELS,
    TENSORS,
    KernelPrint,
    TensorPrint,
    tensor_digests,
    weights_print,
)

GENERATOR = np.random.default_rng(0)
KERNEL = GENERATOR.normal(0, 0.1, (1_280, 1)).astype(np.float32)


def read(values: NDArray[np.float32], rows: int | None = None) -> TensorPrint:
    """A tensor read so many rows at a time."""
    tensor = TensorPrint(values.shape)
    for start in range(0, len(values), rows or len(values)):
        tensor.add(values[start : start + (rows or len(values))])
    return tensor


def kernel(values: NDArray[np.float32], rows: int | None = None) -> KernelPrint:
    found = read(values, rows).kernel()
    assert found is not None
    return found


def cosine(first: KernelPrint, second: KernelPrint) -> float:
    a, b = first.vector().astype(float), second.vector().astype(float)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("shape", [(1_280, 1), (300, 64), (1, 1, 2_000, 1)])
@pytest.mark.parametrize("mixed", [0.0, 0.05, 0.3, 1.0])
def test_a_direction_keeps_cosines(shape: tuple[int, ...], mixed: float) -> None:
    first, other = GENERATOR.normal(size=(2, *shape)).astype(np.float32)
    second = first + np.float32(mixed) * other
    exact = float(np.vdot(first, second) / np.linalg.norm(first) / np.linalg.norm(second))
    found = cosine(kernel(first), kernel(second))
    assert found == pytest.approx(exact, abs=4 * (1 - exact**2) / BUCKETS**0.5 + 3e-4)  # of one byte a number


def test_scaled_is_the_same_direction_and_the_length_tells_the_factor() -> None:
    scaled = kernel(KERNEL * 2)
    assert cosine(kernel(KERNEL), scaled) == pytest.approx(1, abs=1e-6)
    assert scaled.length / kernel(KERNEL).length == pytest.approx(2)
    assert kernel(KERNEL).length == pytest.approx(float(np.linalg.norm(KERNEL)))
    assert cosine(kernel(KERNEL), kernel(-KERNEL)) == pytest.approx(-1, abs=1e-6)


def test_units_in_another_order_and_flipped_signs_leave_the_values() -> None:
    shuffled = GENERATOR.permutation(KERNEL) * GENERATOR.choice(np.float32([-1, 1]), KERNEL.shape)
    assert kernel(KERNEL).values == kernel(shuffled).values
    changed = KERNEL.copy()
    changed[7] = np.nextafter(changed[7], np.float32(1))
    assert kernel(KERNEL).values != kernel(changed).values


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = GENERATOR.normal(size=(501, 37)).astype(np.float32)
    monkeypatch.setattr(tensor_prints, "_AT_A_TIME", 1_000)
    assert kernel(values, 7) == kernel(values, 501)
    assert read(values, 7).digest == read(values).digest


def test_what_has_no_direction() -> None:
    flat = np.ones((3, 3, 8, 1), np.float32)  # a depthwise kernel
    for values in (np.ones(100, np.float32), flat, np.ones((3, 1), np.float32), np.zeros((100, 1), np.float32)):
        assert read(values).kernel() is None
    assert read(np.full((100, 1), np.inf, np.float32)).kernel() is None
    assert not read(np.array([[0, np.nan]] * 50, np.float32)).finite
    assert kernel(np.full((16, 2), 3e38, np.float32)).length == pytest.approx(32**0.5 * 3e38)


def test_the_kernel_that_answers_comes_first_and_few_are_kept() -> None:
    shapes = [(50, 40), (60, 40), (70, 40), (80, 40), (90, 40), (40, 1), (40,)]
    kept = weights_print(read(GENERATOR.normal(size=shape).astype(np.float32)) for shape in shapes)
    assert [each.shape for each in kept.kernels] == [(40, 1), (90, 40), (80, 40), (70, 40)]
    assert len(kept.kernels) == KERNELS
    assert len(tensor_digests(kept.tensors)) == len(shapes)


def test_many_tensors_are_kept_in_few_bytes() -> None:
    many = weights_print(read(np.full((1,), number, np.float32)) for number in range(TENSORS + 5))
    assert len(tensor_digests(many.tensors)) == TENSORS


def test_equal_tensors_have_equal_digests_in_any_order() -> None:
    tensors = [GENERATOR.normal(size=(9, 9)).astype(np.float32) for _ in range(6)]
    first = weights_print(map(read, tensors))
    assert first == weights_print(map(read, tensors[::-1]))
    changed = weights_print(map(read, [*tensors[:5], tensors[5] * 2]))
    assert len(set(tensor_digests(first.tensors)) & set(tensor_digests(changed.tensors))) == 5


WHOLE = {"shape": [16, 1], "length": 1.0, "values": "0" * 16, "direction": base64.b64encode(bytes(BUCKETS)).decode()}


@pytest.mark.parametrize(
    "wrong",
    [
        {"digest": "0" * 63},
        {"tensors": base64.b64encode(bytes(6)).decode()},
        {"tensors": base64.b64encode(bytes(4 * TENSORS + 4)).decode()},
        {"tensors": "<b>"},
        {"kernels": [WHOLE] * (KERNELS + 1)},
        *(
            {"kernels": [WHOLE | each]}
            for each in (
                {"length": float("nan")},
                {"length": 0.0},
                {"shape": [0, 1]},
                {"values": "0" * 17},
                {"direction": base64.b64encode(bytes(BUCKETS + 1)).decode()},
                {"direction": "é" * 172},
                {"name": "x"},
            )
        ),
    ],
)
def test_what_a_process_may_say_of_weights(wrong: dict[str, object]) -> None:
    right = {"digest": "0" * 64, "tensors": "", "kernels": [WHOLE]}
    said = WeightsReply.model_validate({"findings": [], "weights": right}).weights
    assert said is not None
    assert said.weights_print().kernels[0].shape == (16, 1)
    with pytest.raises(ValidationError):
        WeightsReply.model_validate({"findings": [], "weights": right | wrong})
