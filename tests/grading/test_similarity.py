"""Same and near-same submissions: sketches against exact correlations, groups by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.grading.similarity import PROJECTIONS, Pair, decoded, encoded, nearly_same, same, sketch

ROWS = 20_000
GENERATOR = np.random.default_rng(0)
TRUTH = GENERATOR.random(ROWS) < 0.47
DIFFICULTY = GENERATOR.normal(size=ROWS)


def submission(seed: int, shared: float = 0.7) -> np.ndarray:
    """Probabilities of a network that finds the same pictures hard as the others do, in part."""
    own = np.random.default_rng(seed).normal(size=ROWS)
    logits = (TRUTH * 2 - 1) * 1.2 + shared * DIFFICULTY + (1 - shared**2) ** 0.5 * own
    return (1 / (1 + np.exp(-2 * logits))).astype(np.float32)


def test_a_sketch_keeps_correlations() -> None:
    first = submission(1)
    for shared in (0.0, 0.5, 0.9, 0.99):
        second = submission(2, shared)
        exact = np.corrcoef(first - TRUTH, second - TRUTH)[0, 1]
        a, b = (sketch(values, TRUTH).astype(float) for values in (first, second))
        found = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        assert found == pytest.approx(exact, abs=4 * (1 - exact**2) / PROJECTIONS**0.5)


def test_copies_are_found_and_independent_work_is_not() -> None:
    noise = np.random.default_rng(9).normal(0, 0.01, ROWS)
    copy = np.clip(submission(0) + noise, 0, 1).astype(np.float32)
    squeezed = submission(1) ** np.float32(1.1)
    whole = {f"s{seed}": submission(seed) for seed in range(8)} | {"copy": copy, "squeezed": squeezed}
    found = nearly_same(list(whole), np.stack([sketch(values, TRUTH) for values in whole.values()]))
    assert [(pair.student, pair.other) for pair in found] == [
        ("s0", "copy"),
        ("s1", "squeezed"),
        ("copy", "s0"),
        ("squeezed", "s1"),
    ]


def test_all_blocks_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    sketches = np.random.default_rng(3).integers(-30_000, 30_000, (50, PROJECTIONS)).astype(np.int16)
    sketches[49] = sketches[0]
    sketches[20] = sketches[0]
    names = [str(place) for place in range(50)]
    whole = nearly_same(names, sketches)
    assert [(pair.student, pair.alike) for pair in whole] == [("0", 2), ("20", 2), ("49", 2)]
    monkeypatch.setattr("cnnkit.grading.similarity._SKETCHES_AT_A_TIME", 7)
    assert nearly_same(names, sketches) == whole


def test_no_errors_are_like_nothing() -> None:
    perfect = sketch(TRUTH.astype(np.float32), TRUTH)
    assert not perfect.any()
    assert nearly_same(["a", "b"], np.stack([perfect, perfect])) == []
    assert nearly_same([], np.empty((0, PROJECTIONS), np.int16)) == []


def test_a_sketch_survives_as_text() -> None:
    values = sketch(submission(4), TRUTH)
    assert (decoded(encoded(values)) == values).all()
    assert len(encoded(values)) < 700


def test_equal_hashes_by_hand() -> None:
    found = same(
        [
            ("b", {"predictions": "1", "tensors": "x", "model": "m"}),
            ("a", {"predictions": "1", "tensors": "y", "model": "m"}),
            ("c", {"predictions": "1", "tensors": "z", "model": "m"}),
            ("d", {"predictions": "2", "tensors": "x", "notebook": "", "model": "m"}),
            ("e", {"notebook": ""}),
        ]
    )
    assert found == [
        Pair("a", "b", "the same predictions file as", 2),
        Pair("b", "a", "the same predictions file as", 2),
        Pair("b", "d", "the same weights as", 1),
        Pair("c", "a", "the same predictions file as", 2),
        Pair("d", "b", "the same weights as", 1),
    ]
    template = [(f"s{number}", {"notebook": "t", "tensors": str(number // 6)}) for number in range(6)]
    assert {pair.what for pair in same(template)} == {"the same weights as"}
    assert str(found[0]) == "the same predictions file as b (and 1 more)"
    assert str(found[4]) == "the same weights as b"
