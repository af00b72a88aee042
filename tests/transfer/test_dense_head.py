"""A head of somebody's own with two outputs, on three scales, with masks as truth: the road knows no task."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

import cnnkit as ck
from cnnkit.cli import application
from cnnkit.data.source import Source
from cnnkit.data.targets.masks import Masks
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.heads import table as head_table
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.tail import halve

VOID = 255
CLASSES = ("ground", "disc")
SIDE = 64
STRIDE = 8


class IntersectionOverUnion:
    """Mean over the classes; void pixels do not count."""

    def __init__(self, classes: int) -> None:
        self.both, self.either = np.zeros(classes), np.zeros(classes)

    def add(self, truth: Masks, predictions: Masks) -> NDArray[np.float64]:
        wrong = []
        for index in range(len(truth)):
            true, said = truth.mask(index), predictions.mask(index)
            known = true != VOID
            for number in range(len(self.both)):
                self.both[number] += ((true == number) & (said == number) & known).sum()
                self.either[number] += (((true == number) | (said == number)) & known).sum()
            wrong.append((true != said)[known].mean())
        return np.array(wrong)

    def result(self) -> dict[str, float]:
        return {"mean_iou": float((self.both / np.maximum(self.either, 1)).mean())}


@dataclass(frozen=True)
class TwoMaps:
    """A class map at stride 8, and the share of discs in the picture as a second output."""

    names: tuple[str, ...] = CLASSES
    taps: tuple[str, ...] = ("P3", "P4", "P5")
    target = Masks

    def build(self, features: Mapping[str, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        up = keras.layers.UpSampling2D
        maps = [
            features["P3"],
            up(2, name="up4")(features["P4"]),
            up(4, name="up5")(features["P5"]),
        ]
        x = keras.layers.Concatenate(name="scales")(maps)
        x = keras.layers.Conv2D(16, 3, padding="same", activation="tanh", name="mixed")(x)
        logits = keras.layers.Conv2D(len(self.names), 1, name="logits", dtype="float32")(x)
        share = keras.layers.Dense(1, activation="sigmoid", name="share")(
            keras.layers.GlobalAveragePooling2D(name="pooled")(x)
        )
        return {"map": logits, "share": share}

    def encode(self, truth: Masks, size: tuple[int, int]) -> dict[str, NDArray[Any]]:
        masks = np.stack([truth.mask(index) for index in range(len(truth))])
        assert masks.shape[1:] == size
        coarse = masks[:, STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
        return {"map": coarse.astype(np.int32), "disc": (coarse == 1).mean(axis=(1, 2)).astype(np.float32)[:, None]}

    def loss(self, encoded: Any, outputs: Any) -> Any:
        known = keras.ops.cast(encoded["map"] != VOID, "float32")
        labels = keras.ops.where(encoded["map"] == VOID, 0, encoded["map"])
        pixels = keras.losses.sparse_categorical_crossentropy(labels, outputs["map"], from_logits=True) * known
        of_map = keras.ops.sum(pixels, (1, 2)) / keras.ops.maximum(keras.ops.sum(known, (1, 2)), 1)
        return of_map + keras.losses.mean_squared_error(encoded["disc"], outputs["share"])

    def weights(self, truth: Masks) -> None:
        return None

    def decode(self, outputs: Any, size: tuple[int, int]) -> Masks:
        coarse = outputs["map"].argmax(axis=-1).astype(np.uint8)
        return Masks.of_arrays(self.names, list(coarse.repeat(STRIDE, axis=1).repeat(STRIDE, axis=2)))

    def score(self) -> IntersectionOverUnion:
        return IntersectionOverUnion(len(self.names))

    def settings(self) -> dict[str, Any]:
        return {"kind": "two_maps", **asdict(self)}


class Discs:
    """Pictures of one bright disc on a dark ground, wider than high; the masks that belong to them."""

    def __init__(self) -> None:
        self.shape_of = (80, 100)

    def _disc(self, position: int) -> NDArray[np.bool_]:
        random = np.random.default_rng(position)
        y, x = random.uniform(20, 60), random.uniform(30, 70)
        rows, columns = np.indices(self.shape_of)
        return np.asarray(np.hypot(rows - y, columns - x) < random.uniform(16, 28))

    def read(self, position: int) -> NDArray[np.uint8]:
        noise = np.random.default_rng(position + 1000).integers(0, 60, (*self.shape_of, 3))
        return np.asarray(noise + 180 * self._disc(position)[..., None], np.uint8)

    def digest(self, position: int) -> str:
        return f"disc {position}"


class Maps(Discs):
    def read(self, position: int) -> NDArray[np.uint8]:
        return self._disc(position).astype(np.uint8)


def source(positions: range) -> Source:
    places = np.array(positions)
    masks = Masks.of_arrays(CLASSES, [Maps().read(place) for place in positions])
    return Source(tuple(f"d{place}" for place in positions), masks, Discs(), places)


@pytest.fixture(scope="module")
def discs() -> ck.data.Dataset:
    return ck.data.Dataset(CLASSES, source(range(24)), source(range(24, 32)), source(range(32, 40)))


def network() -> ck.Network:
    keras.utils.set_random_seed(0)
    body = ck.backbone("nano", input_shape=(SIDE, SIDE, 3))
    return ck.attach(body, TwoMaps(), framing=ck.data.Framing("pad"))


PLAN = ck.Plan(
    [
        ck.Phase("head", epochs=15, rate=1e-3, monitor="mean_iou", patience=15),
        ck.Phase("deep", train=1, epochs=1, rate=1e-4),
    ]
)
AUGMENT = ck.data.Augmentation(rotation=10, horizontal_flip=True)


@pytest.fixture(scope="module")
def trained(discs: ck.data.Dataset) -> ck.Network:
    net = network()
    ck.fit(net, discs, PLAN, augment=AUGMENT, views=3, batch_size=8, progress=False)
    return net


def test_it_trains_and_its_score_is_in_the_history(trained: ck.Network, discs: ck.data.Dataset) -> None:
    history = trained.run.history
    assert {"loss", "val_loss", "val_mean_iou"} <= set(history)
    assert "accuracy" not in history
    scores = ck.evaluate(trained, discs.test)
    assert set(scores) == {"loss", "images", "mean_iou"}
    assert scores["mean_iou"] > 0.75  # of one class alone at most .5


def test_kept_features_give_the_same_losses_as_none(trained: ck.Network, discs: ck.data.Dataset) -> None:
    again = network()
    ck.fit(again, discs, PLAN, augment=AUGMENT, views=3, batch_size=8, cache="none", progress=False)
    columns = ["phase", "epoch", "loss", "val_loss", "val_mean_iou"]
    pd.testing.assert_frame_equal(again.run.history[columns], trained.run.history[columns])


def test_predictions_are_in_the_pixels_of_the_photograph(
    trained: ck.Network, discs: ck.data.Dataset, tmp_path: Path
) -> None:
    table = ck.predict(trained, discs.test)
    assert table["id"].tolist() == list(discs.test.ids)
    said = [ck.data.decode_bytes(png, "mask")[..., 0] for png in table["mask"]]
    assert {mask.shape for mask in said} == {(80, 100)}
    wrong = [(mask != Maps().read(place)).mean() for mask, place in zip(said, discs.test.positions, strict=True)]
    assert np.mean(wrong) < 0.1
    written = ck.export.predict_to_parquet(trained, discs.test, tmp_path / "p.parquet", batch_size=3, part_rows=3)
    assert (written.pictures, written.rows, written.labels) == (8, 8, {})
    assert pd.read_parquet(tmp_path / "p.parquet")["mask"].tolist() == table["mask"].tolist()


def test_a_corrected_mask_computes_no_feature_anew(discs: ck.data.Dataset, tmp_path: Path, monkeypatch) -> None:
    cache = ck.transfer.FeatureCache("disk", folder=tmp_path)
    plan = ck.Plan([ck.Phase("head", epochs=1)])
    ck.fit(network(), discs, plan, cache=cache, progress=False)
    train = discs.train
    masks = [Maps().read(place) for place in train.positions]
    masks[0] = 1 - masks[0]
    corrected = Source(train.ids, Masks.of_arrays(CLASSES, masks), train.reader, train.positions)
    monkeypatch.setattr(Feed, "run", None)  # what computes features
    ck.fit(
        network(), ck.data.Dataset(CLASSES, corrected, discs.validation, discs.test), plan, cache=cache, progress=False
    )


def test_layers_that_enlarge_are_left_to_the_tail() -> None:
    net = network()
    for layer in net.backbone.model.layers:
        layer.trainable = False
    prefix = halve(net.model, net.head).prefix
    assert {tuple(tensor.shape[1:3]) for tensor in prefix.outputs} == {(8, 8), (4, 4), (2, 2)}


def test_it_is_saved_and_loads_in_plain_keras(
    trained: ck.Network, discs: ck.data.Dataset, tmp_path: Path, monkeypatch
) -> None:
    with pytest.raises(ck.errors.BundleError, match=r"settings\(\)"):
        ck.save(trained, tmp_path / "bundle")
    monkeypatch.setitem(head_table.KINDS, "two_maps", lambda settings: TwoMaps(tuple(settings["names"])))
    ck.save(trained, tmp_path / "bundle")
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert manifest["version"] == 2
    assert sorted(manifest["taps"]) == ["P3", "P4", "P5"]
    assert manifest["outputs"] == {"map": [8, 8, 2], "share": [1]}
    again = ck.load(tmp_path / "bundle")
    pd.testing.assert_frame_equal(ck.predict(again, discs.test), ck.predict(trained, discs.test))
    code = (
        "import sys, keras, numpy as np\n"
        "folder = sys.argv[1]\n"
        "model = keras.models.model_from_json(open(folder + '/model.json').read())\n"
        "model.load_weights(folder + '/model.weights.h5')\n"
        "out = model.predict_on_batch(np.full((1, 64, 64, 3), 99, np.float32))\n"
        "print(float(np.abs(out['map']).sum()), float(out['share'][0, 0]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bundle")], capture_output=True, text=True, check=True
    )
    mine = trained.model.predict_on_batch(np.full((1, SIDE, SIDE, 3), 99, np.float32))
    total, share = map(float, done.stdout.split()[-2:])
    assert total == pytest.approx(float(np.abs(mine["map"]).sum()), rel=1e-5)
    assert share == pytest.approx(float(mine["share"][0, 0]), rel=1e-5)


@dataclass(frozen=True)
class OnlyApply:
    """An augmenter that says nothing of where things go."""

    def apply(self, image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.float32]:
        return image.astype(np.float32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment": OnlyApply()}, "OnlyApply"),
        ({"mix": ck.data.MixUp()}, r"labels or tags.*masks"),
    ],
)
def test_what_says_nothing_of_places_is_refused_in_words(discs, options, message) -> None:
    with pytest.raises(InputError, match=message):
        ck.fit(network(), discs, PLAN, progress=False, **options)


def test_truth_of_another_kind_and_unknown_names_are_refused(discs: ck.data.Dataset) -> None:
    labels = ck.data.arrays(np.zeros((9, 8, 8, 3), np.uint8), np.arange(9) % 2, classes=CLASSES)
    with pytest.raises(DataError, match=r"masks as truth.*labels"):
        ck.fit(network(), labels, PLAN, progress=False)
    with pytest.raises(UnknownNameError, match=r"'mean_iuo'.*mean_iou"):
        ck.fit(network(), discs, ck.Plan([ck.Phase("head", monitor="mean_iuo", patience=2)]), progress=False)
    with pytest.raises(UnknownNameError, match="'P9'"):
        ck.attach(network().backbone, TwoMaps(taps=("P3", "P4", "P9")))


def test_the_rest_of_the_product_shows_it_or_says_why_not(
    trained: ck.Network, discs: ck.data.Dataset, tmp_path: Path
) -> None:
    """What a head of labels has and this one has not is refused by name; nothing fails raw."""
    ck.visualize.pictures(discs.train)
    ck.visualize.augmentations(discs.train, AUGMENT)
    ck.diagrams.architecture(trained)
    ck.visualize.curves(trained.run)
    assert len(ck.find_rate(network(), discs, steps=4).table) > 2
    assert len(trained.summary()) == len(trained.groups)
    assert ck.export.predict_to_parquet(trained, discs.test, tmp_path / "p.parquet").pictures == 8
    assert ck.report(trained, discs, tmp_path / "report.html").exists()
    ck.visualize.worst(discs.test, ck.predict(trained, discs.test), head=trained)
    for call, message in (
        (lambda: ck.visualize.gradcam(trained, discs.test.image(0)), r"labels or tags.*masks"),
        (lambda: ck.fit(network(), discs, ck.plans.probe(solver="lbfgs"), progress=False), r"convex"),
        (lambda: ck.calibrate(trained, discs.validation), r"ck\.heads\.classifier"),
        (lambda: ck.export.predict_to_csv(trained, discs.test, tmp_path / "p.csv"), r"PNG file.*predict_to_parquet"),
    ):
        with pytest.raises(ck.errors.CnnkitError, match=message):
            call()


def test_one_call_takes_a_head(discs: ck.data.Dataset) -> None:
    plan = ck.Plan([ck.Phase("head", epochs=1)])
    net = ck.finetune(
        discs, backbone="nano", input_shape=(SIDE, SIDE, 3), head=TwoMaps(), plan=plan, augment=None, progress=False
    )
    assert "val_mean_iou" in net.run.history


def test_the_command_line_predicts_with_it(
    trained: ck.Network, discs: ck.data.Dataset, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setitem(head_table.KINDS, "two_maps", lambda settings: TwoMaps(tuple(settings["names"])))
    ck.save(trained, tmp_path / "bundle")
    (tmp_path / "photos").mkdir()
    for name, index in (("a.png", 0), ("b.png", 1)):
        Image.fromarray(discs.test.image(index)).save(tmp_path / "photos" / name)
    run = CliRunner()
    done = run.invoke(application(), ["predict", str(tmp_path / "bundle"), str(tmp_path / "photos"), "--json"])
    assert [row["id"] for row in json.loads(done.stdout)["table"]] == ["a.png", "b.png"]
    out = tmp_path / "p.parquet"
    done = run.invoke(application(), ["predict", str(tmp_path / "bundle"), str(tmp_path / "photos"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert len(pd.read_parquet(out)) == 2
