"""`cnnkit finetune`: a folder of photographs in, a trained bundle out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from cnnkit.cli.given_folder import HEADLINES, task_of
from cnnkit.cli.options import Json, LabelledFolder, Void

if TYPE_CHECKING:
    from cnnkit.data.dataset import Dataset
    from cnnkit.heads.head import Head
    from cnnkit.transfer.network import Network
    from cnnkit.transfer.plan import Plan


def finetune(
    data: LabelledFolder,
    out: Annotated[Path, typer.Option(help="Folder for the bundle; checkpoints lie beside it until it is saved.")],
    task: Annotated[
        Literal["labels", "masks", "boxes", "points"] | None,
        typer.Option(
            help="labels or masks, a class per picture or pixel; boxes; points of COCO's keypoints; by default as DATA "
            "looks, but for points."
        ),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(help="Of masks: unet, fcn, …, unet by default. Of boxes: fcos, ssd, …, fcos by default."),
    ] = None,
    void: Void = 255,
    backbone: Annotated[str, typer.Option(help="A name of `cnnkit backbones`.")] = "mobilenet_v2",
    alpha: Annotated[float | None, typer.Option(help="Width of the backbone, where it has one.")] = None,
    weights: Annotated[str, typer.Option(help="imagenet, none, or a file.")] = "imagenet",
    cut: Annotated[str | None, typer.Option(help="Where the backbone ends, see `cnnkit cuts`.")] = None,
    side: Annotated[int | None, typer.Option(min=32, help="Input side in pixels; the native one by default.")] = None,
    resize: Annotated[
        Literal["crop", "squash", "pad"] | None,
        typer.Option(help="How a picture meets the input: crop, squash or pad; by default the native crop."),
    ] = None,
    head_epochs: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Epochs of the head alone; by default that of labels is solved exactly, of boxes 12; of masks and "
            "points there are none.",
        ),
    ] = None,
    deep_epochs: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Epochs with the deepest stages; by default 8, of boxes 12, of masks and points as many as they need.",
        ),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(
            help="What trains then: a number of stages, a stage, a layer, all; by default 2, of masks and boxes 3, "
            "of points all."
        ),
    ] = None,
    augment: Annotated[
        bool, typer.Option(help="Flip, turn, shift and zoom the pictures a little; of masks take parts of them.")
    ] = True,
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
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Pictures a step; by default 32, of boxes and points 16, of masks 8.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Fixes split, weights, order and augmentation.")] = 0,
    as_json: Json = False,
) -> None:
    """Train a network of photographs and save it: the class of a picture or of each pixel, boxes, or points.

    The bundle in OUT loads in plain Keras. A killed training goes on when the same command is given again. Classes of
    masks are the lines of DATA/classes.txt, or what the masks show. Boxes are YOLO's text files: DATA/data.yaml,
    DATA/images/ and DATA/labels/.

    Points are those of the largest person of each photograph: DATA/images with DATA/person_keypoints.json.

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
    kind = task_of(data, task)
    readers: dict[str, Callable[[], Dataset]] = {
        "labels": lambda: ck.data.folder(data, seed=seed, on_error=on_error, decode=decode),
        "masks": lambda: ck.data.mask_folder(data, void=void, seed=seed),
        "boxes": lambda: ck.data.yolo(data, seed=seed),
        "points": lambda: ck.data.point_folder(data, seed=seed),
    }
    dataset = readers[kind]()
    plan = _plan(dataset, head_epochs, deep_epochs, train)
    network = ck.finetune(
        dataset,
        backbone=backbone,
        alpha=alpha,
        weights=None if weights == "none" else weights,
        cut=cut,
        head=None if head is None else _head(head, dataset, seed=seed),
        input_shape=None if side is None else (side, side, 3),
        framing=None if resize is None else ck.data.Framing(resize=resize),
        plan=plan,
        augment="auto" if augment else None,
        engine=engine,
        precision=precision,
        batch_size=batch_size or "auto",
        seed=seed,
        resume=checkpoints,
        progress=not as_json,
    )
    held_out = {name: part for name, part in (("validation", dataset.validation), ("test", dataset.test)) if len(part)}
    run = cast("ck.Run", network.run)  # finetune has just trained it
    measure = HEADLINES[dataset.kind]
    scores = {name: ck.evaluate(network, part)[measure] for name, part in held_out.items()}
    ck.save(network, out)
    Checkpoints(checkpoints).remove()
    result = {
        "bundle": str(out),
        "classes": list(network.classes),
        measure: scores,
        "epochs": len(run.history),
        "seconds": round(run.seconds, 1),
        "skipped": [file.path for file in dataset.skipped],
    }
    if as_json:
        print(json.dumps(result))
        return
    _say(network, measure, {name: (scores[name], len(part)) for name, part in held_out.items()}, out)


def _say(network: Network, measure: str, scores: dict[str, tuple[float, int]], out: Path) -> None:
    """For people: the network, its scores, each of so many pictures, and what comes next."""
    print(network)
    for name, (score, pictures) in scores.items():
        print(f"{name} {measure.replace('_', ' ')} {score:.3f} on {pictures} pictures")
    if network.run is not None:
        print(f"{len(network.run.history)} epochs in {network.run.seconds:.0f} s")
    print(f"bundle in {out}: cnnkit predict {out} PICTURES --out predictions.parquet")


def _plan(dataset: Dataset, head_epochs: int | None, deep_epochs: int | None, train: str | None) -> Plan | None:
    """What trains when, given the options; None without any of them."""
    import cnnkit as ck
    from cnnkit.transfer.default_training import ENOUGH, enough_epochs

    if head_epochs is None and deep_epochs is None and train is None:
        return None
    if deep_epochs is None and dataset.kind in ENOUGH:
        deep_epochs = enough_epochs(dataset.kind, dataset)
    epochs = {} if deep_epochs is None else {"epochs": deep_epochs}
    if dataset.kind == "points":
        return ck.plans.together(**epochs, train=_layers(train or "all"), rate_decay=1.0)
    if dataset.kind == "masks":
        return ck.plans.together(**epochs, train=_layers(train or "3"))
    if dataset.kind == "boxes":
        of_head = {} if head_epochs is None else {"head_epochs": head_epochs}
        return ck.plans.head_then_together(**of_head, **epochs, train=_layers(train or "3"))
    if head_epochs is None:
        return ck.plans.probe_then_finetune(**epochs, train=_layers(train or "2"))
    return ck.plans.freeze_then_finetune(
        head_epochs=head_epochs,
        deep_epochs=12 if deep_epochs is None else deep_epochs,
        train=_layers(train or "1"),
        patience=4 if len(dataset.validation) else None,
    )


def _layers(train: str) -> str | int:
    """A number of stages as one, a name as it is."""
    return int(train) if train.isdigit() else train


def _head(name: str, dataset: Dataset, *, seed: int) -> Head:
    """The head of a name, weighed as the default one is.

    Raises:
        InputError: It has another task.
        UnknownNameError: There is none of this name.
    """
    import cnnkit as ck
    from cnnkit.errors import InputError, unknown_name
    from cnnkit.heads.table import DECODERS, DETECTORS

    names = {"masks": [decoder.kind for decoder in DECODERS], "boxes": [detector.kind for detector in DETECTORS]}
    task = next((task for task, heads in names.items() if name in heads), None)
    if task is None:
        raise unknown_name("a head of masks or boxes", name, [*names["masks"], *names["boxes"]])
    if task != dataset.kind:
        remedy = f"Leave it out, or give --task {task}."
        raise InputError(f"--head with {task} alone", f"--head {name} for {dataset.kind}", remedy)
    truth: Any = dataset.train.targets
    settings = {"class_weight": ck.losses.balance_weights(truth.pixels())} if task == "masks" else {}
    head: Head = getattr(ck.heads, name)(dataset.classes, **settings, seed=seed)
    return head
