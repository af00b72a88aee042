"""Three interfaces, one answer: what `ck.predict` says of the same picture, for every kind of head.

The bodies are those of TensorFlow Serving's page of its REST interface and of the Open Inference Protocol; the client
of V2 is Triton's own.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO

import httpx
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import cnnkit as ck
from tests.serving.worlds import SHAPE, b64, client_of, listening, networks, pixels, png
from tests.transfer.test_predictor import HEADS

NUMBERS = {"atol": 1e-6, "rtol": 1e-5}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with client_of(ck.serving.app(networks())) as client:
        yield client


def expected(kind: str) -> pd.DataFrame:
    return ck.predict(networks()[kind], [pixels(0), pixels(1)])


def test_labels_in_the_words_of_tensorflow_serving(client) -> None:
    probabilities = expected("labels")[["ant", "bee", "cat"]].to_numpy()
    bodies = {
        "predictions": [
            {"instances": [b64(png(0)), b64(png(1))]},
            {"signature_name": "serving_default", "instances": [{"images": b64(png(0))}, {"images": b64(png(1))}]},
            {"instances": [pixels(0).tolist(), pixels(1).tolist()]},
        ],
        "outputs": [
            {"inputs": {"images": [b64(png(0)), b64(png(1))]}},
            {"inputs": [pixels(0).tolist(), pixels(1).tolist()]},
        ],
    }
    for key, alike in bodies.items():
        for body in alike:
            for path in ("/v1/models/labels:predict", "/v1/models/labels/versions/1:predict"):
                reply = client.post(path, json=body)
                assert reply.status_code == 200
                np.testing.assert_allclose(reply.json()[key], probabilities, **NUMBERS)
    alone = client.post("/v1/models/labels:predict", json={"inputs": b64(png(1))}).json()["outputs"]
    np.testing.assert_allclose(alone, probabilities[1:], **NUMBERS)


def test_status_and_metadata_in_the_words_of_tensorflow_serving(client) -> None:
    fine = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in ("/v1/models/labels", "/v1/models/labels/versions/1"):
        assert client.get(path).json() == {"model_version_status": [fine]}
    metadata = client.get("/v1/models/labels/metadata").json()
    assert metadata["model_spec"] == {"name": "labels", "signature_name": "", "version": "1"}
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert [side["size"] for side in signature["inputs"]["images"]["tensor_shape"]["dim"]] == ["-1", "-1", "-1", "3"]
    assert signature["outputs"]["probabilities"]["tensor_shape"]["dim"][1]["size"] == "3"
    assert client.get("/v1/models/labels/versions/1/metadata").json() == metadata


@pytest.mark.parametrize("kind", HEADS)
def test_files_of_a_form_give_the_table(client, kind: str) -> None:
    files = [("files", ("one.png", png(0))), ("files", ("two.png", png(1)))]
    told = client.post(f"/predict/{kind}", files=files).json()
    assert (told["model"], told["version"], told["kind"]) == (kind, 1, kind)
    assert told["pictures"] == [{"id": f"{name}.png", "height": 48, "width": 100} for name in ("one", "two")]
    rows = [row | row.pop("probabilities", {}) for row in told["table"]]
    for row in rows:
        row["id"] = {"one.png": "0", "two.png": "1"}[row["id"]]
        row |= {"mask": base64.b64decode(row["mask"])} if "mask" in row else {}
    table = pd.DataFrame(rows)
    pd.testing.assert_frame_equal(table, expected(kind), check_dtype=False, atol=1e-4)
    if kind == "masks":
        assert Image.open(BytesIO(table["mask"][0])).size == SHAPE[::-1]


@pytest.mark.parametrize("kind", HEADS)
def test_what_has_a_place_comes_row_by_row(client, kind: str) -> None:
    body = {"instances": [b64(png(0)), b64(png(1))]}
    predictions = client.post(f"/v1/models/{kind}:predict", json=body).json()["predictions"]
    assert len(predictions) == 2
    if kind in ("boxes", "masks"):
        table = expected(kind)
        for name, rows in zip(("0", "1"), predictions, strict=True):
            alone = table[table["id"] == name].drop(columns="id").reset_index(drop=True)
            if kind == "masks":
                rows = [row | {"mask": base64.b64decode(row["mask"]["b64"])} for row in rows]
            pd.testing.assert_frame_equal(pd.DataFrame(rows), alone, check_dtype=False, atol=1e-4)


def test_the_client_of_triton() -> None:
    triton = pytest.importorskip("tritonclient.http")
    from tritonclient.utils import InferenceServerException

    with listening(ck.serving.app(networks())) as address, triton.InferenceServerClient(address) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("labels", "1")
        assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
        metadata = client.get_model_metadata("labels")
        assert [output["name"] for output in metadata["outputs"]] == ["probabilities", "label"]
        both = np.stack([pixels(0), pixels(1)])
        table = expected("labels")
        for values, datatype in ((both, "UINT8"), (both.astype(np.float32), "FP32")):
            for binary in (True, False):
                given = triton.InferInput("images", values.shape, datatype)
                given.set_data_from_numpy(values, binary_data=binary)
                outputs = [triton.InferRequestedOutput("probabilities", binary_data=binary)]
                result = client.infer("labels", [given], outputs=outputs, request_id="7")
                assert result.get_response()["id"] == "7"
                np.testing.assert_allclose(
                    result.as_numpy("probabilities"), table[["ant", "bee", "cat"]].to_numpy(), **NUMBERS
                )
        files = triton.InferInput("images", [2], "BYTES")
        files.set_data_from_numpy(np.array([png(0), png(1)], np.object_))
        result = client.infer("labels", [files], model_version="1")
        assert [label.decode() for label in result.as_numpy("label")] == table["label"].tolist()
        boxes = client.infer("boxes", [files])
        np.testing.assert_allclose(boxes.as_numpy("width"), expected("boxes")["width"], rtol=1e-4)
        masks = client.infer("masks", [files]).as_numpy("mask")
        assert [Image.open(BytesIO(mask)).size for mask in masks] == [SHAPE[::-1]] * 2
        with pytest.raises(InferenceServerException, match="Expected a model of labels, tags, boxes, masks"):
            client.infer("lables", [files])
        with pytest.raises(InferenceServerException, match=r"outputs of probabilities, label"):
            client.infer("labels", [files], outputs=[triton.InferRequestedOutput("scores")])


def test_files_of_one_name_and_names_of_any_charset(client) -> None:
    names = ["a.png", "a.png (2)", "a.png", "+2AA-"]
    request = client.build_request("POST", "/predict", files=[("files", (name, png())) for name in names])
    kind = f"{request.headers['content-type']}; charset=utf-7"  # whose +2AA- is half of a surrogate pair
    told = client.post("/predict", content=request.read(), headers={"Content-Type": kind}).json()
    assert [row["id"] for row in told["table"]] == ["a.png", "a.png (2)", "a.png (3)", "?"]


def test_a_heat_map_is_a_picture_of_the_input(client) -> None:
    reply = client.post("/gradcam/labels?target=bee", files={"files": ("one.png", png())})
    assert reply.headers["content-type"] == "image/png"
    assert Image.open(BytesIO(reply.content)).size == (64, 64)
    assert client.post("/gradcam/labels?target=be", files={"files": png()}).status_code == 422
    assert client.post("/gradcam/boxes", files={"files": png()}).status_code == 422


def test_what_is_counted(client) -> None:
    client.post("/predict/tags", files={"files": png()})
    lines = client.get("/metrics").text.splitlines()
    numbers = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert float(numbers['cnnkit_pictures_total{model="tags"}']) >= 1
    assert float(numbers['cnnkit_batch_pictures_count{model="tags"}']) >= 1
    assert float(numbers['cnnkit_requests_total{interface="predict",status="200"}']) >= 1
    assert float(numbers['cnnkit_request_seconds_count{interface="predict"}']) >= 1
    assert numbers["cnnkit_queue_pictures"] == "0.0"
