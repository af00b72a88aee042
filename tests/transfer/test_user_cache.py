"""Where features are, what of it is shown, and what is removed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.cli import main
from cnnkit.transfer.feature_store import FeatureStore, Layout
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.plans import probe
from cnnkit.transfer.user_cache import cache_folder, former_cache

LAYOUT = Layout(3, ((2, 2, 5),), "float32")
ABOUT = {"layout": {"pictures": 3, "shapes": [[2, 2, 5]], "dtype": "float32"}, "view": {"number": 1}}


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "HOME/.cache/cnnkit"),
        ("linux", {"XDG_CACHE_HOME": "/var/x"}, "/var/x/cnnkit"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "HOME/.cache/cnnkit"),  # which the specification says to ignore
        ("linux", {"XDG_CACHE_HOME": ""}, "HOME/.cache/cnnkit"),
        ("darwin", {"XDG_CACHE_HOME": "/var/x"}, "HOME/Library/Caches/cnnkit"),
        ("win32", {}, "HOME/AppData/Local/cnnkit/Cache"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/cnnkit/Cache"),
        ("linux", {"CNNKIT_CACHE": "/mine", "XDG_CACHE_HOME": "/var/x"}, "/mine"),
        ("darwin", {"CNNKIT_CACHE": "~/mine"}, "HOME/mine"),
    ],
)
def test_one_folder_for_each_user(platform: str, environment: dict[str, str], expected: str) -> None:
    assert cache_folder(environment, platform) == Path(expected.replace("HOME", str(Path.home())))


def test_a_training_writes_nothing_beside_the_users_code(make, colours, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("CNNKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    code = tmp_path / "code"
    code.mkdir()
    monkeypatch.chdir(code)
    fit(make(), colours, probe(epochs=2), progress=False, cache="disk")
    assert list(code.iterdir()) == []
    assert [place.parent for place, _, _ in FeatureStore(cache_folder()).entries()] == [tmp_path / "cache/cnnkit"] * 2


def fill(folder: Path, key: str, about: dict = ABOUT) -> None:
    entry = FeatureStore(folder).open(key * 64, LAYOUT, about, budget_bytes=10**6)
    with entry.writing() as missing:
        for number in missing:
            entry.write(number, [np.zeros((3, 2, 2, 5), np.float32)])
    entry.close()


def test_entries_are_shown_and_removed(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("CNNKIT_CACHE", str(tmp_path))
    (tmp_path / "mine.txt").write_text("mine")
    fill(tmp_path, "a")
    fill(tmp_path, "b", {**ABOUT, "view": None})
    (tmp_path / ("c" * 64)).mkdir()
    (tmp_path / ("c" * 64) / "entry.json").write_text("{damaged")
    table = ck.transfer.cache_entries().set_index("key")
    assert list(table.loc["a" * 64, ["pictures", "view", "dtype"]]) == [3, 1, "float32"]
    assert ck.transfer.cache_folder() == tmp_path
    assert table["view"].isna()["b" * 64]
    assert table["bytes"].sum() == sum(file.stat().st_size for file in tmp_path.glob("*/*"))
    told = command(capsys, "--json")
    assert (told["folder"], told["bytes"], len(told["entries"])) == (str(tmp_path), table["bytes"].sum(), 3)
    assert 0 < told["budget_bytes"] <= 10_000_000_000
    using = FeatureStore(tmp_path).open("a" * 64, LAYOUT, ABOUT, budget_bytes=10**6)
    gone = command(capsys, "clear", "--json")
    assert (gone["entries_left"], sorted(place.name for place in tmp_path.iterdir())) == (1, ["a" * 64, "mine.txt"])
    using.close()
    assert ck.transfer.clear_cache() > 0
    assert len(ck.transfer.cache_entries()) == 0
    with pytest.raises(SystemExit):
        main(["cache"])
    assert "0 entries, 0 bytes of at most" in capsys.readouterr().out


def command(capsys, *arguments: str) -> dict:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(["cache", *arguments])
    assert not end.value.code
    return json.loads(capsys.readouterr().out)


def test_the_folder_of_earlier_versions_is_mentioned_once_and_left_alone(
    make, colours, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("CNNKIT_CACHE", str(tmp_path / "new"))
    monkeypatch.chdir(tmp_path)
    assert former_cache() is None
    fill(tmp_path / "data" / "cache", "d")
    place, size = former_cache() or (None, 0)
    assert (place, size > 240) == (tmp_path / "data" / "cache", True)
    for times in (1, 0):
        fit(make(), colours, probe(epochs=2), cache="disk")
        assert capsys.readouterr().err.count("are of an earlier version") == times
    assert command(capsys, "--json")["former"]["folder"] == str(place)
    assert former_cache() == (place, size)
