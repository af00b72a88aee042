from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.photographs import FOLDER, photograph
from cnnkit.errors import UnknownNameError


def test_every_photograph_that_ships_has_its_licence() -> None:
    licences = (FOLDER / "LICENSES.txt").read_text(encoding="utf-8")
    files = sorted(FOLDER.glob("*.jpg"))
    assert [file.name for file in files] == ["astronaut.jpg", "cat.jpg"]
    assert all(file.name in licences for file in files)
    assert sum(file.stat().st_size for file in files) < 120_000


def test_they_are_photographs() -> None:
    for name, shape in (("astronaut", (512, 512, 3)), ("cat", (300, 451, 3))):
        picture = ck.data.photograph(name)
        assert (picture.shape, picture.dtype) == (shape, np.uint8)
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10_000, "a drawing has few colours"


def test_another_name() -> None:
    with pytest.raises(UnknownNameError, match="astronaut"):
        photograph("astronout")
