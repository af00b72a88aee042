"""The decoder of `translator`: which maps it takes, how large it paints, and what it refuses."""

from __future__ import annotations

import pytest

import cnnkit as ck
from cnnkit.errors import InputError


@pytest.mark.parametrize(("widths", "finest", "taps"), [(5, 4, "P2 P3 P4 P5"), (5, 8, "P3 P4 P5"), (3, 2, "P1 P2 P3")])
def test_it_takes_the_levels_from_its_finest_skip_on(widths: int, finest: int, taps: str) -> None:
    head = ck.heads.translator(widths=(8,) * widths, finest=finest)
    assert head.taps == tuple(taps.split())


@pytest.mark.parametrize("name", ["nano", "mobilenet"])
def test_any_backbone_carries_it(name: str) -> None:
    body = ck.backbone(name, weights=None, input_shape=(64, 96, 3))
    net = ck.attach(body, ck.heads.translator(widths=(16, 8, 8, 8, 8)))
    assert net.model.output_shape == (None, 64, 96, 3)


def test_other_settings_are_refused() -> None:
    with pytest.raises(InputError, match="finest skip of 2, 4 or 8"):
        ck.heads.translator(finest=3)
    with pytest.raises(InputError, match="at least 3 widths"):
        ck.heads.translator(widths=(8, 8), finest=4)
    with pytest.raises(InputError, match="a seed"):
        ck.heads.translator(seed=-1)
