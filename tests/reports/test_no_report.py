"""What has no report, and is told so."""

from __future__ import annotations

from pathlib import Path

import pytest

import cnnkit as ck
from cnnkit.errors import InputError
from tests.transfer.people import network, people


def test_an_embedding_says_nothing_of_one_picture(tmp_path: Path) -> None:
    photos = people(4, 3, split=(2, 0))
    with pytest.raises(InputError, match="compares pictures"):
        ck.report(network(photos.train), photos, out=tmp_path / "report.html")
    assert not list(tmp_path.iterdir())
