"""`cnnkit finetune`: a folder of photographs in, a trained bundle out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from cnnkit.cli.options import Json, LabelledFolder


def finetune(
    data: LabelledFolder,
    out: Annotated[Path, typer.Option(help="Folder for the bundle; checkpoints lie beside it until it is saved.")],
    backbone: Annotated[str, typer.Option(help="A name of `cnnkit backbones`.")] = "mobilenet_v2",
    alpha: Annotated[float | None, typer.Option(help="Width of the backbone, where it has one.")] = None,
    weights: Annotated[str, typer.Option(help="imagenet, none, or a file.")] = "imagenet",
    cut: Annotated[str | None, typer.Option(help="Where the backbone ends, see `cnnkit cuts`.")] = None,
    side: Annotated[int | None, typer.Option(min=32, help="Input side in pixels; the native one by default.")] = None,
    resize: Annotated[
        Literal["crop", "squash", "pad"] | None,
        typer.Option(help="How a picture meets the input: crop, squash or pad; by default the native crop."),
    ] = None,
    head_epochs: Annotated[int, typer.Option(min=0, help="Epochs of the head alone.")] = 12,
    deep_epochs: Annotated[int, typer.Option(min=0, help="Epochs with the deepest stages.")] = 12,
    train: Annotated[str, typer.Option(help="What trains then: a number of stages, a stage, a layer, all.")] = "1",
    augment: Annotated[bool, typer.Option(help="Flip, turn, shift and zoom the training pictures a little.")] = True,
    on_error: Annotated[
        Literal["raise", "skip"], typer.Option(help="What to do with a broken picture: raise or skip.")
    ] = "raise",
    decode: Annotated[
        Literal["exact", "scaled"], typer.Option(help="Of JPEG files: exact; or scaled, faster, with other pixels.")
    ] = "exact",
    engine: Annotated[
        Literal["auto", "tensorflow", "onnx", "openvino"], typer.Option(help="What runs the frozen layers.")
    ] = "tensorflow",
    precision: Annotated[
        Literal["float32", "bfloat16"], typer.Option(help="Of the frozen layers: float32; or bfloat16.")
    ] = "float32",
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    seed: Annotated[int, typer.Option(help="Fixes split, weights, order and augmentation.")] = 0,
    as_json: Json = False,
) -> None:
    """Train a classifier of photographs and save it.

    The bundle in OUT loads in plain Keras. A killed training goes on when the same command is given again.

    Example: cnnkit finetune photos/ --backbone mobilenet_v2 --out runs/photos
    """
    from cnnkit._backend import import_keras

    import_keras()
    import cnnkit as ck
    from cnnkit.export.atomic_folder import refuse_foreign
    from cnnkit.export.bundle import FILES
    from cnnkit.export.manifest import MANIFEST_FILE
    from cnnkit.transfer.checkpoint import Checkpoints

    folder = out.absolute()  # "." has no name to put the checkpoints beside
    refuse_foreign(folder, FILES, MANIFEST_FILE)
    checkpoints = folder.with_name(f"{folder.name}.checkpoints")
    dataset = ck.data.folder(data, seed=seed, on_error=on_error, decode=decode)
    plan = ck.plans.freeze_then_finetune(
        head_epochs=head_epochs,
        deep_epochs=deep_epochs,
        train=int(train) if train.isdigit() else train,
        patience=4 if len(dataset.validation) else None,
    )
    network = ck.finetune(
        dataset,
        backbone=backbone,
        alpha=alpha,
        weights=None if weights == "none" else weights,
        cut=cut,
        input_shape=None if side is None else (side, side, 3),
        framing=None if resize is None else ck.data.Framing(resize=resize),
        plan=plan,
        augment=ck.data.Augmentation.gentle() if augment else None,
        engine=engine,
        precision=precision,
        batch_size=batch_size,
        seed=seed,
        resume=checkpoints,
        progress=not as_json,
    )
    held_out = {name: part for name, part in (("validation", dataset.validation), ("test", dataset.test)) if len(part)}
    run = cast("ck.Run", network.run)  # finetune has just trained it
    scores = {name: ck.evaluate(network, part)["accuracy"] for name, part in held_out.items()}
    ck.save(network, out)
    Checkpoints(checkpoints).remove()
    result = {
        "bundle": str(out),
        "classes": list(network.classes),
        "accuracy": scores,
        "epochs": len(run.history),
        "seconds": round(run.seconds, 1),
        "skipped": [file.path for file in dataset.skipped],
    }
    if as_json:
        print(json.dumps(result))
        return
    print(network)
    for name, accuracy in scores.items():
        print(f"{name} accuracy {accuracy:.3f} on {len(held_out[name])} pictures")
    print(f"{len(run.history)} epochs in {run.seconds:.0f} s")
    print(f"bundle in {out}: cnnkit predict {out} PICTURES --out predictions.parquet")
