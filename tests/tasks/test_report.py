from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import DataError, InputError
from cnnkit.tasks.report import Facts, duration, pick_explained, plan_table, write_report
from tests.visualize.small_networks import network as small_network

VOID = {"meta", "img", "br", "link"}
CLASSES = ["<b>cats</b> & co", "$dogs$ \"or\" 'wolves'"]
TITLE = "<script>alert(1)</script> $x$ & more"


class Page(HTMLParser):
    """Checks that tags close in order, and keeps what a test asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def world(classes: list[str], *, test: bool = True) -> dict[str, Any]:
    """A trained network and all that a report needs."""
    count = 12 * len(classes)
    random = np.random.default_rng(0)
    labels = np.arange(count) % len(classes)
    pictures = (random.integers(0, 120, (count, 32, 32, 3)) + 40 * (labels % 4)[:, None, None, None]).astype(np.uint8)
    dataset = ck.data.arrays(pictures, labels, classes=classes, split=(0.5, 0.25, 0.25) if test else (0.5, 0.5, 0))
    network = small_network(classes)
    plan = ck.Plan([ck.Phase("head", epochs=2), ck.Phase("deep <i>", train=1, epochs=1)])
    run = ck.fit(network, dataset, plan, progress=False)
    part = dataset.test if test else dataset.validation
    return {"network": network, "dataset": dataset, "run": run, "predictions": ck.predict(network, part)}


def right(facts: dict[str, Any]) -> float:
    test = facts["dataset"].test
    return float(np.mean([test.classes[label] for label in test.labels] == facts["predictions"]["label"].to_numpy()))


@pytest.fixture(scope="module")
def two() -> dict[str, Any]:
    return world(CLASSES)


@pytest.fixture(scope="module")
def written(two: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    page, poster = write_report(
        tmp_path_factory.mktemp("report") / "new",
        **two,
        comparisons={"<i>nano</i>": right(two), "from <u>random</u> weights": 0.5},
        timings={"train & test": 12.34, "predict": 1.0},
        title=TITLE,
    )
    assert (page.name, poster.name) == ("report.html", "report.png")
    return page.read_text(encoding="utf-8"), poster


def test_the_page_is_well_formed_and_says_it_all(written: tuple[str, Path]) -> None:
    page = Page(written[0])
    assert page.open == []
    for heading in (
        "With and without transfer",
        "Training",
        "worst mistakes",
        "Where it looked",
        "Plan",
        "Data",
        "Time",
    ):
        assert heading in page.text
    assert "12.3" in page.text
    assert page.tags.count("img") == 5
    assert page.tags.count("table") == 4


def test_every_string_is_escaped(written: tuple[str, Path]) -> None:
    page = Page(written[0])
    assert not {"b", "i", "u", "script"} & set(page.tags) - {"b"}  # <b> is the page's own, in the tiles
    assert page.tags.count("b") == 4
    for text in (*CLASSES, TITLE, "<i>nano</i>", "from <u>random</u> weights", "deep <i>", "train & test"):
        assert text in page.text


def test_the_page_needs_nothing_else(written: tuple[str, Path]) -> None:
    assert not re.search(r"https?://|url\(|@import", written[0])
    for tag, name, value in Page(written[0]).attributes:
        assert name not in ("href", "srcset"), tag
        assert not name.startswith("on"), tag
        if name == "src":
            head, data = value.split(",")
            assert head == "data:image/png;base64"
            Image.open(io.BytesIO(base64.b64decode(data, validate=True))).verify()


def test_every_picture_is_described(written: tuple[str, Path]) -> None:
    described = [value for tag, name, value in Page(written[0]).attributes if (tag, name) == ("img", "alt")]
    assert len(described) == 5
    assert all(described)


def test_the_poster_is_1600_pixels_wide(written: tuple[str, Path]) -> None:
    with Image.open(written[1]) as poster:
        assert poster.width == 1600


def test_ten_classes_no_test_part_no_comparisons(tmp_path: Path) -> None:
    facts = world([f"class {number}" for number in range(10)], test=False)
    page, _ = write_report(tmp_path, **facts)
    text = Page(page.read_text(encoding="utf-8")).text
    assert "validation accuracy" in text
    assert "Time" not in text
    assert "Grad-CAM of conv2: " in text
    assert "Always answering with the most frequent class gives 10.0 %" in text


def test_the_sentences_hold_the_numbers_of_the_table(two: dict[str, Any]) -> None:
    share = right(two)
    comparisons = {"nano": share, "the same from random weights": 0.25}
    facts = Facts(**two, comparisons=comparisons, timings={}, title="", gradcam_layer=None)
    assert f"right in {100 * share:.1f} %" in facts.sentences[1]
    points = 100 * (share - 0.25)
    assert f"reaches 25.0 %, {abs(points):.1f} points {'less' if points >= 0 else 'more'}" in facts.sentences[2]
    assert len(facts.sentences) == 3


def test_the_plan_table_has_a_row_a_phase(two: dict[str, Any]) -> None:
    table = plan_table(two["run"])
    assert table["phase"].tolist() == ["head", "deep <i>"]
    assert table["trains"].tolist() == ["head", "head, last stage"]
    assert table["parameters"].tolist() == list(two["run"].trained_parameters.values())
    assert "BatchNorm" not in table


def test_explained_pictures_take_classes_in_turn_and_two_mistakes() -> None:
    answers = pd.DataFrame(
        {
            "true": list("aaaabbbbab"),
            "right": [True] * 8 + [False] * 2,
            "surprise": [-0.6, -0.9, -0.7, -0.8, -0.6, -0.7, -0.8, -0.9, 0.6, 0.9],
        }
    )
    assert pick_explained(answers, 6).tolist() == [1, 7, 3, 6, 9, 8]
    assert pick_explained(answers.iloc[:8], 6).tolist() == [1, 7, 3, 6, 2, 5]


def test_durations() -> None:
    assert [duration(seconds) for seconds in (0.2, 59.7, 61, 3600)] == ["0 s", "1 min 0 s", "1 min 1 s", "1 h 0 min"]


def test_a_report_needs_held_out_pictures(two: dict[str, Any], tmp_path: Path) -> None:
    empty = ck.data.Source.empty(CLASSES)
    only_training = ck.data.Dataset(tuple(CLASSES), two["dataset"].train, empty, empty)
    with pytest.raises(DataError, match="test or validation"):
        write_report(tmp_path, **{**two, "dataset": only_training})


def test_the_first_comparison_is_the_network_of_the_report(two: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="as the first comparison"):
        write_report(tmp_path, **two, comparisons={"random weights": right(two) / 2})
