"""The very same submissions: groups by hand."""

from __future__ import annotations

from cnnkit.course.grading.similarity import Pair, same


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
