"""What is stored in a notebook beside what a run of it gives: equal but for times, pictures but for noise."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from nbformat import NotebookNode
from numpy.typing import NDArray
from PIL import Image

# A number with a unit of time or speed differs from run to run; so does the address of an object. The size of a
# figure is not what a lesson says.
TIMES = re.compile(r"[\d.,]+ ?(?:ms|s|min|h|images/s|pictures/s|times)\b|0x[0-9a-f]+|<Picture size [^>]*>")
NUMBER = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?: ?%)?")
# What trained numbers may differ by, on another processor: of a small share, and of any number.
SHARE, RELATIVE = 0.05, 0.1
# The tag of a cell whose lines stand in an order that scores of a trained network decide, which another processor may
# decide otherwise: of these the words count, in any order.
RANKED = "ranked-by-scores"
SIDE, LEVELS = 48, 14
"""Pixels of the pictures that are compared, and the mean difference that they may have."""


def differences(stored: NotebookNode, ran: NotebookNode) -> list[str]:
    """What differs, a line for each cell; empty if nothing does."""
    pairs = zip(stored.cells, ran.cells, strict=True)
    return [
        f"cell {number}: {said}"
        for number, (before, after) in enumerate(pairs)
        if before.cell_type == "code"
        for said in _cell(before.outputs, after.outputs, ranked=RANKED in before.metadata.get("tags", ()))
    ]


def _cell(before: list[NotebookNode], after: list[NotebookNode], *, ranked: bool) -> list[str]:
    kinds = [[_kinds(output) for output in outputs] for outputs in (before, after)]
    if kinds[0] != kinds[1]:
        return [f"stored {kinds[0]}, now {kinds[1]}: python notebooks/execute.py stores them anew"]
    found = []
    for one, other in zip(before, after, strict=True):
        texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in (one, other)]
        if not (same_lines if ranked else same_text)(*texts):
            found.append(f"stored {texts[0]!r}, now {texts[1]!r}")
        pictures = [_pixels(output) for output in (one, other)]
        if pictures[0] is not None and pictures[1] is not None and not same_picture(pictures[0], pictures[1]):
            found.append("another picture")
    return found


def _kinds(output: NotebookNode) -> tuple[str, ...]:
    """What an output is, but for how it looks as HTML."""
    data = {"image" if kind.startswith("image/") else kind for kind in output.get("data", {})}
    return (output.output_type, *sorted(data - {"text/html"}))


def same_text(stored: str, now: str) -> bool:
    """Whether two texts have the same words, and numbers that are close.

    >>> same_text("accuracy 0.91 in 3.2 s", "accuracy 0.93 in 11 s")
    True
    >>> same_text("accepts  37.0% of friends", "accepts  40.7% of friends"), same_text("37.0%", "47.0%")
    (True, False)
    >>> same_text("(28, 28, 512)", "(14, 14, 512)"), same_text("right", "wrong")
    (False, False)
    """
    stored, now = (re.sub(r"\s+", " ", TIMES.sub("…", text)) for text in (stored, now))
    if NUMBER.sub("#", stored) != NUMBER.sub("#", now):
        return False
    return all(
        _close(_number(one), _number(other))
        for one, other in zip(NUMBER.findall(stored), NUMBER.findall(now), strict=True)
    )


def same_lines(stored: str, now: str) -> bool:
    """Whether two texts have lines of the same words, in any order and with any numbers.

    >>> same_lines("0 cat 0.21\\n1 dog 0.20", "0 dog 0.21\\n1 cat 0.20"), same_lines("0 cat 0.2", "0 dog 0.2")
    (True, False)
    """
    one, other = (
        sorted(" ".join(NUMBER.sub("#", line).split()) for line in text.splitlines()) for text in (stored, now)
    )
    return one == other


def _number(text: str) -> float:
    """A percentage is a share."""
    value = float(text.rstrip(" %").replace(",", "").replace("−", "-"))
    return value / 100 if text.endswith("%") else value


def _close(one: float, other: float) -> bool:
    if one.is_integer() and other.is_integer() and abs(one) >= 1 and abs(other) >= 1:
        return one == other
    return abs(one - other) <= max(SHARE, RELATIVE * abs(one))


def same_picture(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether two small pictures are close, on average over all pixels."""
    return bool(np.abs(one - other).mean() <= LEVELS)


def _pixels(output: NotebookNode) -> NDArray[np.float64] | None:
    stored = next((value for kind, value in output.get("data", {}).items() if kind.startswith("image/")), None)
    if stored is None:
        return None
    image = Image.open(io.BytesIO(base64.b64decode(stored))).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(image, float)
