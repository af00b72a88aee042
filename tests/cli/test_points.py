"""Points on the command line: COCO's keypoints in, a bundle and a table of places out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cnnkit as ck
from cnnkit.cli.finetune_command import _plan
from cnnkit.errors import DataError
from cnnkit.scenes.coco_export import write_coco
from tests.cli.test_commands import run


def test_a_folder_of_keypoints_is_learned_evaluated_and_predicted(capsys, tmp_path: Path) -> None:
    root, bundle, table = write_coco(tmp_path / "set", 12, 3, size=64), tmp_path / "bundle", tmp_path / "points.parquet"
    options = ["--backbone", "nano", "--side", "64", "--deep-epochs", "1", "--train", "1", "--json"]
    code, text, error = run(capsys, "finetune", root, "--task", "points", "--out", bundle, *options)
    assert code == 0, error
    told = json.loads(text)
    assert set(told["oks"]) == {"validation", "test"}
    code, text, error = run(capsys, "evaluate", bundle, root, "--flip", "--json")
    assert code == 0, error
    photos = ck.data.point_folder(root)
    expected = ck.evaluate(ck.load(bundle), photos.test, flip=True)["oks"]
    assert json.loads(text)["scores"]["oks"] == pytest.approx(expected)
    code, _, error = run(capsys, "predict", bundle, root / "images", "--out", table, "--json")
    assert code == 0, error
    assert len(pd.read_parquet(table)) == 12
    assert {"id", "nose_x", "nose_y", "nose_score"} <= set(pd.read_parquet(table).columns)


@pytest.mark.parametrize(("target", "count", "epochs"), [("points", 10, 90), ("masks", 500, 16)])
def test_other_options_leave_as_many_epochs_as_are_needed(target: Any, count: int, epochs: int) -> None:
    """22,000 people, at most 90 times each; 5,400 parts of 350 photographs."""
    photos = ck.data.scenes(count, seed=1, size=32, target=target)
    for options in ((None, None, "1"), (7, None, None)):
        plan = _plan(photos, *options)
        assert plan is not None
        assert plan.phases[0].epochs == epochs
    plan = _plan(photos, None, 3, None)
    assert plan is not None
    assert plan.phases[0].epochs == 3


def test_a_folder_without_keypoints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"keypoints.*0 such files"):
        ck.data.point_folder(tmp_path)
    (tmp_path / "person_keypoints.json").write_text("{}")
    with pytest.raises(DataError, match="0 folders"):
        ck.data.point_folder(tmp_path)
