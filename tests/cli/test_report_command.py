"""`cnnkit report`, as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import cnnkit as ck
from cnnkit.cli.report_command import report
from cnnkit.errors import BundleError, InputError
from tests.export.tiny_network import tiny_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A bundle and the class folders that it was trained on, split by a seed of its own."""
    place = tmp_path_factory.mktemp("world")
    generator = np.random.default_rng(0)
    for name, shade in (("dark", 0), ("light", 90)):
        (place / "photos" / name).mkdir(parents=True)
        for index in range(14):
            pixels = generator.integers(0, 160, (20, 30, 3)) + shade
            Image.fromarray(pixels.astype(np.uint8)).save(place / "photos" / name / f"{index}.png")
    photos = ck.data.folder(place / "photos", seed=5)
    net = ck.attach(ck.backbone(tiny_model()), ck.heads.classifier(photos.classes))
    ck.fit(net, photos, ck.Plan([ck.Phase("head", epochs=1)]), seed=5, progress=False)
    return ck.save(net, place / "bundle"), place / "photos"


def run(*arguments: object) -> str:
    app = typer.Typer()
    app.command()(report)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_page_of_the_pictures_that_the_training_held_out(trained: tuple[Path, Path], tmp_path: Path) -> None:
    bundle, photos = trained
    told = json.loads(run(bundle, photos, "--out", tmp_path / "page.html", "--title", "Dark & light", "--json"))
    held_out = ck.data.folder(photos, seed=5).test
    assert told["pictures"] == len(held_out)
    scores = ck.evaluate(ck.load(bundle), held_out)
    assert told["scores"]["accuracy"] == scores["accuracy"]
    assert told["scores"]["f1/light"] == pytest.approx(scores["f1/light"])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Dark &amp; light" in page
    assert "They are not those of the training" not in page


def test_what_is_refused(trained: tuple[Path, Path], tmp_path: Path) -> None:
    bundle, photos = trained
    notes = tmp_path / "notes.html"
    notes.write_text("mine")
    with pytest.raises(InputError, match="--force"):
        run(bundle, photos, "--out", notes)
    assert notes.read_text() == "mine"
    with pytest.raises(InputError, match=r"\.html"):
        run(bundle, photos, "--out", tmp_path / "page.pdf")
    with pytest.raises(BundleError):
        run(photos, photos, "--out", tmp_path / "page.html")
