"""Checks of tables from a caller."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from cnnkit.errors import InputError


def rows_of(table: object, columns: Collection[str], remedy: str) -> pd.DataFrame:
    """Returns `table` if it has rows and these columns.

    Args:
        table: A table, or anything else.
        columns: Names that it must have.
        remedy: Where such a table comes from.

    Raises:
        InputError: It has not, or is no table.
    """
    if not isinstance(table, pd.DataFrame) or table.empty or not {*columns} <= {*table}:
        received = f"{len(table)} rows of {list(table)}" if isinstance(table, pd.DataFrame) else type(table).__name__
        raise InputError(f"rows with the columns {', '.join(columns)}", received, remedy)
    return table
