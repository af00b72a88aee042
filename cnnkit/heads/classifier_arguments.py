"""The arguments of a classifier: brought to one form, and checked by a table of conditions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal, TypeGuard, get_args

from cnnkit.data.targets.column import refuse_column_names
from cnnkit.errors import InputError, unknown_name
from cnnkit.heads.losses import BALANCED, FOCAL, LossName

ClassWeight = Literal["balanced"] | tuple[float, ...] | None
GivenWeight = Literal["balanced"] | Sequence[float] | Mapping[str, float] | Mapping[int, float] | None
Threshold = float | tuple[float, ...]

POOLINGS = ("average", "max", "flatten")


def class_names(classes: object) -> tuple[str, ...]:
    """The classes as texts.

    Raises:
        InputError: One text, no list, or something else among them.
    """
    fine = isinstance(classes, Iterable) and not isinstance(classes, str | bytes | Mapping)
    names = tuple(classes) if fine and isinstance(classes, Iterable) else ()
    if not fine or not all(isinstance(name, str | Integral) and not isinstance(name, bool) for name in names):
        received = repr(classes).partition("\n")[0]  # a dataset prints as a table
        raise InputError("a list of class names", received, 'Give ["no_person", "person"], or photos.classes.')
    return tuple(str(name) for name in names)


def hidden_units(hidden: object) -> tuple[int, ...]:
    """Units of each hidden layer as Python integers: a layer refuses NumPy's.

    Raises:
        InputError: Other than positive whole numbers.
    """
    given = hidden if isinstance(hidden, Iterable) and not isinstance(hidden, str) else (hidden,)
    units = list(given)
    if not all(isinstance(unit, Integral) and not isinstance(unit, bool) and int(unit) >= 1 for unit in units):
        raise InputError("positive numbers of hidden units", repr(hidden), "Use hidden=() for none.")
    return tuple(int(unit) for unit in units)


def weights_in_order(given: object, classes: tuple[str, ...]) -> ClassWeight:
    """The weights in the order of the classes.

    Raises:
        InputError: Keys other than the classes, or no numbers.
    """
    if given is None or isinstance(given, str):
        return given  # type: ignore[return-value]  # another text is refused by `check_fields`
    return _in_order(given, classes, "weight", 'class_weight="balanced"')


def thresholds(given: object, classes: tuple[str, ...]) -> Threshold:
    """One threshold for all classes, or those of the classes in their order.

    Raises:
        InputError: Keys other than the classes, or no numbers.
    """
    return (
        float(given)
        if isinstance(given, Real) and not isinstance(given, bool)
        else _in_order(given, classes, "threshold", "threshold=0.5")
    )


def check_fields(head: Any) -> None:
    """Refuses what no `Classifier` can be.

    Raises:
        InputError: The first condition that does not hold.
        UnknownNameError: No such loss or pooling.
    """
    if head.pooling not in POOLINGS:
        raise unknown_name("a pooling", str(head.pooling), POOLINGS)
    if head.loss_name not in get_args(LossName):
        raise unknown_name("a loss", str(head.loss_name), get_args(LossName))
    refuse_column_names(head.classes)
    for fine, expected, received, remedy in _conditions(head):
        if not fine:
            raise InputError(expected, received, remedy)


def _conditions(head: Any) -> Iterator[tuple[bool, str, str, str]]:
    """(whether it holds, what is expected, what was received, what to do)."""
    classes, weight, limit = list(head.classes), head.class_weight, head.threshold
    limits = limit if isinstance(limit, tuple) else (limit,)
    weighed = weight is not None or head.loss_name in BALANCED
    weighing = f"class_weight={weight!r}, loss={head.loss_name!r}"
    numbers = {name: getattr(head, name) for name in ("dropout", "label_smoothing", "gamma", "beta")}

    yield isinstance(head.multi_label, bool), "multi_label=True or False", repr(head.multi_label), "Choose one."
    yield isinstance(head.seed, Integral), "a seed as a whole number", repr(head.seed), "0 is the default."
    for name, value in numbers.items():
        yield _is_number(value), f"{name} as a number", repr(value), "See the docstring of ck.heads.classifier."
    yield (
        len(classes) >= 2 or head.multi_label,
        "at least two classes",
        f"classes={classes}",
        'Name both, e.g. classes=["no_person", "person"]: one class leaves nothing to decide.',
    )
    different = bool(classes) and len(set(classes)) == len(classes)
    yield different, "classes with different names", f"{classes}", "Give each class one name of its own."
    yield all(classes), "classes with names", f"{classes}", "An empty text is no name."
    yield (
        not head.multi_label or not any("|" in name for name in classes),
        'labels without "|", which joins several of them',
        f"{[name for name in classes if '|' in name]}",
        "Rename them.",
    )
    yield 0 <= head.dropout < 1, "0 <= dropout < 1", f"{head.dropout}", "It is the part of the units that is dropped."
    smoothing = head.label_smoothing
    yield 0 <= smoothing < 1, "0 <= label_smoothing < 1", f"{smoothing}", "0.1 is the usual choice."
    yield 0 <= head.gamma < math.inf, "gamma of at least 0", f"{head.gamma}", "2 is the paper's choice."
    yield 0 <= head.beta < 1, "0 <= beta < 1", f"{head.beta}", "0.999 is the default."
    yield (
        head.gamma == 2 or head.loss_name in FOCAL,
        "gamma with a focal loss",
        f"loss={head.loss_name!r}, gamma={head.gamma}",
        'Use loss="focal", or leave gamma out.',
    )
    yield (
        head.beta == 0.999 or head.loss_name in BALANCED,
        "beta with a class-balanced loss",
        f"loss={head.loss_name!r}, beta={head.beta}",
        'Use loss="class_balanced", or leave beta out.',
    )
    known = not isinstance(weight, str) or weight == "balanced"
    yield known, 'class_weight="balanced", weights or None', repr(weight), "Choose one of them."
    yield (
        not (weighed and head.multi_label),
        "no weights of classes in a multi-label head",
        weighing,
        'A picture with several labels has no single class to weigh it by; loss="focal" needs none.',
    )
    yield (
        not (weight is not None and head.loss_name in BALANCED),
        "weights of classes from one place",
        weighing,
        "A class-balanced loss makes its own: use class_weight=None.",
    )
    if isinstance(weight, tuple):
        yield (
            len(weight) == len(classes),
            f"one weight for each of the {len(classes)} classes",
            f"{len(weight)} weights",
            'Give them in the order of classes, or class_weight="balanced".',
        )
        yield (
            all(0 < value < math.inf for value in weight),
            "finite class weights above 0",
            f"{list(weight)}",
            "1 is the weight of an ordinary class; leave a class that shall not be learned out of the data.",
        )
    yield all(0 < value < 1 for value in limits), "0 < threshold < 1", f"{limit}", "0.5 is the usual one."
    yield (
        head.multi_label or not isinstance(limit, tuple),
        "one threshold for a head with one label",
        f"{len(limits)} of them",
        "It is that of the second class; with multi_label=True each class can have its own.",
    )
    yield (
        head.multi_label or len(classes) == 2 or limit == 0.5,
        f"no threshold for one label of {len(classes)}",
        f"threshold={limit}",
        "The likeliest class is decided for; two classes, or several labels, have a threshold.",
    )
    yield (
        not isinstance(limit, tuple) or len(limits) == len(classes),
        f"one threshold for each of the {len(classes)} classes",
        f"{len(limits)} of them",
        "Give them in the order of the classes, or by name.",
    )


def _in_order(given: object, classes: tuple[str, ...], what: str, instead: str) -> tuple[float, ...]:
    """Numbers of the classes in their order."""
    values: list[Any]
    if not isinstance(given, Mapping):
        values = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    else:
        by_key: Mapping[Any, Any] = given
        keys = next((keys for keys in (classes, range(len(classes))) if set(by_key) == set(keys)), None)
        if keys is None:
            raise InputError(
                f"a {what} for each of the classes {list(classes)}, by name or by index",
                f"{what}s of {list(given)}",
                f"Give each of them one, or {instead}.",
            )
        values = [by_key[key] for key in keys]
    if not all(_is_number(value) for value in values):
        raise InputError(f"{what}s as numbers", f"{given!r}"[:200], f"Give one for each class, or {instead}.")
    return tuple(float(value) for value in values)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)
