"""The command line as a person uses it: what it prints, what it leaves, how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from cnnkit import cli
from cnnkit.cli import COMMANDS, main
from cnnkit.errors import InterruptedTrainingError
from cnnkit.scenes import write_folders

TRAIN = ["--backbone", "mobilenet", "--alpha", "0.25", "--weights", "none", "--side", "32", "--no-augment"]
SHORT = ["--head-epochs", "1", "--deep-epochs", "1"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folders(tmp_path_factory.mktemp("photos"), 40, seed=0, size=48)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as exit_of:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(exit_of.value.code or 0), out, err


@pytest.mark.parametrize("command", [command.__name__ for command in COMMANDS])
def test_every_command_explains_itself_with_an_example(command: str, capsys) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert f"Example: cnnkit {command}" in " ".join(out.split())
    assert "--json" in out


def test_a_training_that_is_stopped_says_what_was_kept(monkeypatch, capsys) -> None:
    def train() -> None:
        raise InterruptedTrainingError("training to run to its end", "Ctrl-C", "The last checkpoint is kept in here.")

    def other() -> None: ...

    monkeypatch.setattr(cli, "COMMANDS", (train, other))
    code, _, err = run(capsys, "train")
    assert code == 130
    assert "The last checkpoint is kept in here." in err


def test_the_road_from_a_folder_to_a_table(photos, tmp_path, capsys) -> None:
    bundle = tmp_path / "runs" / "persons"
    code, out, _ = run(capsys, "finetune", photos, "--out", bundle, *TRAIN, *SHORT, "--json")
    assert code == 0
    result = json.loads(out)
    assert result["classes"] == ["no_person", "person"]
    assert set(result["accuracy"]) == {"validation", "test"}
    names = {"model.json", "model.weights.h5", "manifest.json", "history.parquet"}
    assert {file.name for file in bundle.iterdir()} == names
    assert [entry.name for entry in bundle.parent.iterdir()] == ["persons"]  # no checkpoint left
    table = tmp_path / "predictions.parquet"
    code, out, _ = run(capsys, "predict", bundle, photos / "test", "--out", table)
    assert code == 0
    assert "rows in" in out
    rows = pd.read_parquet(table)
    assert list(rows.columns) == ["id", "label", "no_person", "person"]
    assert len(rows) == 6
    assert rows["id"].tolist() == sorted(rows["id"])


def test_it_speaks_to_a_person_when_not_asked_for_json(photos, tmp_path, capsys) -> None:
    short = ("--head-epochs", "1", "--deep-epochs", "0")
    code, out, err = run(capsys, "finetune", photos, "--out", tmp_path / "b", *TRAIN, *short)
    assert code == 0
    assert "test accuracy" in out
    assert "parameters train" in err
    assert "cnnkit predict" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--backbone", "mobilnet"], 2, "mobilenet"),
        (["--cut", "nowhere", *TRAIN], 2, "cut"),
        (["--train", "stage9", *TRAIN, *SHORT], 2, "stage"),
        (["--on-error", "ignore"], 2, "raise"),
        (["--seed", "one"], 2, "seed"),
        (["--head-epochs", "0", "--deep-epochs", "0", *TRAIN], 2, "at least one epoch"),
    ],
)
def test_used_wrongly(photos, tmp_path, capsys, arguments, code, message) -> None:
    out = tmp_path / "bundle"
    got, _, err = run(capsys, "finetune", photos, "--out", out, *arguments)
    assert got == code
    assert message in err
    assert "Traceback" not in err
    assert not out.exists()


@pytest.mark.parametrize("out", ["photos", ".", "photos/notes.txt"])
def test_a_folder_that_holds_other_files_is_refused_before_data_is_read(out, tmp_path, capsys, monkeypatch) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "notes.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "finetune", "nowhere", "--out", out)
    assert code == 1
    assert "earlier bundle to replace" in err or "a file or a link" in err
    assert "nowhere" not in err


def test_work_that_fails(tmp_path, capsys) -> None:
    code, _, err = run(capsys, "finetune", tmp_path / "nowhere", "--out", tmp_path / "bundle")
    assert code == 1
    assert "expected a folder of pictures" in err
    code, _, err = run(capsys, "predict", tmp_path, tmp_path)
    assert code == 1
    assert "Traceback" not in err


def test_missing_weights_say_where_to_put_which_file(photos, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("CNNKIT_WEIGHTS", raising=False)
    code, _, err = run(capsys, "finetune", photos, "--out", tmp_path / "bundle", "--backbone", "mobilenet")
    assert code == 1
    assert "mobilenet_1_0_224_tf_no_top.h5" in err
    assert "CNNKIT_WEIGHTS" in err
    assert "nano" in err


def test_tables_as_json(capsys) -> None:
    code, out, _ = run(capsys, "backbones", "--json")
    rows = json.loads(out)
    assert code == 0
    assert {"vgg16", "nano"} <= {row["name"] for row in rows}
    code, out, _ = run(capsys, "cuts", "mobilenet", "--alpha", "0.25", "--side", "64", "--json")
    assert code == 0
    assert json.loads(out)[-1]["name"] == "conv_pw_13_relu"
    code, out, _ = run(capsys, "weights", "list", "--all", "--json")
    assert code == 0
    assert any(row["file"] == "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5" for row in json.loads(out))
