"""The main job on real photographs: ants and bees, 244 to train on, 153 to validate by."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cnnkit.cli import main

PLAIN_KERAS = """
import json, sys
import keras, numpy as np

bundle, pictures, out = sys.argv[1:]
model = keras.models.model_from_json(open(f"{bundle}/model.json").read())
model.load_weights(f"{bundle}/model.weights.h5")
np.save(out, model.predict(np.load(pictures), verbose=0))
assert "cnnkit" not in sys.modules
"""


def finetune(capsys: pytest.CaptureFixture[str], shared: Path, out: Path, *options: str) -> float:
    with pytest.raises(SystemExit) as done:
        main(["finetune", str(shared / "data" / "ants_bees_256"), "--out", str(out), *options, "--json"])
    assert not done.value.code
    return float(json.loads(capsys.readouterr().out)["accuracy"]["validation"])


def test_mobilenet_is_no_worse_than_its_exact_head_and_its_bundle_is_plain_keras(
    shared, keras_home, tmp_path, capsys
) -> None:
    """Of 153 pictures one may go the other way."""
    bundle, body = tmp_path / "bees", ("--backbone", "mobilenet", "--alpha", "0.75")
    head_alone = finetune(capsys, shared, tmp_path / "head", *body, "--deep-epochs", "0")
    assert head_alone >= 0.91
    assert finetune(capsys, shared, bundle, *body) >= head_alone - 1.01 / 153
    from cnnkit.data.image_folder import folder
    from cnnkit.export.bundle import load
    from cnnkit.transfer.inference import predict

    network = load(bundle)
    validation = folder(shared / "data" / "ants_bees_256").validation.take(range(24))
    pictures = [network.framing.apply(validation.image(index), network.size) for index in range(len(validation))]
    np.save(tmp_path / "pictures.npy", np.stack(pictures))
    command = [
        sys.executable,
        "-c",
        PLAIN_KERAS,
        str(bundle),
        str(tmp_path / "pictures.npy"),
        str(tmp_path / "out.npy"),
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    table: pd.DataFrame = predict(network, validation)
    np.testing.assert_allclose(table["bees"], np.load(tmp_path / "out.npy")[:, 0], atol=1e-5)


@pytest.mark.slow  # the same road as MobileNet's, half a minute
def test_mobilenet_v2_reaches_089(shared, keras_home, tmp_path, capsys) -> None:
    assert finetune(capsys, shared, tmp_path / "bees", "--backbone", "mobilenet_v2", "--alpha", "0.35") >= 0.89


@pytest.mark.slow
def test_transfer_is_what_does_it(shared, tmp_path, capsys) -> None:
    options = ("--backbone", "mobilenet", "--alpha", "0.75", "--weights", "none")
    assert finetune(capsys, shared, tmp_path / "bees", *options) < 0.75
