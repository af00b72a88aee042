"""The commands with masks: a folder in, a bundle, its scores and masks out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.cli.given_folder import task_of, values_of
from tests.cli.test_commands import run
from tests.transfer.test_passes import body, masks_of


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    """Twelve pictures: the left of each is dark, the right bright; the border between is void, 9."""
    folder = tmp_path / "streets"
    random = np.random.default_rng(0)
    for part, count in (("train", 8), ("val", 2), ("test", 2)):
        for name in (part, f"{part}annot"):
            (folder / name).mkdir(parents=True)
        for index in range(count):
            mask = np.zeros((40, 60), np.uint8)
            edge = int(random.integers(15, 45))
            mask[:, edge:] = 1
            picture = (40 + 150 * mask[..., None] + random.integers(0, 40, (40, 60, 3))).astype(np.uint8)
            mask[:, edge] = 9
            Image.fromarray(picture).save(folder / part / f"{index}.png")
            Image.fromarray(mask).save(folder / f"{part}annot" / f"{index}.png")
    (folder / "classes.txt").write_text("dark\nbright\n")
    return folder


@pytest.mark.slow  # a U-Net on nano is compiled twice: some 20 CPU seconds
def test_from_a_folder_to_masks(capsys, streets: Path, tmp_path: Path) -> None:
    bundle, out = tmp_path / "bundle", tmp_path / "out"
    options = ("--backbone", "nano", "--weights", "none", "--deep-epochs", 4, "--train", "all", "--void", 9)
    code, text, error = run(capsys, "finetune", streets, "--out", bundle, *options, "--json")
    assert code == 0, error
    said = json.loads(text)
    assert said["classes"] == ["dark", "bright"]
    assert set(said["mean_iou"]) == {"validation", "test"}
    code, text, error = run(capsys, "evaluate", bundle, streets, "--void", 9, "--json")
    assert code == 0, error
    assert json.loads(text)["scores"]["mean_iou"] == pytest.approx(said["mean_iou"]["test"], abs=1e-6)
    code, text, error = run(capsys, "predict", bundle, streets / "test", "--out", out, "--json")
    assert code == 0, error
    assert json.loads(text)["pixels"].keys() == {"dark", "bright"}
    assert np.asarray(Image.open(out / "1.png")).shape == (40, 60)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network of five convolutions that sees 32 × 48 pixels."""
    return ck.save(
        ck.attach(body(), ck.heads.fcn(["dark", "bright"], stride=8)), tmp_path_factory.mktemp("bundles") / "b"
    )


WAYS = {
    "": {},
    "--flip": {"flip": True},
    "--window input": {"window": True},
    "--window 24X30 --overlap 0.5 --flip": {"window": (24, 30), "overlap": 0.5, "flip": True},
}


def test_windows_and_mirror_images_are_those_of_python(capsys, streets: Path, bundle: Path, tmp_path: Path) -> None:
    """Of each way to look the command says what Python says, and no two ways say the same."""
    net, photos = ck.load(bundle), ck.data.mask_folder(streets, void=9)
    losses = []
    for number, (words, way) in enumerate(WAYS.items()):
        code, text, error = run(capsys, "evaluate", bundle, streets, "--void", 9, "--json", *words.split())
        assert code == 0, error
        scores = json.loads(text)["scores"]
        assert scores == pytest.approx(ck.evaluate(net, photos.test, **way))
        losses.append(scores["loss"])
        folder = tmp_path / str(number)
        code, _, error = run(capsys, "predict", bundle, streets / "test", "--out", folder, *words.split())
        assert code == 0, error
        for place, mask in enumerate(masks_of(ck.predict(net, photos.test, **way))):
            assert (np.asarray(Image.open(folder / f"{place}.png")) == mask).all()
    assert len(set(losses)) == len(WAYS)
    table = tmp_path / "p.parquet"  # of the last way
    code, _, error = run(capsys, "predict", bundle, streets / "test", "--out", table, *words.split())
    assert code == 0, error
    for place, mask in enumerate(masks_of(pd.read_parquet(table))):
        assert (np.asarray(Image.open(folder / f"{place}.png")) == mask).all()


def test_all_parts_at_once(capsys, streets: Path, bundle: Path) -> None:
    code, text, error = run(capsys, "evaluate", bundle, streets, "--void", 9, "--part", "all", "--json")
    assert code == 0, error
    said, pixels = json.loads(text), 12 * 40 * 59
    assert said["pictures"] == 12
    parts = ck.data.mask_folder(streets, void=9).parts().values()
    right = sum(ck.evaluate(ck.load(bundle), part)["pixel_accuracy"] * len(part) for part in parts)
    assert said["scores"]["pixel_accuracy"] == pytest.approx(right * 40 * 59 / pixels)


@pytest.mark.parametrize(
    ("words", "expected", "code"),
    [
        ("--window 24", "HEIGHTxWIDTH", 2),
        ("--window 0x24", "HEIGHTxWIDTH", 2),
        ("--window inptu", "HEIGHTxWIDTH", 2),
        ("--window input --overlap 1", "overlap from 0", 2),
    ],
)
def test_wrong_windows_are_refused(capsys, streets: Path, bundle: Path, words: str, expected: str, code: int) -> None:
    for command in (("evaluate", bundle, streets, "--void", 9), ("predict", bundle, streets / "test")):
        found, _, error = run(capsys, *command, *words.split())
        assert (found, expected in error) == (code, True), error


def test_a_table_of_text_holds_no_masks(capsys, streets: Path, bundle: Path, tmp_path: Path) -> None:
    code, _, error = run(capsys, "predict", bundle, streets / "test", "--out", tmp_path / "p.csv")
    assert code == 2
    assert "PNG" in error
    assert not (tmp_path / "p.csv").exists()


def test_the_names_of_folders_say_the_task(streets: Path, tmp_path: Path) -> None:
    (tmp_path / "photos" / "train").mkdir(parents=True)
    assert task_of(streets, None) == "masks"
    assert task_of(tmp_path / "photos", None) == task_of(tmp_path / "nowhere", None) == "labels"
    assert task_of(streets, "labels") == "labels"


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (("2", "5"), {"2": 2, "5": 5}),
        (("#000000", "#800000"), {"#000000": (0, 0, 0), "#800000": (128, 0, 0)}),
        (("sky", "5"), ["sky", "5"]),
    ],
)
def test_classes_that_masks_named_are_read_again(names: tuple[str, ...], values: object) -> None:
    assert values_of(names) == values


def test_a_head_that_is_none_is_refused(capsys, streets: Path, tmp_path: Path) -> None:
    code, _, error = run(capsys, "finetune", streets, "--out", tmp_path / "b", "--head", "unett", "--void", 9)
    assert code != 0
    assert "unet" in error
    code, _, error = run(capsys, "finetune", streets, "--out", tmp_path / "b", "--head", "unet", "--task", "labels")
    assert code != 0
