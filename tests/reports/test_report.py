from __future__ import annotations

import base64
import dataclasses
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
from cnnkit.errors import CnnkitError, DataError, InputError
from cnnkit.reports.label_facts import LabelFacts, pick_explained
from cnnkit.reports.label_tables import class_table, score_table
from cnnkit.reports.report import check_replaceable
from cnnkit.reports.report_tables import plan_table
from cnnkit.reports.report_words import duration
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
    folder = tmp_path_factory.mktemp("report") / "new"
    page, poster = folder / "page.html", folder / "poster.png"
    ck.report(
        two["network"],
        two["dataset"],
        page,
        poster=poster,
        predictions=two["predictions"],
        run=two["run"],
        comparisons={"<i>nano</i>": right(two), "from <u>random</u> weights": 0.5},
        timings={"train & test": 12.34, "predict": 1.0},
        title=TITLE,
    )
    return page.read_text(encoding="utf-8"), poster


def test_the_page_is_well_formed_and_says_it_all(written: tuple[str, Path]) -> None:
    page = Page(written[0])
    assert page.open == []
    for heading in (
        "With and without transfer",
        "Scores",
        "Class by class",
        "Training",
        "worst mistakes",
        "80 % sure",
        "Where it looked",
        "Plan",
        "Data",
        "Time",
    ):
        assert heading in page.text
    assert "12.3" in page.text
    assert page.tags.count("img") == 6
    assert page.tags.count("table") == 6


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
    assert len(described) == 6
    assert all(described)


def test_the_poster_is_1600_pixels_wide(written: tuple[str, Path]) -> None:
    with Image.open(written[1]) as poster:
        assert poster.width == 1600


def test_ten_classes_no_test_part_no_comparisons(tmp_path: Path) -> None:
    facts = world([f"class {number}" for number in range(10)], test=False)
    page = ck.report(facts["network"], facts["dataset"], tmp_path / "page.html", run=facts["run"])
    text = Page(page.read_text(encoding="utf-8")).text
    assert "validation accuracy" in text
    assert "flatters" in text
    assert "Time" not in text
    assert "Grad-CAM of conv2: " in text
    assert "Always answering with the most frequent class gives 10.0 %" in text


def test_the_tables_hold_the_numbers_of_scikit_learn(two: dict[str, Any]) -> None:
    reference = pytest.importorskip("sklearn.metrics")
    facts = LabelFacts(**two, comparisons={}, timings={}, title="", gradcam_layer=None)
    source = facts.source
    true = np.asarray(source.classes)[source.labels]
    said = two["predictions"]["label"].to_numpy()
    precision, recall, f1, _ = reference.precision_recall_fscore_support(true, said, labels=CLASSES, zero_division=0)
    rows = class_table(facts)
    assert rows["class"].tolist() == CLASSES
    assert [float(text) for text in rows["F1"]] == pytest.approx(f1, abs=5e-4)
    for column, values in (("found (recall)", recall), ("rightly (precision)", precision)):
        shares = [100 * value for value in values]
        told = [float(text.split(" %")[0]) if text != "–" else 0.0 for text in rows[column]]
        assert told == pytest.approx(shares, abs=0.051)
    scores = score_table(facts).set_index("score")["value"]
    entropy = reference.log_loss(source.labels, two["predictions"][CLASSES].to_numpy(float))
    assert float(scores["cross-entropy"]) == pytest.approx(entropy, abs=6e-4)
    assert scores["accuracy"] == f"{100 * right(two):.1f} %"


def test_several_labels(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (24, 3))
    pictures = (random.integers(0, 120, (24, 32, 32, 3)) + 60 * labels[:, None, None, :]).astype(np.uint8)
    dataset = ck.data.arrays(pictures, labels, classes=["red", "green", "<i>blue"], split=(0.5, 0.25, 0.25))
    network = small_network(["red", "green", "<i>blue"])
    network = ck.attach(network.backbone, ck.heads.classifier(dataset.classes, multi_label=True, threshold=0.4))
    page = Page(ck.report(network, dataset, tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert "i" not in page.tags
    for text in ("yes/no decisions", "all labels right", "not recorded", "decides from a probability of 0.4"):
        assert text in page.text
    accuracy = ck.evaluate(network, dataset.test)["accuracy"]
    assert f"{100 * accuracy:.1f} % of its yes/no decisions" in page.text


def test_it_tells_when_the_pictures_are_not_those_of_the_record(two: dict[str, Any], tmp_path: Path) -> None:
    facts = LabelFacts(**two, comparisons={}, timings={}, title="", gradcam_layer=None)
    assert facts.seen_before is True
    assert "that it did not train on" in facts.sentences[1]
    train = two["dataset"].train
    other = dataclasses.replace(two["dataset"], train=train.take(range(len(train) - 1)))
    other_facts = dataclasses.replace(facts, dataset=other)
    assert other_facts.seen_before is False
    assert "that it did not train on" not in other_facts.sentences[1]


def test_it_replaces_reports_and_nothing_else(written: tuple[str, Path], two: dict[str, Any], tmp_path: Path) -> None:
    given = {"network": two["network"], "dataset": two["dataset"], "predictions": two["predictions"]}
    page, poster = tmp_path / "thesis.html", tmp_path / "me.png"
    page.write_text("my thesis")
    with pytest.raises(InputError, match=r"another file.*force"):
        ck.report(**given, out=page)
    Image.new("RGB", (4, 4)).save(poster)
    before = poster.read_bytes()
    with pytest.raises(InputError, match=r"me\.png"):
        ck.report(**given, out=tmp_path / "new.html", poster=poster)
    assert (page.read_text(), poster.read_bytes()) == ("my thesis", before)
    assert not (tmp_path / "new.html").exists()
    with pytest.raises(InputError, match="folder"):
        ck.report(**given, out=tmp_path)
    ck.report(**given, out=page, force=True)
    first = page.read_text(encoding="utf-8")
    check_replaceable([page, written[1]])  # both are reports
    assert first.startswith("<!DOCTYPE html>")


GOOD = ("network", "dataset", "out", "poster", "run", "predictions", "comparisons", "timings")


@pytest.mark.parametrize("given", [3, object(), [None], b"x", {"a": "b"}])
@pytest.mark.parametrize("name", GOOD)
def test_every_argument_refuses_other_types_in_words(two: dict[str, Any], tmp_path: Path, name: str, given) -> None:
    arguments = {**two, "out": tmp_path / "page.html", name: given}
    with pytest.raises(CnnkitError):
        ck.report(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_the_sentences_hold_the_numbers_of_the_table(two: dict[str, Any]) -> None:
    share = right(two)
    comparisons = {"nano": share, "the same from random weights": 0.25}
    facts = LabelFacts(**two, comparisons=comparisons, timings={}, title="", gradcam_layer=None)
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
        ck.report(**{**two, "dataset": only_training}, out=tmp_path / "page.html")


def test_the_first_comparison_is_the_network_of_the_report(two: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="as the first comparison"):
        ck.report(**two, out=tmp_path / "page.html", comparisons={"random weights": right(two) / 2})
