"""`cnnkit assignment new | prepare`: what course staff does before the students come."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import Json

if TYPE_CHECKING:
    from cnnkit.data.source import Source

Folder = Annotated[Path, typer.Argument(help="The assignment's folder.")]
AsJson = Json


def assignment_new(
    folder: Folder,
    title: Annotated[str, typer.Option(help="For people.")] = "Is there a person in the picture?",
    name: Annotated[str | None, typer.Option(help="Short; the folder's name by default.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Pictures of the score segment.")] = 20_000,
    column: Annotated[str, typer.Option(help="What is looked for: the column of the predictions.")] = "person",
    deadline: Annotated[str | None, typer.Option(help="2026-12-18T23:59:00+01:00, with its offset.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write an assignment.toml with every rule in it and what it means, to be edited.

    Example: cnnkit assignment new assignments/person --deadline 2026-12-18T23:59:00+01:00
    """
    from pydantic import ValidationError

    from cnnkit.course.submissions.assignment import FILE, Assignment
    from cnnkit.errors import InputError

    if (folder / FILE).exists():
        raise InputError("a folder without an assignment", str(folder / FILE), "Edit that one, or give another folder.")
    try:
        when = None if deadline is None else datetime.fromisoformat(deadline)
        spec = Assignment(
            name=name or folder.resolve().name.lower(), title=title, rows=rows, column=column, deadline=when
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{'.'.join(map(str, first['loc']))} to be right", repr(first["input"]), f"{first['msg']}."
        ) from error
    except ValueError as error:
        raise InputError("a time like 2026-12-18T23:59:00+01:00", repr(deadline), "Mind the offset.") from error
    path = spec.save(folder)
    print(json.dumps({"file": str(path)}) if as_json else f"{path} written: every entry says what it means.")


def assignment_prepare(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="A new folder for the students' pictures.")],
    labels: Annotated[Path, typer.Option(help="The secret labels, outside of it.")],
    scenes: Annotated[int | None, typer.Option(min=2, help="Draw so many pictures: nothing is downloaded.")] = None,
    coco_images: Annotated[Path | None, typer.Option(help="A folder of photographs …")] = None,
    coco_annotations: Annotated[Path | None, typer.Option(help="… and their instances_*.json.")] = None,
    tfds: Annotated[str | None, typer.Option(help="A detection set of tensorflow-datasets: coco/2017.")] = None,
    tfds_split: Annotated[str, typer.Option(help="Which of its splits.")] = "train",
    tfds_dir: Annotated[Path | None, typer.Option(help="Where it is prepared.")] = None,
    class_folders: Annotated[
        Path | None, typer.Option("--folder", help="Class folders, one of them named as the assignment's column.")
    ] = None,
    train: Annotated[int | None, typer.Option(min=1, help="Pictures to train on; all that are left.")] = None,
    size: Annotated[int, typer.Option(min=32, help="Side of drawn pictures in pixels.")] = 160,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of drawn pictures; secret by default: who guesses it can draw them too.")
    ] = None,
    public: Annotated[
        bool | None,
        typer.Option("--public/--private", help="Whether others have the pictures; by default those of COCO and tfds."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the train and score segments for the students, and the secret labels, from annotations, folders or scenes.

    A picture shows a person if the box of one covers more than 0.5 % of it. Of class folders, those in the folder that
    is named as the assignment's column show it, those in all others do not. The order of the pictures, and which are
    drawn, follow from a random secret that only the labels' file keeps. The labels' fingerprint goes into
    assignment.toml, so that nothing is graded with other ones. Labels that a constant answer would pass with are
    refused.

    Whoever has the pictures of a public set can look up what they show. They are mirrored, bent and lit in another way
    by the secret, so that hashes and thumbnails rarely find them; a network that compares features does. Use drawn
    scenes, or pictures of your own, where points depend on it.

    Example: cnnkit assignment prepare assignments/person --scenes 30000 --out segments --labels secret/labels.parquet
    """
    from cnnkit.course.grading.prepare import prepare
    from cnnkit.course.submissions.assignment import Assignment
    from cnnkit.errors import InputError

    annotated = coco_images is not None and coco_annotations is not None
    given = [scenes is not None, annotated, tfds is not None, class_folders is not None]
    if sum(given) != 1:
        raise InputError(
            "one of --scenes, --folder, --tfds, or --coco-images with --coco-annotations",
            f"{sum(given)} of them",
            "Say where the pictures come from.",
        )
    spec, salt = Assignment.load(folder), secrets.token_hex(16)
    source = _source(
        spec.column,
        scenes=scenes,
        coco=(coco_images, coco_annotations),
        tfds=(tfds, tfds_split, tfds_dir),
        class_folders=class_folders,
        size=size,
        seed=int(salt, 16) if seed is None else seed,
    )
    shown = (annotated or tfds is not None) if public is None else public
    if shown:
        typer.echo(_PUBLIC, err=True)
    prepared, segments = prepare(source, spec, out=out, labels=labels, train=train, salt=salt, public=shown)
    prepared.save(folder)
    if as_json:
        print(json.dumps({"out": str(out), "labels": str(labels), **asdict(segments)}))
        return
    print(
        f"{out}: {segments.train:,} pictures to train on, {segments.score:,} to predict.",
        f"{labels}: secret; {segments.positive:,} of {segments.score:,} show a {spec.column}.",
        f"Fingerprint of the labels, now in {folder}: {segments.labels_fingerprint}",
        f"Fingerprint of the data: {segments.data_fingerprint}",
        sep="\n",
    )
    if segments.duplicates:
        print(f"{segments.duplicates:,} pictures are in both segments and were left out of the train segment.")


_PUBLIC = (
    "Warning: these pictures are public, and so is what they show: a student can look up labels. They are changed so "
    "that hashes and thumbnails rarely match, but comparing the features of a network still finds them. Where points "
    "depend on it, use --scenes, or --folder with pictures that nobody else has; and look at flagged scores."
)


def _source(
    label: str,
    *,
    scenes: int | None,
    coco: tuple[Path | None, Path | None],
    tfds: tuple[str | None, str, Path | None],
    class_folders: Path | None,
    size: int,
    seed: int,
) -> Source:
    if scenes is not None:
        from cnnkit.data.scene_pictures import scenes as draw

        return draw(scenes, seed, size=size).whole()
    if class_folders is not None:
        from cnnkit.course.grading.prepare import one_class
        from cnnkit.data.image_folder import folder

        return one_class(folder(class_folders, split=(1, 0, 0)).whole(), label)
    images, annotations = coco
    if images is not None and annotations is not None:
        from cnnkit.data.coco_images import coco as read

        return read(images, annotations, label=label, split=(1, 0, 0)).whole()
    from cnnkit.course.grading.tfds_boxes import tfds_boxes

    name, split, data_dir = tfds
    return tfds_boxes(str(name), split=split, label=label, data_dir=data_dir)


assignment_app = typer.Typer(help="What course staff does before the students come.", no_args_is_help=True)
assignment_app.command("new")(assignment_new)
assignment_app.command("prepare")(assignment_prepare)
