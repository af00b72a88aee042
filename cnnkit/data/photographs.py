"""Two photographs that ship with cnnkit: an astronaut by NASA (public domain) and a cat (CC0).

`cnnkit/data/photos/LICENSES.txt` names their sources.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.decode import decode_file
from cnnkit.errors import unknown_name

FOLDER = Path(__file__).parent / "photos"


def photograph(name: str = "astronaut") -> NDArray[np.uint8]:
    """A photograph that ships with cnnkit.

    Args:
        name: `"astronaut"` (512 × 512) or `"cat"` (300 × 451).

    Returns:
        (h, w, 3), RGB, uint8.

    Raises:
        UnknownNameError: Another name.

    >>> photograph().shape, photograph("cat").shape
    ((512, 512, 3), (300, 451, 3))
    """
    files = {file.stem: file for file in sorted(FOLDER.glob("*.jpg"))}
    if not isinstance(name, str) or name not in files:
        raise unknown_name("a photograph", str(name), files)
    return decode_file(files[name])
