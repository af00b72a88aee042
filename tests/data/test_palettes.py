"""What a caller says that values of masks mean."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.data.palettes import code_of, colour_of, palette_of
from cnnkit.errors import InputError


def test_names_are_numbered() -> None:
    palette = palette_of(("a", "b"), 255)
    assert (palette.names, palette.values, palette.void) == (("a", "b"), (0, 1), (255,))
    assert palette.numbers[[0, 1, 2, 255]].tolist() == [0, 1, -1, 255]


@pytest.mark.parametrize(
    ("void", "values"),
    [(None, ()), (7, (7,)), ((1, 2, 3), ((1, 2, 3),)), ([7, (1, 2, 3), np.uint8(9)], (7, (1, 2, 3), 9))],
)
def test_void(void: object, values: tuple[object, ...]) -> None:
    assert palette_of(["a"], void).void == values


@pytest.mark.parametrize(
    ("classes", "void", "words"),
    [
        ("ab", 255, "classes as a list"),
        ([], 255, "classes as a list"),
        (["a", "a"], 255, "classes as a list"),
        ({}, 255, "classes as a list"),
        ({1: 2}, 255, "classes as a list"),
        ({"a": 256}, 255, "a number 0…255 for each class"),
        ({"a": -1}, 255, "a number 0…255 for each class"),
        ({"a": True}, 255, "a number 0…255 for each class"),
        ({"a": 0.5}, 255, "a number 0…255 for each class"),
        ({"a": (1, 2)}, 255, "a number 0…255 for each class"),
        ({"a": (1, 2, 300)}, 255, "a number 0…255 for each class"),
        ({"a": 0, "b": (1, 2, 3)}, 255, "a number 0…255 for each class"),
        ({"a": 3, "b": 3}, 255, "3 for 'a' and 'b'"),
        ({"a": (1, 2, 3), "b": [1, 2, 3]}, 255, r"\(1, 2, 3\) for 'a' and 'b'"),
        (["a", "b"], 1, "1 for 'b' and for void"),
        (["a"], 256, "void as a number"),
        (["a"], (1, 2), "void as a number"),
        (["a"], "255", "void as a number"),
        (["a"], [None], "void as a number"),
        ([str(number) for number in range(256)], None, "up to 255 classes"),
    ],
)
def test_what_means_nothing(classes: object, void: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        palette_of(classes, void)


def test_codes() -> None:
    assert colour_of(code_of((17, 200, 255))) == (17, 200, 255)
