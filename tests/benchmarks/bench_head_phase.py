"""A new head on a frozen backbone: the recipe of the Keras guide against `ck.fit` with kept features.

    python tests/benchmarks/bench_head_phase.py --pictures 500 --rounds 5

Both read the same JPEG files (500 × 375) from a folder, resize them to 224² and train ten epochs of a pooled linear
head with Adam at batch size 32, weights=None. The rounds are interleaved: first the guide
(https://keras.io/guides/transfer_learning/, `image_dataset_from_directory`, `base(training=False)`, `fit`), then
cnnkit with an empty cache, then cnnkit with another head on the features that are now kept; for MobileNetV2 also with
an empty cache and an engine of `cnnkit[fast]`, where it is installed. The time is from the folder to the trained head;
building the networks is not counted, compiling is.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import keras
import photos as pictures

import cnnkit as ck
from cnnkit.engines.runtimes import ENGINES, EngineName, Precision, has_bfloat16
from cnnkit.transfer.cache_choice import FeatureCache

SIDE = 224
BATCH_SIZE = 32
RATE = 1e-3
# Name in cnnkit → name in Keras, and the preprocessing that the guide's reader writes before it.
BACKBONES = {
    "mobilenet_v2": ("MobileNetV2", lambda x: keras.layers.Rescaling(1 / 127.5, offset=-1)(x)),
    "efficientnet_b0": ("EfficientNetB0", lambda x: x),
    "resnet50": ("ResNet50", lambda x: keras.applications.resnet.preprocess_input(x)),
}


@dataclass(frozen=True)
class Way:
    """One way to run cnnkit.

    Attributes:
        bar: The ratio to reach.
        engine: Of the frozen part.
        precision: Of the frozen part.
        decode: Of JPEG files.
        kept: Which way's cache it finds; None: an empty one.
        only: The one backbone that has such a bar; None: all.
    """

    bar: float
    engine: EngineName = "tensorflow"
    precision: Precision = "float32"
    decode: Literal["exact", "scaled"] = "exact"
    kept: str | None = None
    only: str | None = None

    def able(self) -> bool:
        """Whether this machine can."""
        return not ENGINES[self.engine].missing() and (self.precision == "float32" or has_bfloat16())


WAYS = {
    "first run": Way(8),
    "another head": Way(50, kept="first run"),
    "OpenVINO": Way(15, engine="openvino", only="mobilenet_v2"),
    "OpenVINO in bfloat16, scaled decode": Way(
        25, engine="openvino", precision="bfloat16", decode="scaled", only="mobilenet_v2"
    ),
}


def guide(name: str, folder: Path, epochs: int) -> Callable[[], None]:
    """The recipe of the guide, ready to run."""
    application, preprocess = BACKBONES[name]
    base = getattr(keras.applications, application)(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
    base.trainable = False
    image = keras.Input((SIDE, SIDE, 3))
    x = base(preprocess(image), training=False)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(1, activation="sigmoid")(x))

    def run() -> None:
        data = keras.utils.image_dataset_from_directory(
            folder, label_mode="binary", image_size=(SIDE, SIDE), batch_size=BATCH_SIZE, verbose=False
        )
        model.compile(keras.optimizers.Adam(RATE), keras.losses.BinaryCrossentropy(), metrics=["accuracy"])
        model.fit(data.prefetch(2), epochs=epochs, shuffle=False, verbose=0)  # `data` shuffles

    return run


def ours(folder: Path, epochs: int, body: ck.backbones.Backbone, way: Way, cache: Path) -> Callable[[], None]:
    """The same with cnnkit, ready to run."""
    net = ck.attach(body, ck.heads.classifier(["grey", "red"]))

    def run() -> None:
        data = ck.data.folder(folder, split=(1, 0, 0), decode=way.decode)
        ck.fit(
            net,
            data,
            ck.plans.probe(epochs=epochs, rate=RATE),
            cache=FeatureCache("disk", folder=cache),
            engine=way.engine,
            precision=way.precision,
            batch_size=BATCH_SIZE,
            progress=False,
        )

    return run


def bench(name: str, folder: Path, arguments: argparse.Namespace) -> list[harness.Row]:
    """The rows of one backbone."""
    ways = {label: way for label, way in WAYS.items() if way.only in (None, name) and way.able()}
    found: dict[str, list[float]] = {}
    for _ in range(arguments.rounds):
        keras.backend.clear_session()
        body = ck.backbone(name, weights=None, input_shape=(SIDE, SIDE, 3))
        with tempfile.TemporaryDirectory() as cache:
            runs = {"guide": guide(name, folder, arguments.epochs)} | {
                label: ours(folder, arguments.epochs, body, way, Path(cache, way.kept or label))
                for label, way in ways.items()
            }
            for run, values in harness.interleaved(1, runs).items():
                found.setdefault(run, []).extend(values)
    return harness.rows(name, found, peer="guide", bars={label: way.bar for label, way in ways.items()})


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    parser = harness.options(__doc__, pictures=500, epochs=10)
    parser.add_argument("--backbones", nargs="+", choices=list(BACKBONES), default=list(BACKBONES))
    arguments = parser.parse_args()
    started = harness.machine()
    table = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "photos")
        pictures.make(folder, arguments.pictures)
        for name in arguments.backbones:
            harness.say(name)
            table += bench(name, folder, arguments)
    harness.report("head_phase", table, started=started, arguments=arguments)


if __name__ == "__main__":
    main()
