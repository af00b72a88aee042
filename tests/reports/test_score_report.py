"""A report on a head that is no classifier: what its score tells, and truth beside predictions."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import DataError, InputError
from cnnkit.reports.report_facts import Facts
from tests.reports.test_report import Page


@pytest.fixture(scope="module")
def masks() -> tuple[ck.Network, ck.data.Dataset]:
    """A network of five convolutions, trained for an epoch on drawn scenes of 32 × 32."""
    photos = ck.data.scenes(14, seed=1, size=32, target="masks")
    image = keras.Input((32, 32, 3), name="image")
    x = image
    for level in range(1, 6):
        x = keras.layers.Conv2D(4, 3, 2, padding="same", activation="relu", name=f"conv{level}")(x)
    head = ck.heads.unet(photos.classes, widths=(4, 4))
    net = ck.attach(ck.backbone(keras.Model(image, x, name="tiny"), preprocessing="inside"), head)
    ck.fit(net, photos, ck.Plan([ck.Phase("head", epochs=1)]), progress=False)
    return net, photos


def facts(net: ck.Network, photos: ck.data.Dataset) -> Facts:
    table = ck.predict(net, photos.test)
    return Facts(net, photos, net.run, table, comparisons={}, timings={}, title="", gradcam_layer=None)


def test_a_page_and_a_poster_of_masks(masks: tuple[ck.Network, ck.data.Dataset], tmp_path: Path) -> None:
    net, photos = masks
    scores = ck.evaluate(net, photos.test)
    other = {"tiny": scores["mean_iou"], "by <i>chance</i>": 0.01}
    ck.report(net, photos, tmp_path / "page.html", poster=tmp_path / "poster.png", comparisons=other)
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert "i" not in page.tags
    for heading in ("Scores", "Class by class", "Training", "What is taken", "worst pictures", "Some pictures", "Plan"):
        assert heading in page.text
    for text in (f"{100 * scores['mean_iou']:.1f} %", "mean IoU", "pixel accuracy", "by <i>chance</i>", "boundary IoU"):
        assert text in page.text
    for text in ("Calibration", "Grad-CAM", "accuracy of tiny"):
        assert text not in page.text
    assert page.tags.count("img") == 6
    with Image.open(tmp_path / "poster.png") as poster:
        assert poster.width == 1600


def test_its_numbers_are_those_of_evaluate(masks: tuple[ck.Network, ck.data.Dataset]) -> None:
    net, photos = masks
    told = facts(net, photos)
    scores = ck.evaluate(net, photos.test)
    assert told.results == {name: pytest.approx(scores[name]) for name in told.results}
    assert told.headline == ("mean IoU", told.results["mean_iou"])
    assert "that it did not train on its mean IoU is" in told.sentences[1]
    assert len(told.sentences) == 2


def test_what_it_refuses(masks: tuple[ck.Network, ck.data.Dataset], tmp_path: Path) -> None:
    net, photos = masks
    page = tmp_path / "page.html"
    with pytest.raises(InputError, match="as the first comparison"):
        ck.report(net, photos, page, comparisons={"tiny": 0.99}, predictions=ck.predict(net, photos.test))
    with pytest.raises(InputError, match="columns id, mask"):
        ck.report(net, photos, page, predictions=photos.test.table().drop(columns="mask"))
    labelled = ck.data.scenes(14, seed=1, size=32)
    with pytest.raises(DataError, match="classes of the network"):
        ck.report(net, labelled, page)
    assert not page.exists()
