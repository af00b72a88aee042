"""`cnnkit predict`, as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import cnnkit as ck
from cnnkit.cli.predict_command import predict
from cnnkit.errors import BundleError, DataError, ImageFileError, UnknownNameError
from cnnkit.export.bundle import save
from cnnkit.export.manifest import read_manifest
from cnnkit.export.prediction_table import read_predictions
from tests.export.tiny_network import tiny_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = ck.attach(ck.backbone(tiny_model()), ck.heads.classifier(["a", "b", "c"]))
    return save(net, tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "deep" / "er").mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name in ("10.png", "2.png", "deep/er/x.png", "deep/1.png", "B.png"):
        Image.fromarray(generator.integers(0, 256, (20, 30, 3), np.uint8)).save(folder / name)
    return folder


def run(*arguments: object) -> str:
    app = typer.Typer()
    app.command()(predict)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_row_a_picture_in_natural_order(bundle: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.parquet"
    said = json.loads(run(bundle, pictures, "--out", out, "--batch-size", 2, "--json"))
    found = read_predictions(out)
    assert found.table["id"].tolist() == ["2.png", "10.png", "B.png", "deep/1.png", "deep/er/x.png"]
    assert found.classes == ("a", "b", "c")
    assert found.model_hash == said["model_hash"] == read_manifest(bundle).model_hash
    assert said["pictures"] == sum(said["labels"].values()) == 5
    assert said["skipped"] == []
    wanted = ck.predict(ck.load(bundle), pictures).set_index("id").loc[found.table["id"]]
    np.testing.assert_allclose(found.table[["a", "b", "c"]].to_numpy(), wanted[["a", "b", "c"]].to_numpy(), atol=1e-6)


def test_one_picture_and_words_for_people(bundle: Path, pictures: Path, tmp_path: Path) -> None:
    said = run(bundle, pictures / "2.png", "--out", tmp_path / "p.parquet")
    assert "1 of 1 pictures" in said
    assert f"1 rows in {tmp_path / 'p.parquet'}" in said.replace("\n", "")
    assert read_predictions(tmp_path / "p.parquet").table["id"].tolist() == ["2.png"]


def test_broken_pictures_are_refused_or_listed(bundle: Path, pictures: Path, tmp_path: Path) -> None:
    (pictures / "empty.jpg").write_bytes(b"")
    (pictures / "text.png").write_text("no picture")
    whole = (pictures / "2.png").read_bytes()
    (pictures / "cut.png").write_bytes(whole[: len(whole) // 2])
    out = tmp_path / "p.parquet"
    with pytest.raises(ImageFileError):
        run(bundle, pictures, "--out", out)
    assert not out.exists()
    said = json.loads(run(bundle, pictures, "--out", out, "--on-error", "skip", "--json"))
    assert said["pictures"] == 5
    assert sorted(row["path"] for row in said["skipped"]) == ["cut.png", "empty.jpg", "text.png"]
    assert "skipped cut.png" in run(bundle, pictures, "--out", out, "--on-error", "skip")


def test_a_picture_that_breaks_on_the_way_leaves_the_old_file(bundle: Path, pictures: Path, tmp_path: Path) -> None:
    whole = (pictures / "B.png").read_bytes()
    (pictures / "B.png").write_bytes(whole[: len(whole) // 2])  # its beginning is right
    out = tmp_path / "p.parquet"
    out.write_text("older")
    with pytest.raises(ImageFileError, match=r"B\.png"):
        run(bundle, pictures, "--out", out, "--batch-size", 1)
    assert out.read_text() == "older"
    (pictures / "B.png").write_bytes(whole)
    said = json.loads(run(bundle, pictures, "--out", out, "--batch-size", 1, "--engine", "tensorflow", "--json"))
    assert (said["pictures"], said["kept"]) == (5, 0)  # all of them are one part
    assert len(read_predictions(out).table) == 5


def test_wrong_use(bundle: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.parquet"
    with pytest.raises(UnknownNameError, match="skip"):
        run(bundle, pictures, "--out", out, "--on-error", "skipp")
    with pytest.raises(UnknownNameError, match="openvino"):
        run(bundle, pictures, "--out", out, "--engine", "openvin")
    with pytest.raises(UnknownNameError, match="scaled"):
        run(bundle, pictures, "--out", out, "--decode", "scale")
    with pytest.raises(UnknownNameError, match="bfloat16"):
        run(bundle, pictures, "--out", out, "--precision", "float16")
    with pytest.raises(DataError):
        run(bundle, tmp_path / "nowhere", "--out", out)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        run(pictures, pictures, "--out", out)
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match="to write"):
        run(bundle, pictures, "--out", tmp_path / "file" / "p.parquet")
    assert not out.exists()
