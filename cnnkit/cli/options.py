"""Arguments and options that several commands have: one meaning, one help text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict, cast

import typer

if TYPE_CHECKING:
    from cnnkit.engines.runtimes import EngineName, Precision

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
BundleFolder = Annotated[Path, typer.Argument(help="What `cnnkit finetune` or ck.save wrote.")]
LabelledFolder = Annotated[
    Path,
    typer.Argument(
        help="One folder a class, or train/validation/test folders of them; or images/ and masks/, train/ and "
        "trainannot/, the folders of VOC, or pictures and a JSON file of COCO; or YOLO's data.yaml, images/, labels/."
    ),
]
Void = Annotated[int, typer.Option(help="Of masks, the number of pixels of which nothing is known.")]
SplitSeed = Annotated[int | None, typer.Option(help="Of the split; that of the training by default.")]

# How a saved network runs over pictures, as `ck.predict` and `ck.data.folder` take it.
BatchSize = Annotated[int, typer.Option(min=1, help="Pictures at a time.")]
EngineOption = Annotated[str, typer.Option(help="What runs it: auto, tensorflow, onnx or openvino.")]
PrecisionOption = Annotated[str, typer.Option(help="float32; or bfloat16, faster and rougher.")]
WindowOption = Annotated[
    str | None,
    typer.Option(
        metavar="HEIGHTxWIDTH|input",
        help="Of masks and boxes: see large photographs in parts of this size, one by one; input: in parts of the "
        "network's input size.",
    ),
]
OverlapOption = Annotated[float, typer.Option(help="The part of a window that its neighbour shows too.")]
FlipOption = Annotated[
    bool, typer.Option("--flip", help="Join what the network says of a picture and its mirror image.")
]
DecodeOption = Annotated[str, typer.Option(help="Of JPEG files: exact; or scaled, faster, with other pixels.")]

INPUT = "input"


WorkersOption = Annotated[
    str | None,
    typer.Option(help="A cluster of Ray that does the work: auto, or ray://HOST:10001; pip install '.[ray]'."),
]


class Settings(TypedDict):
    """How the network runs, as `ck.predict` takes it."""

    batch_size: int
    engine: EngineName
    precision: Precision
    window: tuple[int, int] | bool | None
    overlap: float
    flip: bool
    progress: bool


def settings_of(
    batch_size: int, engine: str, precision: str, window: str | None, overlap: float, flip: bool, *, progress: bool
) -> Settings:
    """The options of a command as `ck.predict` takes them, which checks the others.

    Raises:
        InputError: A window that is none.
    """
    return Settings(
        batch_size=batch_size,
        engine=cast("EngineName", engine),
        precision=cast("Precision", precision),
        window=window_of(window),
        overlap=overlap,
        flip=flip,
        progress=progress,
    )


def window_of(text: str | None) -> tuple[int, int] | bool | None:
    """What `ck.predict` takes as `window`.

    Raises:
        InputError: Neither a size nor "input".

    >>> window_of("240x320"), window_of("input"), window_of(None)
    ((240, 320), True, None)
    """
    from cnnkit.errors import InputError

    if text is None or text == INPUT:
        return None if text is None else True
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) for side in sides):
        remedy = "For example --window 360x480, in pixels of the photographs."
        raise InputError("--window as HEIGHTxWIDTH, or input", repr(text), remedy)
    return int(sides[0]), int(sides[1])
