"""The commands with boxes: a folder of YOLO in, a bundle, its scores and boxes out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import cnnkit as ck
from tests.cli.test_commands import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures with a bright square each."""
    root, random = tmp_path / "squares", np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 2), ("test", 2)):
        for index in range(count):
            picture = random.integers(0, 60, (64, 64, 3), np.uint8)
            left, top, side = random.integers((0, 0, 16), (24, 24, 40))
            picture[top : top + side, left : left + side] += 150
            for place, name in (("images", f"{index}.png"), ("labels", f"{index}.txt")):
                (root / place / part).mkdir(parents=True, exist_ok=True)
                path = root / place / part / name
                if place == "images":
                    Image.fromarray(picture).save(path)
                else:
                    shares = np.array([left + side / 2, top + side / 2, side, side]) / 64
                    path.write_text(f"0 {' '.join(map(str, shares))}\n")
    (root / "data.yaml").write_text("names: [square]\n")
    return root


@pytest.mark.slow  # a detector on nano is compiled twice: some 20 CPU seconds
def test_from_a_folder_to_boxes(capsys, folder: Path, tmp_path: Path) -> None:
    bundle, out = tmp_path / "bundle", tmp_path / "boxes.parquet"
    options = ("--backbone", "nano", "--side", 64, "--head-epochs", 2, "--deep-epochs", 2, "--head", "ssd")
    code, text, error = run(capsys, "finetune", folder, "--out", bundle, *options, "--json")
    assert code == 0, error
    said = json.loads(text)
    assert said["classes"] == ["square"]
    assert set(said["AP50"]) == {"validation", "test"}
    code, text, error = run(capsys, "evaluate", bundle, folder, "--json")
    assert code == 0, error
    assert json.loads(text)["scores"]["AP50"] == pytest.approx(said["AP50"]["test"], abs=1e-6)
    pictures = folder / "images" / "test"
    looks = ("--flip", "--window", "48x48", "--overlap", 0.5)
    code, text, error = run(capsys, "predict", bundle, pictures, "--out", out, *looks, "--json")
    assert code == 0, error
    expected = ck.predict(ck.load(bundle), pictures, flip=True, window=(48, 48), overlap=0.5)
    found = pd.read_parquet(out)
    assert found.label.tolist() == expected.label.tolist()
    np.testing.assert_allclose(found.score, expected.score, rtol=1e-5)


def test_a_head_of_another_task_is_refused(capsys, folder: Path, tmp_path: Path) -> None:
    code, _, error = run(capsys, "finetune", folder, "--out", tmp_path / "b", "--backbone", "nano", "--head", "unet")
    assert code == 2
    assert "--head unet for boxes" in error.replace("\n", " ")
    assert "--task masks" in error.replace("\n", " ")
