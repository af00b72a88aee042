"""A name that looks like markup, code or mathematics is shown letter for letter, wherever a person reads it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

import cnnkit as ck
from cnnkit.transfer import progress
from tests.transfer.worlds import pictures, residual

# rich, HTML, mathematics, entities, formats and escapes.
NAMES = ("[red]", "[/x]", "[bold]a[", "<b>b</b>", "&lt;c", "$d$", "e^{2}", ":smile:", "%s {0}", "ros\\[f]")


class Letters(HTMLParser):
    """The letters and the tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.letters = ""
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.letters += data


class Screen(io.StringIO):
    """A terminal that remembers what was written."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def photos() -> ck.data.Dataset:
    images, _ = pictures(6 * len(NAMES), 0)
    return ck.data.arrays(images, np.arange(len(images)) % len(NAMES), classes=NAMES, split=(0.5, 0.25, 0.25))


@pytest.fixture(scope="module")
def net() -> ck.Network:
    """With the run of a plan whose phases have these names."""
    network = ck.attach(ck.backbone(residual()), ck.heads.classifier(NAMES))
    history = pd.DataFrame({"phase": NAMES, "epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "seconds": 1.0})
    history = history.assign(val_accuracy=0.5, rate=1e-3, images_per_second=9.0)
    plan = ck.Plan([ck.Phase(name, epochs=1) for name in NAMES])
    trained = dict.fromkeys(NAMES, 130)
    network.record(ck.Run(plan, history, seed=0, data_fingerprint="", trained_parameters=trained))
    return network


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Screen]:
    """Gives what a wide terminal shows of all that goes to standard error from then on."""

    def opened() -> Screen:
        screen = Screen()
        monkeypatch.setattr("sys.stderr", screen)  # pytest sets its own at the beginning of a test
        return screen

    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERM", "xterm-256color")
    return opened


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that a notebook shows, one after the other."""
    shown: list[str] = []

    class Handle:
        def update(self, content: Any) -> None:
            shown.append(content.data)

    def display(content: Any, **_: Any) -> Handle:
        shown.append(content.data)
        return Handle()

    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    return shown


def train(photos: ck.data.Dataset, *phases: str) -> None:
    network = ck.attach(ck.backbone(residual()), ck.heads.classifier(NAMES))
    ck.fit(network, photos, ck.Plan([ck.Phase(name, epochs=1) for name in phases]))


def test_phases_in_a_terminal(photos: ck.data.Dataset, terminal: Callable[[], Screen]) -> None:
    screen = terminal()
    train(photos, "[red]", "[/x]")
    for name in ("[red]", "[/x]"):
        assert f"{name} epoch 1: loss" in screen.getvalue()


def test_phases_in_a_notebook(photos: ck.data.Dataset, cells: list[str]) -> None:
    train(photos, "[/x]<b>b</b>")
    pages = [Letters(page) for page in cells]
    assert {tag for page in pages for tag in page.tags} == {"pre"}
    assert any("[/x]<b>b</b> epoch 1: loss" in page.letters for page in pages)


def test_a_folder_and_files_in_a_terminal(terminal: Callable[[], Screen], tmp_path: Path) -> None:
    for name in ("[red]", "[bold]a["):
        (tmp_path / "[" / "x]" / name).mkdir(parents=True)
        for number in range(8):
            pixels = np.full((20, 20, 3), 20 * number + len(name), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "[" / "x]" / name / f"[i]{number}.png")
    found = ck.data.folder(tmp_path / "[" / "x]")
    assert found.classes == ("[bold]a[", "[red]")
    network = ck.attach(ck.backbone(residual()), ck.heads.classifier(found.classes))
    screen = terminal()
    table = ck.predict(network, tmp_path / "[", progress=True)
    assert "images" in screen.getvalue()
    assert set(table["id"]) == {f"x]/{name}/[i]{number}.png" for name in found.classes for number in range(8)}


@pytest.mark.parametrize("what", ["dataset", "source", "network", "run"])
def test_values_print_and_show_them(what: str, photos: ck.data.Dataset, net: ck.Network) -> None:
    value = {"dataset": photos, "source": photos.train, "network": net, "run": net.run}[what]
    page = Letters(value._repr_html_())
    assert not page.tags & {"b", "red"}
    for name in NAMES:
        assert name in repr(value)
        assert name in page.letters


def test_a_comparison_shows_a_backbone_and_its_error() -> None:
    from cnnkit.reports.comparison import comparison_of, failed_row

    rows: list[dict[str, Any]] = [failed_row(name, ValueError(f"no {name}")) for name in NAMES]
    row = {"backbone": "<b>x</b>", "cut": "[/x]", "side": 8, "features": 8, "parameters": 8, "multiply_adds": 8}
    found = comparison_of([row | {"milliseconds": 1.0, "accuracy": 0.5, "l2": 1.0}, *rows], chance=0.5)
    page = Letters(found._repr_html_())
    assert not page.tags & {"b", "red"}
    for name in (*NAMES, "<b>x</b>", "[/x]"):
        assert name in repr(found)
        assert name in page.letters


def figures(net: ck.Network, photos: ck.data.Dataset) -> Iterator[tuple[str, Figure]]:
    """Every figure that names classes, phases or layers of the user."""
    table = ck.predict(net, photos.test)
    rates = pd.DataFrame({"backbone": NAMES, "multiply_adds": 9, "milliseconds": range(1, 11), "accuracy": 0.5})
    yield "pictures", ck.visualize.pictures(photos.train, count=len(NAMES))
    yield "confusion", ck.visualize.confusion(photos.test.labels, table["label"], NAMES)
    yield "curves", ck.visualize.curves(net.run)
    yield "comparison", ck.visualize.comparison(dict.fromkeys(NAMES, 0.5))
    yield "accuracy_against_time", ck.visualize.accuracy_against_time(rates)
    yield "speeds", ck.visualize.speeds(pd.DataFrame({"bench": "", "case": NAMES, "ratio": 2.0}))
    yield "gradcam_figure", ck.visualize.gradcam_figure(net, [photos.test.image(0)] * len(NAMES), NAMES)


def test_figures_show_them(net: ck.Network, photos: ck.data.Dataset) -> None:
    for what, figure in figures(net, photos):
        figure.canvas.draw()
        texts = [text.get_text().replace("\\$", "$").replace("\n", "") for text in figure.findobj(Text)]
        for name in NAMES:
            assert any(name in text for text in texts), f"{name} in {what}: {texts}"
