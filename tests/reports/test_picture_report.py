"""The report of a network that paints pictures: it has scores and no classes."""

from __future__ import annotations

from pathlib import Path

import cnnkit as ck
from tests.tasks.worlds_of_pairs import SIDE, pairs


def test_it_tells_the_scores_of_pictures(tmp_path: Path) -> None:
    net = ck.tasks.resnet_generator((SIDE, SIDE), width=4, blocks=1)
    assert repr(net).splitlines()[0].endswith("→ pictures")
    page = ck.report(net, pairs().train, tmp_path / "report.html")
    text = Path(page).read_text(encoding="utf-8")
    assert "resnet_generator: pictures" in text
    assert "ssim" in text.lower()
