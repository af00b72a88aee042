"""The one folder where features are kept: where it is, what it holds, how it is emptied."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FOLDER_VARIABLE = "CNNKIT_CACHE"
FORMER_FOLDER = Path("data", "cache")  # below the current directory, until version 0.1


def cache_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    r"""The user's folder for features: `CNNKIT_CACHE`, else a folder of the platform for what can be made again.

    That is `$XDG_CACHE_HOME/cnnkit`, by default `~/.cache/cnnkit`; on macOS `~/Library/Caches/cnnkit`; on Windows
    `%LOCALAPPDATA%\cnnkit\Cache`. It is never below the current directory because of where a program was started.

    Args:
        environment: The variables that say where.
        platform: As `sys.platform` names it.
    """
    if chosen := environment.get(FOLDER_VARIABLE):
        return Path(chosen).expanduser().absolute()
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home, in a container say
        home = Path(tempfile.gettempdir())
    if platform == "darwin":
        return home / "Library" / "Caches" / "cnnkit"
    if platform == "win32":
        local = environment.get("LOCALAPPDATA")
        return (Path(local) if local else home / "AppData" / "Local") / "cnnkit" / "Cache"
    stated = Path(environment.get("XDG_CACHE_HOME", ""))
    return (stated if stated.is_absolute() else home / ".cache") / "cnnkit"  # as the specification asks


def cache_entries(folder: str | Path | None = None) -> pd.DataFrame:
    """What is kept: one row per entry, which holds one view of the pictures of one source; last used first.

    Args:
        folder: Another folder than the user's.

    Returns:
        Columns key, bytes, used (the time of the last use), pictures, view (its number, or NA of pictures as they are),
        shapes (of the tensors of one picture), dtype.
    """
    import pandas as pd

    from cnnkit.transfer.feature_store import FeatureStore

    rows = []
    for place, size, used in FeatureStore(_root(folder)).entries():
        about: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            about = json.loads((place / "entry.json").read_text(encoding="utf-8"))
        layout, view = about.get("layout") or {}, about.get("view") or {}
        rows.append(
            {
                "key": place.name,
                "bytes": size,
                "used": datetime.fromtimestamp(used, UTC),
                "pictures": layout.get("pictures"),
                "view": view.get("number"),
                "shapes": [tuple(shape) for shape in layout.get("shapes", ())],
                "dtype": layout.get("dtype"),
            }
        )
    columns = ["key", "bytes", "used", "pictures", "view", "shapes", "dtype"]
    table = pd.DataFrame(rows, columns=columns).astype({"pictures": "Int64", "view": "Int64", "bytes": "int64"})
    return table.sort_values("used", ascending=False, ignore_index=True)


def clear_cache(folder: str | Path | None = None) -> int:
    """Removes all entries but those that a training uses at this moment; nothing else in the folder is touched.

    Args:
        folder: Another folder than the user's.

    Returns:
        How many bytes that made free.
    """
    from cnnkit.transfer.feature_store import FeatureStore

    store = FeatureStore(_root(folder))
    return sum(size for place, size, _ in store.entries() if store.remove(place.name))


def former_cache() -> tuple[Path, int] | None:
    """The folder below the current directory that versions until 0.1 used, with its bytes, where it still holds some.

    It is no longer read, and never removed: it is the user's.
    """
    from cnnkit.transfer.feature_store import FeatureStore

    place = FORMER_FOLDER.absolute()
    size = FeatureStore(place).used_bytes() if place.is_dir() and place != cache_folder() else 0
    return (place, size) if size else None


def _root(folder: str | Path | None) -> Path:
    return cache_folder() if folder is None else Path(folder).expanduser().absolute()
