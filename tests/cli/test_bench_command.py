from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnnkit import cli
from cnnkit.cli import bench_command

QUICK = """\"\"\"Nothing, timed.\"\"\"
import sys
sys.path.insert(0, {folder!r})
import harness
arguments = harness.options(__doc__).parse_args()
found = harness.interleaved(arguments.rounds, {{"peer": lambda: 6.0, "ours": lambda: 2.0}})
table = harness.rows("case", found, peer="peer", bars={{"ours": 2.5}})
harness.report("quick", table, started=harness.machine(), arguments=arguments)
"""


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bench_quick.py").write_text(QUICK.format(folder=str(bench_command.FOLDER)))
    (tmp_path / "bench_alone.py").write_text(
        QUICK.format(folder=str(bench_command.FOLDER))
        .replace("quick", "alone")
        .replace('("alone", table', '("alone", []')
    )
    (tmp_path / "bench_broken.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(bench_command, "FOLDER", tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["bench", *arguments])
    return int(ended.value.code or 0)


def test_without_a_name_it_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"head_phase", "last_stage", "exact_head"} <= set(listed)
    assert all(line.endswith(".") for line in listed.values())


def test_a_benchmark_becomes_a_table_and_a_picture(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("quick", "--rounds", "2", "--out", str(quick / "out"), "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)
    (row,) = result["rows"]
    assert (result["rounds"], row["ratio"], row["bar"], row["peer"]) == (2, 3.0, 2.5, "peer")
    assert json.loads((quick / "out" / "bench.json").read_text()) == [result]
    assert (quick / "out" / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_peer_there_are_no_rows_and_the_others_go_on(quick: Path, capsys) -> None:
    assert run("alone", "quick", "--rounds", "1", "--out", str(quick / "out"), "--json") == 0
    alone, other = json.loads(capsys.readouterr().out)
    assert (alone["rows"], len(other["rows"])) == ([], 1)
    assert run("alone", "--rounds", "1", "--out", str(quick / "empty")) == 0
    assert not (quick / "empty" / "bench.png").exists()


def test_what_is_done_is_kept_when_a_later_one_fails(quick: Path) -> None:
    assert run("quick", "broken", "--rounds", "1", "--out", str(quick / "out")) == 1
    assert len(json.loads((quick / "out" / "bench.json").read_text())) == 1


def test_what_goes_wrong_is_said(quick: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("quik") == 2
    assert "'quick'" in capsys.readouterr().err
    assert run("broken") == 1
    assert "exit code 3" in capsys.readouterr().err
    monkeypatch.setattr(bench_command, "FOLDER", tmp_path / "nowhere")
    assert run("quick") == 2
    assert "checkout" in capsys.readouterr().err
