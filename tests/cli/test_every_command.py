"""What holds for every command, from the tree of commands itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image

import cnnkit as ck
from cnnkit.cli import application, main
from tests.export.tiny_network import tiny_model

MARKUP = ("[red]", "[/x]", "[bold]a[", "ros\\[e]", "[link=file:x]y[/link]")


def leaves(group: Any, words: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every command that does something, by the words that call it."""
    found: dict[tuple[str, ...], Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= leaves(command, (*words, name))
            if not command.invoke_without_command:
                continue
        found[*words, name] = command
    return found


LEAVES = leaves(typer.main.get_command(application()))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_has_json_and_both_names_of_help(words: tuple[str, ...], capsys) -> None:
    assert any("--json" in option.opts for option in LEAVES[words].params)
    long, short = run(capsys, *words, "--help"), run(capsys, *words, "-h")
    assert long == short
    assert long[0] == 0
    assert f"Example: cnnkit {' '.join(words)}" in " ".join(long[1].split())


def test_the_version_and_the_help_of_the_whole(capsys) -> None:
    assert run(capsys, "--version") == (0, f"cnnkit {ck.__version__}\n", "")
    assert run(capsys, "-h")[:2] == run(capsys, "--help")[:2]
    assert run(capsys, "-h")[0] == 0
    assert run(capsys, "--nonsense")[0] == 2
    assert run(capsys, "evaluat")[0] == 2


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A bundle whose classes look like markup, and pictures in folders of those names."""
    root = tmp_path_factory.mktemp("world")
    classes = sorted(MARKUP[:3:2])
    for index, name in enumerate(classes):
        place = root / "[/data]" / name
        place.mkdir(parents=True)
        for number in range(8):
            pixels = np.full((20, 20, 3), 90 * index + 40 + number, np.uint8)
            Image.fromarray(pixels).save(place / f"[red]{number}.png")
    net = ck.attach(ck.backbone(tiny_model()), ck.heads.classifier(ck.data.folder(root / "[/data]").classes))
    return ck.save(net, root / "[bold]"), root / "[/data]"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_evaluate_prints_what_evaluate_gives(world, capsys) -> None:
    bundle, data = world
    net = ck.load(bundle)
    photos = ck.data.folder(data, classes=net.classes)
    for part, source in {"test": photos.test, "train": photos.train}.items():
        code, out, _ = run(capsys, "evaluate", bundle, data, "--part", part, "--json")
        assert code == 0
        told = json.loads(out)
        assert (told["part"], told["pictures"]) == (part, len(source))
        assert told["scores"] == pytest.approx(ck.evaluate(net, source))
    assert json.loads(run(capsys, "evaluate", bundle, data, "--json")[1])["part"] == "test"
    assert json.loads(run(capsys, "evaluate", bundle, data, "--part", "all", "--json")[1])["pictures"] == 16
    code, out, err = run(capsys, "evaluate", bundle, data)
    assert code == 0
    scores = ck.evaluate(net, photos.test)
    assert f"test of {data}" in out
    assert f"{scores['accuracy']:.4f}" in out
    for name in net.classes:
        cells = next(line for line in out.splitlines() if line.startswith(name)).removeprefix(name).split()
        assert cells[0] == f"{scores[f'precision/{name}']:.4f}"
    assert run(capsys, "evaluate", bundle, data, "--part", "tset")[0] == 2
    assert run(capsys, "evaluate", bundle, data / "nowhere")[0] == 1
    assert run(capsys, "evaluate", data, data)[0] == 1
    assert "Traceback" not in err


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_names_that_look_like_markup_are_printed_as_they_are(world, capsys) -> None:
    bundle, data = world
    code, out, _ = run(capsys, "predict", bundle, data)
    assert code == 0
    assert {line.split("  ")[-1] for line in out.splitlines()} == {
        str(file.relative_to(data)) for file in data.rglob("*.png")
    }
    for name in MARKUP:
        for words in (("predict", bundle, name), ("evaluate", bundle, name), ("finetune", name, "--out", "new")):
            code, _, err = run(capsys, *words)
            assert code == 1
            assert name in err
            assert "Traceback" not in err
    code, _, err = run(capsys, "predict", bundle, data, "--[red]")
    assert code == 2
    assert "--[red]" in err


def test_the_live_line_too(monkeypatch) -> None:
    import io

    from rich.console import Console

    from cnnkit.transfer.progress import NotebookLine, TerminalLine

    line = TerminalLine()
    screen = io.StringIO()
    line._live.stop()
    line._console = Console(file=screen, force_terminal=True, width=200)
    line._live.console = line._console
    line._live.start()
    for name in MARKUP:
        line.show(f"phase {name} 3")
        line._live.refresh()
        assert f"phase {name} 3" in screen.getvalue()
        line.keep(f"kept {name} 4")
        assert f"kept {name} 4" in screen.getvalue()
    line.close()
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda content, **_: shown.append(content.data))
    NotebookLine().keep("phase <b>deep</b> [red] & more")
    assert shown == ["<pre style='margin:0'>phase &lt;b&gt;deep&lt;/b&gt; [red] &amp; more</pre>"]
