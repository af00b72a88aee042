"""Arguments and options that several commands have: one meaning, one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
BundleFolder = Annotated[Path, typer.Argument(help="What `cnnkit finetune` or ck.save wrote.")]
LabelledFolder = Annotated[
    Path,
    typer.Argument(
        help="One folder a class, or train/validation/test folders of them; or images/ and masks/, train/ and "
        "trainannot/, the folders of VOC, or pictures and a JSON file of COCO."
    ),
]
Void = Annotated[int, typer.Option(help="Of masks, the number of pixels of which nothing is known.")]
SplitSeed = Annotated[int | None, typer.Option(help="Of the split; that of the training by default.")]

# How a saved network runs over pictures, as `ck.predict` and `ck.data.folder` take it.
BatchSize = Annotated[int, typer.Option(min=1, help="Pictures at a time.")]
EngineOption = Annotated[str, typer.Option(help="What runs it: auto, tensorflow, onnx or openvino.")]
PrecisionOption = Annotated[str, typer.Option(help="float32; or bfloat16, faster and rougher.")]
DecodeOption = Annotated[str, typer.Option(help="Of JPEG files: exact; or scaled, faster, with other pixels.")]
