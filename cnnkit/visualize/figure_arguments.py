"""Arguments of figures, one row per name: the same name means the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from cnnkit.arguments import Argument, check_arguments, list_of, whole
from cnnkit.metrics.given_arrays import real
from cnnkit.visualize.dream_settings import DreamSettings


def _some_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _texts(value: Any) -> bool:
    return not isinstance(value, str) and list_of(value, str)


def _pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(whole(side, 0) for side in value)


ARGUMENTS = (
    Argument("count", lambda value: whole(value, 1), "a count of at least 1, a whole number", "12 fill a slide."),
    Argument("views", lambda value: whole(value, 1), "at least one view, a whole number", "Eight fill a slide."),
    Argument("rows", lambda value: whole(value, 1), "rows of at least 1, a whole number", "24 fill a slide."),
    Argument("most", lambda value: whole(value, 1), "at least one frame, a whole number", "60 are a film."),
    Argument(
        "columns",
        lambda value: value is None or whole(value, 1),
        "columns of at least 1, or None",
        "None fills a slide.",
    ),
    Argument("seed", lambda value: whole(value, 0), "a seed of 0 or more, a whole number", "0 is one."),
    Argument(
        "seconds",
        lambda value: isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) < float("inf"),
        "seconds from frame to frame, above 0",
        "0.1 is a film, 1 leaves time to read.",
    ),
    Argument("titles", _texts, "a title for each picture, a list of texts", 'Write ["one", "two"].'),
    Argument("colours", _texts, "a colour for each title, a list of names", 'Write ["#0072B2", "black"].'),
    Argument("title", lambda value: isinstance(value, str), "a title, a text", "An empty one is none."),
    Argument("decimals", lambda value: whole(value, 0), "decimals of 0 or more, a whole number", "1 is usual."),
    Argument(
        "step", lambda value: value is None or _some_whole(value), "the number of a step, or None", "None draws all."
    ),
    Argument("least", lambda value: real(value, 0, 1), "the least score, from 0 to 1", "0.25 shows what is likely."),
    Argument("kind", lambda value: isinstance(value, str), "the name of a pooling", 'Write "max" or "average".'),
    Argument("detail", lambda value: isinstance(value, str), "the name of a detail", 'Write "stages".'),
    Argument("layer", lambda value: value is None or isinstance(value, str), "the name of a layer", "model.summary()"),
    Argument(
        "layers",
        lambda value: isinstance(value, str) or _texts(value),
        "the name of a layer, or a list of names",
        "model.summary() lists them.",
    ),
    Argument(
        "position",
        lambda value: value is None or _pair(value),
        "a pixel as (row, column), or None",
        "None is the middle.",
    ),
    Argument(
        "channel", lambda value: value is None or _some_whole(value), "the number of a channel, or None", "None is all."
    ),
    Argument(
        "size",
        lambda value: value is None or whole(value, 1),
        "a side in pixels, or None",
        "None is the network's own.",
    ),
    Argument(
        "settings",
        lambda value: value is None or isinstance(value, DreamSettings),
        "settings of a dream, or None",
        "ck.visualize.DreamSettings(steps=20) are some.",
    ),
    Argument("path", lambda value: isinstance(value, str | Path), "a path of a file", 'Write "figure.png".'),
)


def check_figure(given: Mapping[str, object]) -> None:
    """Refuses values that arguments of a figure do not take.

    Args:
        given: Name → value, of those that have a row.

    Raises:
        InputError: The first of them is named.
    """
    check_arguments(ARGUMENTS, given)
