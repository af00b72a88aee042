"""Who is called nearly the same: students who train by themselves are not, whatever hides a copy does not help."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnkit.course.grading import likeness
from cnnkit.course.grading.likeness import KERNEL, KINDS, TEMPLATE_USERS, Work, likenesses, nearest
from cnnkit.course.grading.prints import BUCKETS, Prints, prints, vectors
from tests.course.grading.students import COPIES, ROWS, TRUTH, Trained, permuted, replace, train

PROBES: list[dict[str, Any]] = [{"decay": 1e-3}, {"decay": 1e-4}, {"epochs": 25}, {"part": 0.8}, {"epochs": 8}, {}]


@pytest.fixture(scope="module")
def honest() -> dict[str, Trained]:
    """Twelve who freeze the same network: six with one dense layer, six with a hidden one."""
    students = {f"probe {seed}": train(seed, **settings) for seed, settings in enumerate(PROBES)}
    return students | {f"hidden {seed}": train(seed, hidden=24) for seed in range(6)}


def works(students: dict[str, Trained]) -> list[Work]:
    return [student.work(name) for name, student in students.items()]


def correlations(rows: np.ndarray) -> np.ndarray:
    units = rows / np.linalg.norm(rows.astype(float), axis=1, keepdims=True)
    found = units @ units.T
    np.fill_diagonal(found, 0)
    return np.asarray(found)


def test_honest_students_are_like_nobody_with_a_margin(honest: dict[str, Trained]) -> None:
    class_works = works(honest)
    assert likenesses(lambda: class_works) == []
    for kind in KINDS:
        found = correlations(vectors(kind.sketch(work.prints) for work in class_works))
        assert 1 - found.max() > 1.5 * (1 - kind.near), kind
    kernels = np.array([work.prints.kernels[0].vector() for work in class_works[: len(PROBES)]])
    assert 1 - np.abs(correlations(kernels)).max() > 5 * (1 - KERNEL)


@pytest.mark.parametrize("victim", ["probe 1", "hidden 3"])
@pytest.mark.parametrize("copy", COPIES)
def test_whatever_hides_a_copy_the_pair_is_named(honest: dict[str, Trained], victim: str, copy: str) -> None:
    class_works = works({**honest, "copy": COPIES[copy](honest[victim])})
    found = {(pair.student, pair.other) for pair in likenesses(lambda: class_works)}
    expected = {("copy", victim), (victim, "copy")}
    if copy.startswith("other predictions"):
        assert found == set()  # the very same weights: `similarity.same` tells
    else:
        assert found == expected


def test_what_is_alike_is_told(honest: dict[str, Trained]) -> None:
    class_works = works({**honest, "copy": COPIES["last layer × 2"](honest["hidden 2"])})
    (told, _) = map(str, likenesses(lambda: class_works))
    assert told.startswith("nearly the same as hidden 2: ")
    assert "put 100.00% of pairs of pictures into the same order" in told
    assert "the same decision on 100.0% of the pictures (by chance" in told
    assert "a last kernel of 24 × 1 in the same direction (cosine 1.0000), scaled by 2.00" in told
    assert "a dense kernel of 96 × 24 in the same direction" not in told  # no more than TEMPLATE_USERS trained others
    assert "42 of 44 tensors the same" in told


def test_hidden_units_in_another_order(honest: dict[str, Trained]) -> None:
    class_works = works({**honest, "copy": permuted(honest["hidden 5"])})
    (told, _) = map(str, likenesses(lambda: class_works))
    assert "a last kernel of 24 × 1 with the same values in another order or with other signs" in told


def test_a_published_head_that_few_freeze_is_no_evidence() -> None:
    """VGG16's fc1 is such a one: three froze it, three trained it on."""
    published = train(100, hidden=30).head[0]
    students = {}
    for seed in range(6):
        student = train(seed, hidden=24)
        moved = published + np.float32(1e-3 * (seed > 2)) * train(seed, hidden=30, epochs=1).head[0]
        students[f"s{seed}"] = replace(student, backbone=(*student.backbone, moved))
    class_works = works(students)
    assert likenesses(lambda: class_works) == []


def test_a_hidden_kernel_of_another_is_told_where_many_train_their_own() -> None:
    students = {f"s{seed}": train(seed, hidden=24, epochs=3) for seed in range(TEMPLATE_USERS + 3)}
    thief = train(50, hidden=24, epochs=3)
    students["thief"] = replace(thief, head=(*students["s4"].head[:2], *thief.head[2:]))
    class_works = works(students)
    pairs = likenesses(lambda: class_works)
    assert {(pair.student, pair.other) for pair in pairs} == {("thief", "s4"), ("s4", "thief")}
    assert "a dense kernel of 96 × 24 in the same direction (cosine 1.0000), scaled by 1.00" in str(pairs[0])


def test_a_kernel_handed_in_twice_hides_no_pair(honest: dict[str, Trained]) -> None:
    victim = honest["probe 2"]
    hidden = replace(COPIES["last layer × 2"](victim), backbone=(*victim.backbone, victim.head[0] * np.float32(2)))
    class_works = works({**honest, "copy": hidden})
    told = [str(pair) for pair in likenesses(lambda: class_works) if pair.student == "copy"]
    assert len(told) == 1
    assert "scaled by 2.00" in told[0]


def test_so_many_that_the_template_explains_it(honest: dict[str, Trained]) -> None:
    many = {f"s{number}": COPIES["noise of .001 on the weights"](honest["hidden 0"]) for number in range(7)}
    class_works = works({**many, **honest})
    told = next(str(pair) for pair in likenesses(lambda: class_works) if pair.student == "hidden 0")
    assert "(and 6 more)" in told
    assert told.endswith("so many are alike where they run the template as it is")


def test_all_blocks_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(3).integers(-100, 100, (50, BUCKETS)).astype(np.int8)
    rows[49] = rows[20] = rows[0]
    rows[7] = -rows[5]
    whole = list(nearest(rows, 0.99))
    assert [(near.row, near.alike) for near in whole] == [(0, 2), (20, 2), (49, 2)]
    assert {near.row for near in nearest(rows, 0.99, signed=False)} == {0, 5, 7, 20, 49}
    monkeypatch.setattr(likeness, "_AT_A_TIME", 7)
    again = list(nearest(rows, 0.99))
    # Of two rows that are the same either is the nearest: rounding, which the processor decides, tells them apart.
    same = {"correlation": 1, "other": 0}
    assert [near._replace(**same) for near in again] == [near._replace(**same) for near in whole]
    assert all(near.other in {0, 20, 49} - {near.row} for near in (*whole, *again))


def test_a_sketch_keeps_correlations() -> None:
    first = train(0).probabilities
    for mixed in (0.0, 0.1, 0.5, 1.0):
        second = (1 - mixed) * first + mixed * train(1, hidden=24).probabilities
        exact = np.corrcoef(first - TRUTH, second - TRUTH)[0, 1]
        kept = [prints(each.astype(np.float32), TRUTH, 0.5, None).errors for each in (first, second)]
        found = correlations(vectors(kept))[0, 1]
        assert found == pytest.approx(exact, abs=4 * (1 - exact**2) / BUCKETS**0.5 + 3e-4)


def test_no_errors_are_like_nothing() -> None:
    perfect = prints(TRUTH.astype(np.float32), TRUTH, 0.5, None)
    assert perfect == Prints()
    some = [Work(name, perfect, 1.0) for name in "ab"]
    assert likenesses(lambda: some) == []
    assert likenesses(list) == []


def test_few_wrong_answers_say_nothing() -> None:
    """All may fail at the pictures that are labelled wrong."""
    dice = np.random.default_rng(0)
    students = []
    for name in "abc":
        values = np.where(TRUTH, dice.uniform(0.5, 1, ROWS), dice.uniform(0, 0.49, ROWS))
        values[:30] = 1 - values[:30]
        students.append(Work(name, prints(values.astype(np.float32), TRUTH, 0.5, None), 1 - 30 / ROWS))
    assert likenesses(lambda: students) == []


def test_prints_survive_as_json() -> None:
    kept = train(0).work("a").prints
    assert Prints.from_json(kept.to_json()) == kept
    assert len(kept.errors) < 700
