"""The peer of `bench_serving.py`: what a tutorial writes, a route of FastAPI around `model.predict`.

    python tests/benchmarks/plain_route.py BUNDLE

Prints its address when it listens.
"""

from __future__ import annotations

import io
import os
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import uvicorn
from fastapi import FastAPI, File
from PIL import Image


def main(bundle: str) -> None:
    """Serves until it is ended."""
    model = keras.models.model_from_json(Path(bundle, "model.json").read_text())
    model.load_weights(Path(bundle, "model.weights.h5"))
    size = model.input_shape[1:3][::-1]
    app = FastAPI()

    @app.post("/predict")
    async def predict(files: Annotated[bytes, File()]) -> dict[str, Any]:
        picture = Image.open(io.BytesIO(files)).convert("RGB").resize(size)
        outputs = model.predict(np.asarray(picture, np.float32)[None], verbose=0)
        return {"probabilities": outputs[0].tolist()}

    model.predict(np.zeros((1, *size[::-1], 3), np.float32), verbose=0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
