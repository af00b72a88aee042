"""`cnnkit backbones`, `cuts`, `weights`: what they print, as text and as JSON, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cnnkit.backbones.table import find_row, names
from cnnkit.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    printed = capsys.readouterr()
    return int(left.value.code or 0), printed.out, printed.err


def result(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 0
    return json.loads(out)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Keras home with one file whose hash Keras does not state."""
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    (models / "mobilenet_2_5_224_tf.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setenv("KERAS_HOME", str(models.parent))
    monkeypatch.delenv("CNNKIT_WEIGHTS", raising=False)
    return models


def test_backbones(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in result(capsys, "backbones")}
    assert list(rows) == names()
    assert rows["mobilenet"]["alphas_here"] == [0.25]
    assert not rows["vgg16"]["weights_here"]
    code, out, _ = run(capsys, "backbones")
    assert code == 0
    assert "here for α 0.25" in out


def test_cuts(capsys: pytest.CaptureFixture[str]) -> None:
    rows = result(capsys, "cuts", "mobilenet", "--alpha", "0.25", "--side", "64")
    assert rows[-1]["name"] == "conv_pw_13_relu"
    assert rows[-1]["receptive_field"] == 315  # Araujo et al. 2019, table 1
    assert [row["stage"] for row in rows if row["stage"]] == [f"stage{number}" for number in range(1, 6)]
    code, out, _ = run(capsys, "cuts", "mobilenet", "--alpha", "0.25", "--side", "64", "--top")
    assert code == 0
    # MobileNet's receptive field is 315 (Araujo, Norris and Sim, "Computing Receptive Fields of CNNs", 2019)
    assert out.splitlines()[-1].split()[:4] == ["predictions", "1000", "–", "315"]


def test_a_wrong_name_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, error = run(capsys, "cuts", "vgg61")
    assert (code, out) == (2, "")
    assert "'vgg16'" in error


def test_weights_list(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    found = [row for row in result(capsys, "weights", "list") if str(home) in str(row["path"])]
    assert [row["file"] for row in found] == ["mobilenet_2_5_224_tf.h5"]
    code, out, _ = run(capsys, "weights", "list", "--all")
    assert code == 0
    assert "not here  https://" in out
    assert str(home) in out


def test_weights_verify(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert run(capsys, "weights", "verify")[0] == 0
    wrong = find_row("vgg16").files(alpha=None, side=224, top=False)[0]
    (home / wrong.name).write_bytes(b"wrong")
    code, out, _ = run(capsys, "weights", "verify")
    assert code == 1
    assert f"WRONG {wrong.name}" in out
    assert run(capsys, "weights", "verify", "--json")[0] == 1


def test_weights_export(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = result(capsys, "weights", "export", str(tmp_path / "stick"))
    assert [Path(row["path"]).read_bytes()[:4] for row in rows] == [b"\x89HDF"]
    code, out, _ = run(capsys, "weights", "export", str(tmp_path / "stick"))
    assert code == 0
    assert "CNNKIT_WEIGHTS=" in out


@pytest.mark.parametrize(
    "command", [["backbones"], ["cuts"], ["weights", "list"], ["weights", "verify"], ["weights", "export"]]
)
def test_help_shows_an_example(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    code, out, _ = run(capsys, *command, "--help")
    assert code == 0
    assert f"Example: cnnkit {' '.join(command)}" in out
