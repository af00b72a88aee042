"""Predictions as COCO's result file, and COCO's numbers of a detector by the file of annotations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.export.prediction_coco import evaluate_coco, predict_to_coco
from cnnkit.scenes import write_coco
from cnnkit.transfer.network import Network
from tests.cli.test_commands import run

SIDE = 64


@pytest.fixture(scope="module")
def detector() -> Network:
    """Untrained, but for predictions that differ from cell to cell."""
    body = ck.backbone("nano", weights=None, input_shape=(SIDE, SIDE, 3), seed=1)
    net = ck.attach(body, ck.heads.fcos(("tree", "person"), width=8, most=10))
    chance = np.random.default_rng(2)
    for name, spread in (("classes_of_cells", 2.0), ("boxes_of_cells", 0.5)):
        kernel, bias = net.model.get_layer(name).get_weights()
        net.model.get_layer(name).set_weights([chance.normal(0, spread, kernel.shape), bias])
    return net


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coco(tmp_path_factory.mktemp("coco") / "set", 6, 2, size=96, suffix="png")


def test_the_numbers_are_those_of_coco_s_own_code(detector: Network, scenes: Path, tmp_path: Path) -> None:
    api = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    from pycocotools.cocoeval import COCOeval

    file, out = scenes / "instances.json", tmp_path / "results.json"
    count = predict_to_coco(detector, scenes / "images", out, annotations=file)
    rows = json.loads(out.read_text())
    assert len(rows) == count == 60
    assert list(rows[0]) == ["image_id", "category_id", "bbox", "score"]
    found = evaluate_coco(detector, scenes / "images", file)
    truth = api.COCO(str(file))
    oracle = COCOeval(truth, truth.loadRes(str(out)), "bbox")
    oracle.params.catIds = truth.getCatIds(catNms=["tree", "person"])
    oracle.evaluate()
    oracle.accumulate()
    oracle.summarize()
    assert list(found.numbers.values()) == oracle.stats.tolist()
    assert found.names == ("person", "tree")  # in the order of their ids


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_command_prints_them(
    detector: Network, scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ck.save(detector, tmp_path / "bundle")
    arguments = [tmp_path / "bundle", scenes / "images", "--coco", scenes / "instances.json"]
    code, text, _ = run(capsys, "evaluate", *arguments, "--json")
    assert code == 0
    scores = json.loads(text)["scores"]
    found = evaluate_coco(detector, scenes / "images", scenes / "instances.json")
    assert {name: value for name, value in scores.items() if "/" not in name} == found.numbers
    assert scores["AP50/tree"] == found.of_category("tree")["AP50"]
    code, text, _ = run(capsys, "evaluate", *arguments)
    assert code == 0
    assert f"AP50       {found.numbers['AP50']:.4f}" in text


def test_boxes_are_those_of_predict(detector: Network, scenes: Path, tmp_path: Path) -> None:
    predict_to_coco(detector, scenes / "images", tmp_path / "p.json", annotations=scenes / "instances.json")
    rows = json.loads((tmp_path / "p.json").read_text())
    content = json.loads((scenes / "instances.json").read_text())
    names = {entry["id"]: entry["file_name"] for entry in content["images"]}
    categories = {entry["id"]: entry["name"] for entry in content["categories"]}
    table = ck.predict(detector, scenes / "images")
    assert [names[row["image_id"]] for row in rows] == table["id"].tolist()
    assert [categories[row["category_id"]] for row in rows] == table["label"].tolist()
    boxes = table[["x", "y", "width", "height"]].to_numpy()
    np.testing.assert_allclose([row["bbox"] for row in rows], boxes, atol=6e-4)


def test_pictures_that_are_called_by_their_number(detector: Network, tmp_path: Path) -> None:
    for name in ("000000000139.png", "7.png"):
        Image.new("RGB", (SIDE, SIDE)).save(tmp_path / name)
    predict_to_coco(detector, tmp_path, tmp_path / "p.json")
    rows = json.loads((tmp_path / "p.json").read_text())
    assert {row["image_id"] for row in rows} == {7, 139}
    assert {row["category_id"] for row in rows} <= {1, 2}
    predict_to_coco(detector, tmp_path, tmp_path / "p.json")  # replaces its own
    Image.new("RGB", (SIDE, SIDE)).save(tmp_path / "cat.png")
    with pytest.raises(DataError, match=r"names are numbers.*'cat\.png'.*annotations="):
        predict_to_coco(detector, tmp_path, tmp_path / "p.json")


def changed(scenes: Path, folder: Path, **parts: Any) -> Path:
    content = json.loads((scenes / "instances.json").read_text())
    file = folder / "changed.json"
    file.write_text(json.dumps(content | parts))
    return file


def test_what_does_not_fit(detector: Network, scenes: Path, tmp_path: Path) -> None:
    file, images = scenes / "instances.json", scenes / "images"
    few = changed(scenes, tmp_path, categories=[{"id": 1, "name": "persons"}], annotations=[])
    for call in (
        lambda: predict_to_coco(detector, images, tmp_path / "p.json", annotations=few),
        lambda: evaluate_coco(detector, images, few),
    ):
        with pytest.raises(UnknownNameError, match=r"a category of .*changed\.json.*'tree'"):
            call()
    with pytest.raises(DataError, match="6 are missing"):
        evaluate_coco(detector, tmp_path, file)
    none = changed(scenes, tmp_path, images=[], annotations=[])
    with pytest.raises(DataError, match="pictures of the file of annotations"):
        predict_to_coco(detector, images, tmp_path / "p.json", annotations=none)
    with pytest.raises(UnknownNameError, match=r"\.json"):
        predict_to_coco(detector, images, tmp_path / "p.csv")
    with pytest.raises(InputError, match="the path of a file"):
        predict_to_coco(detector, images, 3)  # type: ignore[arg-type]
    (tmp_path / "mine.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match=r"mine\.json"):
        predict_to_coco(detector, images, tmp_path / "mine.json", annotations=file)
    body = ck.backbone("nano", weights=None, input_shape=(32, 32, 3))
    with pytest.raises(InputError, match="a network that predicts boxes"):
        evaluate_coco(ck.attach(body, ck.heads.classifier(["a", "b"])), images, file)
