"""`cnnkit bench`: the committed benchmarks, run and put together."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cnnkit.errors import BenchmarkError, InputError, unknown_name

FOLDER = Path(__file__).parents[2] / "tests" / "benchmarks"


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which ones; `all` for all. Without a name: a list.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved rounds; medians of 5 or more can be quoted.")] = 5,
    out: Annotated[Path | None, typer.Option(help="Folder for bench.json and bench.png.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Time cnnkit against its peers on this machine, side by side in one run.

    Example: cnnkit bench head_phase last_stage --rounds 5 --out runs/bench
    """
    scripts = _scripts()
    if not names:
        _list(scripts, as_json)
        return
    chosen = list(scripts) if names == ["all"] else names
    for name in chosen:
        if name not in scripts:
            raise unknown_name("a benchmark", name, scripts, "cnnkit bench")
    results: list[dict[str, Any]] = []
    for name in chosen:
        results.append(_run(scripts[name], rounds))
        if out is not None:  # each time: all of them take more than an hour
            _write(results, out)
    if as_json:
        print(json.dumps(results))
        return
    for result in results:
        print(f"{result['bench']}, {result['rounds']} rounds, {result['machine']}")
        width = max((len(row["case"]) for row in result["rows"]), default=0)
        for row in result["rows"]:
            bar = "" if row["bar"] is None else f"  bar {row['bar']:g}×"
            print(f"  {row['case']:<{width}}  {row['ratio']:6.2f}× as fast as {row['peer']}{bar}")


def _scripts() -> dict[str, Path]:
    """Name → script."""
    scripts = {file.stem.removeprefix("bench_"): file for file in sorted(FOLDER.glob("bench_*.py"))}
    if not scripts:
        raise InputError(
            "a checkout of cnnkit: the benchmarks are beside the tests",
            f"nothing in {FOLDER}",
            "Clone the repository and install it with: make install",
        )
    return scripts


def _list(scripts: dict[str, Path], as_json: bool) -> None:
    about = {name: _first_line(file) for name, file in scripts.items()}
    if as_json:
        print(json.dumps(about))
        return
    width = max(map(len, about))
    for name, line in about.items():
        print(f"{name:<{width}}  {line}")


def _first_line(file: Path) -> str:
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def _run(file: Path, rounds: int) -> dict[str, Any]:
    """The result of one benchmark; what it says while it runs goes to standard error."""
    command = [sys.executable, str(file), "--rounds", str(rounds), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603  (our own script)
    if done.returncode:
        raise BenchmarkError(f"{file.name} to finish", f"exit code {done.returncode}", "Its last lines are above.")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _write(results: list[dict[str, Any]], out: Path) -> None:
    import pandas as pd

    from cnnkit.visualize.speed_bars import speeds
    from cnnkit.visualize.style import save

    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    table = pd.DataFrame([{"bench": result["bench"], **row} for result in results for row in result["rows"]])
    if len(table):
        save(speeds(table.astype({"bar": float}), title=results[0]["machine"]), out / "bench.png")
