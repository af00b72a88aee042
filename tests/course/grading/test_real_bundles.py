"""Bundles of the networks that students really use pass the whole gate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.course.submissions import Assignment, check
from cnnkit.export import write_column

SPEC = Assignment(name="person", title="Person or not")
SLOW = ("resnet50", "efficientnet_b0", "vgg16")


@pytest.mark.parametrize(
    "name",
    ["mobilenet", "mobilenet_v2", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)],
)
def test_a_saved_network_passes(name: str, tmp_path: Path) -> None:
    net = ck.attach(ck.backbone(name, weights=None), ck.heads.classifier(["no_person", "person"], dropout=0.3))
    folder = ck.save(net, tmp_path / "submission")
    write_column(folder / "predictions.parquet", [np.linspace(0, 1, SPEC.rows)], column=SPEC.column)
    (folder / "train.py").write_text("import cnnkit\n")
    report = check(folder, SPEC)
    assert (report.outcome, report.findings) == ("passed", ())
