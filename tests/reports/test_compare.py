from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import CnnkitError, DataError, InputError, UnknownNameError
from cnnkit.reports.candidates import candidates
from cnnkit.transfer import plans


@pytest.fixture(scope="module")
def photos() -> ck.data.Dataset:
    """Brighter to the right, or to the left."""
    random = np.random.default_rng(0)
    labels = np.arange(90) % 2
    slope = np.linspace(0, 60, 32)[None, None, :, None]
    images = random.integers(0, 180, (90, 32, 32, 3)) + np.where(labels[:, None, None, None] == 1, slope, 60 - slope)
    return ck.data.arrays(images.astype(np.uint8), labels, classes=["left", "right"], split=(0.6, 0.2, 0.2))


def test_a_row_is_what_an_exact_head_on_that_cut_reaches(photos) -> None:
    """The oracle is the road of `fit`: attach a head to the cut, solve it, evaluate."""
    body = ck.backbone("nano", input_shape=(32, 32, 3))
    found = ck.compare(photos, [body], cuts=["stage3", "top_relu"], progress=False)
    assert found.table["accuracy"].is_monotonic_decreasing
    for row in found.table.itertuples():
        cut = ck.backbone("nano", input_shape=(32, 32, 3), cut=row.cut)
        net = ck.attach(cut, ck.heads.classifier(photos.classes))
        history = ck.fit(net, photos, plans.probe(solver="lbfgs"), progress=False).history.iloc[0]
        assert row.accuracy == pytest.approx(history["val_accuracy"])
        assert row.l2 == pytest.approx(history["l2"])
        assert row.test_accuracy == pytest.approx(ck.evaluate(net, photos.test)["accuracy"])
        assert (row.parameters, row.features) == (cut.model.count_params(), cut.model.output_shape[-1])


def test_it_prints_and_draws_itself(photos) -> None:
    found = ck.compare(photos, ["nano"], cuts=3, progress=False)
    assert found.table["cut"].tolist().count("top_relu") == 1
    assert len(found.table) == 3
    assert "multiply_adds" in repr(found)
    assert found.chance == pytest.approx(photos.validation.counts().max() / len(photos.validation))
    axes = found.figure().axes[0]
    assert sorted(axes.lines[0].get_ydata()) == pytest.approx(sorted(100 * found.table["accuracy"]))
    assert found.best["accuracy"] == found.table["accuracy"].max()


def test_one_backbone_and_one_cut_need_no_list(photos) -> None:
    body = ck.backbone("nano", input_shape=(32, 32, 3), weights=None)
    found = ck.compare(photos, body, cuts="stage2", progress=False)
    assert found.table["cut"].tolist() == [body.stages()[1]]
    with pytest.raises(UnknownNameError, match="'nano'"):
        ck.compare(photos, "nan", progress=False)


def test_a_backbone_that_fails_is_a_row_and_the_others_are_kept(photos, tmp_path) -> None:
    """The first has no such file, the second is fine, the third has no such cut."""
    good = ck.backbone("nano", input_shape=(32, 32, 3))
    other = ck.backbone(
        keras.Sequential(
            [
                keras.Input((32, 32, 3)),
                keras.layers.Rescaling(1 / 255, name="scale"),
                keras.layers.Conv2D(4, 3, name="<b>conv"),
            ]
        )
    )
    found = ck.compare(photos, ["mobilenet", good, other], cuts="stage4", weights=tmp_path / "none.h5", progress=False)
    assert found.table["backbone"].tolist()[0] == "nano 32 px"
    assert list(found.failures) == ["mobilenet", f"{other.name} 32 px"]
    assert "none.h5" in found.failures["mobilenet"]
    assert "stage4" in found.failures[f"{other.name} 32 px"]
    assert found.best["accuracy"] == found.measured["accuracy"].max()
    assert len(found.measured) == 1
    assert "mobilenet failed: " in repr(found)
    assert "<b>" not in found._repr_html_()
    assert "nano 32 px" in found._repr_html_()
    assert len(found.figure().axes[0].lines) >= 1


def test_widths_are_checked_before_anything_is_built(photos, monkeypatch) -> None:
    def build(*_arguments, **_keywords):
        raise AssertionError("built")

    monkeypatch.setattr("cnnkit.reports.candidates.backbone", build)
    for wrong in (
        {"backbones": [("mobilenet", 0.3)]},
        {"backbones": ["mobilenet", "vgg16"], "alpha": 0.5},
        {"backbones": ["mobilenet", "mobilenet_v2"], "alpha": [0.5]},
        {"backbones": ["nano", ("mobilenet", 0.25), ("mobilenet", 0.25)]},
        {"backbones": ["mobilenet"], "alpha": -1, "weights": None},
    ):
        with pytest.raises(InputError, match=r"width|alpha|different"):
            ck.compare(photos, progress=False, **wrong)
    with pytest.raises(UnknownNameError, match="mobilenet"):
        ck.compare(photos, ["nano", "mobilenett"], progress=False)


def test_each_backbone_has_its_width() -> None:
    pairs = candidates(["mobilenet", ("mobilenet", 0.25), "vgg16"], None, "imagenet")
    assert [(one.name, one.alpha) for one in pairs] == [("mobilenet", 1.0), ("mobilenet α=0.25", 0.25), ("vgg16", None)]
    assert [one.alpha for one in candidates(["mobilenet", "vgg16"], [0.5, None], None)] == [0.5, None]
    assert [one.name for one in candidates(("mobilenet", 0.5), None, None)] == ["mobilenet α=0.5"]


@pytest.mark.parametrize("given", [3.5, object(), [None], b"x", {"a": 1}, [], ""])
@pytest.mark.parametrize("name", ["photos", "backbones", "cuts", "alpha", "weights", "seed"])
def test_every_argument_refuses_other_types_in_words(photos, name, given) -> None:
    if (name, given) in [("alpha", 3.5), ("alpha", [None])]:
        return  # any width of random weights, and no width for the one backbone
    with pytest.raises(CnnkitError):
        ck.compare(**{"photos": photos, "backbones": ["mobilenet"], "weights": None, "progress": False, name: given})


def test_what_cannot_be_compared_is_said(photos) -> None:
    with pytest.raises(InputError, match="different backbones"):
        ck.compare(photos, ["nano", "nano"])
    with pytest.raises(InputError, match="at least one cut"):
        ck.compare(photos, ["nano"], cuts=0)
    with pytest.raises(UnknownNameError, match="top_relu"):
        ck.compare(photos, ["nano"], cuts=["top_rel"], progress=False)
    images = np.random.default_rng(0).integers(0, 255, (8, 32, 32, 3)).astype(np.uint8)
    whole = ck.data.arrays(images, np.arange(8) % 2, classes=["a", "b"], split=(1, 0, 0))
    with pytest.raises(DataError, match="validation"):
        ck.compare(whole, ["nano"])
