"""What a type checker knows of cnnkit: one run of mypy over the script of a user, with and without mistakes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Public name → how the revealed type begins, in mypy's words.
REVEALED = {
    "ck.__version__": "str",
    "ck.fit": "def (network: cnnkit.transfer.network.Network, dataset: cnnkit.data.dataset.Dataset",
    "ck.data.folder": "def (path: str | pathlib.Path,",
    "ck.backbone": "def (name_or_model: ",
    "ck.finetune": "def (photos: str | pathlib.Path | cnnkit.data.dataset.Dataset, ",
    "ck.predict": "def (network: cnnkit.transfer.network.Network, images: ",
    "ck.heads.classifier": "def (classes: ",
    "ck.heads.classifier([''])": "cnnkit.heads.classification.Classifier",
    "ck.diagrams.architecture": "def (network: cnnkit.transfer.network.Network | cnnkit.backbones.extractor.Backbone",
    "ck.primitives.conv2d": "def (",
    "ck.course.grading.grade": "def (inbox: ",
    "ck.errors.DataError": "def (expected: str, received: str, remedy: str) -> cnnkit.errors.DataError",
    "ck.Phase('head').rate": "float",
    "ck.load('runs')": "cnnkit.transfer.network.Network",
}

# A line with a mistake → what mypy says of it.
MISTAKES = {
    "ck.finetun('photos/')": 'Module has no attribute "finetun"; maybe "finetune"?',
    "ck.data.foldr('photos/')": 'Module has no attribute "foldr"; maybe "folder"?',
    "ck.fit(net, photos, plan, see=0)": 'Unexpected keyword argument "see" for "fit"; did you mean "seed"?',
    "ck.finetune('photos/', backbon='nano')": 'Unexpected keyword argument "backbon" for "finetune"',
    "ck.Phase('head', train=None)": 'Argument "train" to "Phase" has incompatible type "None"',
    "ck.fit(net, photos, 'probe')": 'Argument 3 to "fit" has incompatible type "str"',
}

FINE = """\
import cnnkit as ck
from cnnkit.course import grading

photos = ck.data.folder("photos/")
body = ck.backbone("nano", cut="block4_add")
net = ck.attach(body, ck.heads.classifier(photos.classes, hidden=(64,)))
plan = ck.Plan([ck.Phase("head", epochs=2, rate=1e-3)])
run = ck.fit(net, photos, plan, augment=ck.data.Augmentation(horizontal_flip=True), seed=0)
table = ck.predict(net, photos.test)
names: list[str] = list(table["label"])
ck.save(net, "runs/photos")
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Line of the script → what mypy says of it.

    The settings and the cache are those of the gate, so that after `make check` this takes seconds.
    """
    script = tmp_path_factory.mktemp("user") / "script.py"
    lines = [*FINE.splitlines(), *(f"reveal_type({name})" for name in REVEALED), *MISTAKES]
    script.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "mypy", "--hide-error-context", "--no-error-summary", "--no-pretty", str(script)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr  # there are mistakes
    found: dict[str, list[str]] = {line: [] for line in lines}
    for text in done.stdout.splitlines():
        # In the folder of an earlier run where the cache of mypy remembers the script from there.
        place = re.fullmatch(rf".*{re.escape(script.name)}:(\d+): (?:error|note): (.*)", text)
        assert place, f"not of the script: {text}"
        found[lines[int(place[1]) - 1]].append(place[2])
    return found


def test_right_lines_have_no_errors(said: dict[str, list[str]]) -> None:
    assert not [(line, said[line]) for line in FINE.splitlines() if said[line]]


@pytest.mark.parametrize("name", REVEALED)
def test_public_names_have_types(name: str, said: dict[str, list[str]]) -> None:
    (revealed,) = said[f"reveal_type({name})"]
    assert revealed.startswith(f'Revealed type is "{REVEALED[name]}'), revealed


@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes_are_found_before_the_script_runs(line: str, said: dict[str, list[str]]) -> None:
    message, *_ = said[line]  # then where it is defined
    assert message.startswith(MISTAKES[line]), message
