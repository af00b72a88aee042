"""`cnnkit predict`, as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import cnnkit as ck
from cnnkit.cli.predict_command import predict
from cnnkit.errors import BundleError, DataError, ImageFileError, InputError, UnknownNameError
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
    run(bundle, pictures / "2.png", "--out", out)
    older = out.read_bytes()
    with pytest.raises(ImageFileError, match=r"B\.png"):
        run(bundle, pictures, "--out", out, "--batch-size", 1)
    assert out.read_bytes() == older
    (pictures / "B.png").write_bytes(whole)
    said = json.loads(run(bundle, pictures, "--out", out, "--batch-size", 1, "--engine", "tensorflow", "--json"))
    assert (said["pictures"], said["kept"]) == (5, 0)  # all of them are one part
    assert len(read_predictions(out).table) == 5


def test_without_a_file_a_row_for_each_picture_is_printed(bundle: Path, pictures: Path) -> None:
    table = ck.predict(ck.load(bundle), pictures)
    lines = run(bundle, pictures).splitlines()
    assert [line.split()[::2] for line in lines[-5:]] == table[["label", "id"]].to_numpy().tolist()
    said = json.loads(run(bundle, pictures, "--json"))
    assert [row["id"] for row in said["predictions"]] == table["id"].tolist()
    assert [row["label"] for row in said["predictions"]] == table["label"].tolist()
    assert said["predictions"][1]["probabilities"] == pytest.approx(table.loc[1, ["a", "b", "c"]].to_dict(), abs=1e-6)
    assert said["labels"] == table["label"].value_counts().to_dict()


def test_a_file_is_written_as_what_it_is_called(bundle: Path, pictures: Path, tmp_path: Path) -> None:
    wanted = ck.predict(ck.load(bundle), pictures)
    for name, read in (("p.parquet", pd.read_parquet), ("p.csv", pd.read_csv), ("Q.CSV", pd.read_csv)):
        for _ in range(2):  # the second time it replaces its own
            run(bundle, pictures, "--out", tmp_path / name, "--batch-size", 2)
        pd.testing.assert_frame_equal(read(tmp_path / name), wanted, check_dtype=False, atol=1e-6)
    for name in ("p.txt", "p.jpg", "p", "p.parquet.bak"):
        with pytest.raises(UnknownNameError, match=r"ends in \.parquet or \.csv"):
            run(bundle, pictures, "--out", tmp_path / name)


NOT_REPLACED = {
    "notes.csv": "id,label\n1,rose\n",
    "other.csv": "id,label,a,b\n",
    "empty line.csv": "\nid,label,a,b,c\n",
    "latin.csv": "caf\u00e9;\u00fc\n",
    "text.parquet": "mine",
}


@pytest.mark.parametrize("name", NOT_REPLACED)
def test_what_is_not_its_own_is_replaced_by_force_only(bundle: Path, pictures: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    content = NOT_REPLACED[name].encode("latin-1")
    out.write_bytes(content)
    with pytest.raises(InputError, match="--force"):
        run(bundle, pictures, "--out", out)
    assert out.read_bytes() == content
    assert sorted(tmp_path.iterdir()) == sorted([out, pictures])
    run(bundle, pictures, "--out", out, "--force")
    assert out.read_bytes() != content


def test_a_table_of_others_is_not_replaced(bundle: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.parquet"
    pd.DataFrame({"id": ["x"], "label": ["a"]}).to_parquet(out)
    with pytest.raises(InputError, match="something else"):
        run(bundle, pictures, "--out", out)
    assert len(pd.read_parquet(out)) == 1
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(InputError, match="the folder"):
        run(bundle, pictures, "--out", tmp_path / "folder.parquet", "--force")


def test_pictures_and_the_files_of_a_bundle_are_never_replaced(bundle: Path, tmp_path: Path, monkeypatch) -> None:
    picture = tmp_path / "photo.csv"  # whatever it is called
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(picture, format="png")
    content = picture.read_bytes()
    (tmp_path / "deep").mkdir()
    for out in (picture, tmp_path / "deep" / ".." / "photo.csv"):
        with pytest.raises(InputError, match="one of the pictures"):
            run(bundle, picture, "--out", out, "--force")
    assert picture.read_bytes() == content
    for folder in (bundle, bundle / ".." / bundle.name):
        with pytest.raises(InputError, match="one of the bundle's own"):
            run(bundle, picture, "--out", folder / "history.parquet", "--force")
    monkeypatch.chdir(bundle)
    with pytest.raises(InputError, match="one of the bundle's own"):
        run(".", picture, "--out", "history.parquet", "--force")


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
