"""The backbones that `compare` is asked for, checked before the first of them is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeAlias

import keras

from cnnkit.backbones.extractor import Backbone, backbone
from cnnkit.backbones.table import ROWS, check_alpha, find_row
from cnnkit.errors import InputError

AnyBackbone: TypeAlias = str | tuple[str, float] | Backbone | keras.Model
Weights: TypeAlias = str | Path | None

EXAMPLE = '["mobilenet", ("mobilenet", 0.25), ck.backbone("nano")] are three.'


@dataclass(frozen=True, eq=False)
class Candidate:
    """One backbone of a comparison.

    Attributes:
        name: What its rows are called.
        given: The backbone, or its name.
        alpha: Width of a backbone given by name; None where it has none.
    """

    name: str
    given: str | Backbone
    alpha: float | None = None

    def build(self, weights: Weights, seed: int) -> Backbone:
        """The backbone, built where only its name was given."""
        if isinstance(self.given, Backbone):
            return self.given
        return backbone(self.given, weights=weights, alpha=self.alpha, seed=seed)


def candidates(
    backbones: AnyBackbone | Sequence[AnyBackbone], alpha: float | Sequence[float | None] | None, weights: Weights
) -> list[Candidate]:
    """What the caller asks to compare, one `Candidate` per backbone, in the given order.

    Raises:
        InputError: No backbone, the same one twice, something that is no backbone, or a width that one does not have.
        UnknownNameError: A name that no backbone has.
    """
    listed = [backbones] if _alone(backbones) else list(backbones) if isinstance(backbones, Iterable) else [backbones]
    if not (weights is None or isinstance(weights, str | Path)):
        raise InputError('weights="imagenet", a file or None', repr(weights)[:200], "None means random ones.")
    widths = _widths(alpha, len(listed))
    requested = [_candidate(one, width, weights) for one, width in zip(listed, widths, strict=True)]
    names = Counter(candidate.name for candidate in requested)
    if not requested or max(names.values()) > 1:
        raise InputError("different backbones, at least one", str(list(names.elements())), EXAMPLE)
    return requested


def check_cuts(cuts: int | str | Sequence[str]) -> None:
    """Refuses what is neither a number of cuts nor names of cuts.

    Raises:
        InputError: Something else, or no cuts.
    """
    number = isinstance(cuts, Integral) and not isinstance(cuts, bool)
    named = not isinstance(cuts, str | Integral) and isinstance(cuts, Sequence)
    fine = cuts >= 1 if number else bool(cuts) if isinstance(cuts, str) else named and bool(cuts)  # type: ignore[operator]
    if not fine or (named and not all(isinstance(cut, str) for cut in cuts)):  # type: ignore[union-attr]
        raise InputError(
            "at least one cut: how many, or names",
            f"cuts={cuts!r}"[:200],
            "cuts=1 compares the backbones whole; .cuts() of a backbone lists its names.",
        )


def _alone(given: Any) -> bool:
    """Whether it is one backbone: a name, a name with its width, or a network."""
    pair = isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str) and _number(given[1])
    return pair or isinstance(given, str | Backbone | keras.Model)


def _widths(alpha: Any, count: int) -> list[float | None]:
    if alpha is None or _number(alpha):
        return [alpha] * count
    widths = list(alpha) if isinstance(alpha, Sequence) and not isinstance(alpha, str | bytes) else []
    if len(widths) != count or not all(width is None or _number(width) for width in widths):
        raise InputError(
            f"alpha as one width, or one for each of the {count} backbones",
            f"alpha={alpha!r}"[:200],
            'A backbone can bring its own: ("mobilenet", 0.25).',
        )
    return widths


def _candidate(one: Any, alpha: float | None, weights: Weights) -> Candidate:
    if isinstance(one, Backbone | keras.Model):
        if alpha is not None:
            raise InputError("no alpha beside a network", f"alpha={alpha}", "It has its width already.")
        body = backbone(one)
        return Candidate(name_of(body), body)
    name, width = one if isinstance(one, tuple) and _alone(one) else (one, alpha)
    if not isinstance(name, str):
        raise InputError("names of backbones, or backbones", f"{type(one).__name__}: {one!r}"[:200], EXAMPLE)
    row = find_row(name)
    checked = check_alpha(row, width, pretrained=weights == "imagenet")
    text = "" if checked in (None, 1.0) else f" α={checked:g}"
    return Candidate(f"{name}{text}", name, checked)


def name_of(body: Backbone) -> str:
    """A backbone's name with what sets it apart."""
    settings, row = body.settings, ROWS.get(body.name)
    side = settings.input_shape[0]
    return "".join(
        (
            body.name,
            "" if settings.alpha in (None, 1.0) else f" α={settings.alpha:g}",
            "" if row is not None and side == row.side else f" {side} px",
            " random" if settings.weights is None else "",
        )
    )


def _number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
