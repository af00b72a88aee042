"""Fields of COCO's JSON as columns: checked all at once, and one by one only to name the one that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import DataError

Rows = Sequence[Mapping[str, Any]]
NUMBERS, LISTS = {int, float}, {list, tuple}


def rows_of(value: object, name: str, kind: type = Mapping) -> list[Any]:
    """A list of mappings, or of another kind.

    Raises:
        DataError: Something else.
    """
    if isinstance(value, list | tuple):
        kinds = set(map(type, value))
        if all(issubclass(one, kind) for one in kinds):
            return list(value)
    raise DataError(f"{name} as a list of {kind.__name__.lower()}s", type(value).__name__, "See cocodataset.org.")


def ids(rows: Rows, key: str, table: str) -> list[int | str]:
    """A whole number or a text of each row.

    Raises:
        DataError: One has something else, or nothing.
    """
    values = [row.get(key) for row in rows]
    if not set(map(type, values)) <= {int, str}:
        for row, value in zip(rows, values, strict=True):
            if not isinstance(value, int | str):
                received = f"{dict(row)}"[:120]
                raise DataError(f"{key} in each of {table}", received, "Whole numbers, as COCO writes them.")
    return values  # type: ignore[return-value]  # all of them were looked at


def numbers(rows: Rows, key: str, table: str, default: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """(m,) a finite number of each row; of one without it, that of `default`.

    Raises:
        DataError: One has something else.
    """
    values = [row.get(key) for row in rows]
    if default is not None:
        values = [other if value is None else value for value, other in zip(values, default.tolist(), strict=True)]
    return _checked(values, (), lambda: _first(values, _is_number), f"a finite {key} in each of {table}", "Repair")


def lists(rows: Rows, key: str, table: str, count: int) -> NDArray[np.float64]:
    """(m, count) so many finite numbers of each row.

    Raises:
        DataError: One has something else.
    """
    values: list[Any] = [row.get(key) for row in rows]
    expected = f"{count} finite numbers as {key} in each of {table}"

    def wrong() -> object:
        return _first(values, lambda value: _is_list(value, count))

    if set(map(type, values)) <= LISTS and set(map(len, values)) <= {count}:
        return _checked(list(chain.from_iterable(values)), (count,), wrong, expected, "Leave")
    if all(_is_list(value, count) for value in values):
        return np.array([list(map(float, value)) for value in values], np.float64).reshape(-1, count)
    raise _refused(wrong(), expected, "Leave")


def _checked(
    values: list[Any], shape: tuple[int, ...], wrong: Callable[[], object], expected: str, verb: str
) -> NDArray[np.float64]:
    """(-1, *shape) if all are finite numbers."""
    if set(map(type, values)) <= NUMBERS or all(map(_is_number, values)):
        array = np.array(values, np.float64)
        if np.isfinite(array).all():
            return array.reshape(-1, *shape)
    raise _refused(wrong(), expected, verb)


def _refused(wrong: object, expected: str, verb: str) -> DataError:
    remedy = "Repair or leave out this one." if verb == "Repair" else "Leave out this one."
    return DataError(expected, str(wrong)[:80] if isinstance(wrong, list | tuple) else repr(wrong)[:80], remedy)


def _first(values: Sequence[Any], fine: Callable[[Any], bool]) -> object:
    """The first that is not fine."""
    return next((value for value in values if not fine(value)), None)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))


def _is_list(value: object, count: int) -> bool:
    return isinstance(value, Sequence | np.ndarray) and len(value) == count and all(map(_is_number, value))
