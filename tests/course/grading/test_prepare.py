"""Segments for students and labels for the grader, from each kind of data."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from cnnkit.cli.assignment_command import assignment_app
from cnnkit.course.grading.labels import read_labels
from cnnkit.course.grading.prepare import one_class, prepare
from cnnkit.course.grading.tfds_boxes import tfds_boxes
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.data.array_images import arrays
from cnnkit.data.dataset import Dataset
from cnnkit.data.scene_pictures import scenes
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.scenes.coco_export import write_coco
from cnnkit.scenes.scene_drawing import shows_person

SPEC = Assignment(name="person", title="Person?", rows=40, pass_above=Decimal("0.75"))


def drawn(n: int = 100, seed: int = 1) -> Source:
    return scenes(n, seed, size=48).whole()


def test_segments_from_scenes(tmp_path: Path) -> None:
    out, labels = tmp_path / "segments", tmp_path / "secret" / "labels.parquet"
    spec, segments = prepare(drawn(), SPEC, out=out, labels=labels)
    assert (segments.score, segments.train, segments.duplicates) == (40, 60, 0)
    assert sorted(path.name for path in (out / "score").iterdir()) == [f"{row:06d}.jpg" for row in range(40)]
    trained = {name: len(list((out / "train" / name).iterdir())) for name in ("person", "no_person")}
    assert sum(trained.values()) == 60
    found = read_labels(labels, spec)
    assert found.fingerprint == spec.labels_fingerprint == segments.labels_fingerprint
    assert found.truth.sum() == segments.positive
    # The segments hold every picture once: the drawn world knows how many show a person.
    assert trained["person"] + segments.positive == sum(shows_person(1, index) for index in range(100))


def test_rows_are_those_of_the_pictures(tmp_path: Path) -> None:
    """Pictures of one colour: what is in the file tells its label."""
    images = np.zeros((60, 8, 8, 3), np.uint8)
    images[::2] = 255
    images += np.arange(60, dtype=np.uint8)[:, None, None, None] // 10 + 3
    dataset = arrays(images, np.arange(60) % 2 == 0, classes=["dark", "bright"], split=(1, 0, 0))
    images[::2] -= 10
    spec, _ = prepare(dataset.whole(), SPEC, out=tmp_path / "out", labels=tmp_path / "labels.parquet")
    truth = read_labels(tmp_path / "labels.parquet", spec).truth
    for row, path in enumerate(sorted((tmp_path / "out" / "score").iterdir())):
        assert (cv2.imread(str(path)).mean() > 100) == truth[row]


def test_students_learn_nothing_about_labels(tmp_path: Path) -> None:
    prepare(drawn(), SPEC, out=tmp_path / "out", labels=tmp_path / "labels.parquet")
    told = json.loads((tmp_path / "out" / "segments.json").read_text())
    assert not {"positive", "seed", "salt"} & set(told)
    assert not list((tmp_path / "out").rglob("*.parquet"))
    assert not [path for path in (tmp_path / "out" / "score").iterdir() if "scene" in path.name]


def test_the_division_depends_on_names_and_salt_alone(tmp_path: Path) -> None:
    def rows(name: str, source: Source, salt: str) -> str:
        spec, segments = prepare(source, SPEC, out=tmp_path / name, labels=tmp_path / f"{name}.parquet", salt=salt)
        return f"{segments.data_fingerprint} {spec.labels_fingerprint}"

    source = drawn()
    shuffled = source.take(np.random.default_rng(0).permutation(100))
    assert rows("a", source, "s") == rows("b", shuffled, "s")
    assert rows("c", source, "t") != rows("d", source, "s")


def test_the_salt_is_secret_and_new_each_time(tmp_path: Path) -> None:
    fingerprints = {
        prepare(drawn(), SPEC, out=tmp_path / name, labels=tmp_path / f"{name}.parquet")[0].labels_fingerprint
        for name in ("a", "b")
    }
    assert len(fingerprints) == 2


def public_text(folder: Path) -> str:
    """All text that students get: contents of text files and names of all files."""
    texts = [path.read_text() for path in folder.rglob("*") if path.suffix in (".json", ".toml")]
    return "\n".join([*texts, *(str(path.relative_to(folder)) for path in folder.rglob("*"))])


@pytest.mark.parametrize("named", [(), ("--seed", 0)], ids=["secret seed", "named seed"])
def test_who_has_what_is_handed_out_and_this_code_cannot_tell_the_labels(tmp_path: Path, named: tuple[object]) -> None:
    spec = SPEC.model_copy(update={"pass_above": Decimal("0.9")})
    command = ("--scenes", 60, "--size", 48, *named)
    orders, pictures = [], []
    for name in ("a", "b"):  # as staff calls it, and as a student who calls the same does
        handed_out = tmp_path / name
        spec.save(handed_out)
        labels = tmp_path / f"{name}.parquet"
        run("prepare", handed_out, *command, "--out", handed_out / "segments", "--labels", labels)
        found = read_labels(labels, spec)
        orders.append(found.truth.tolist())
        pictures.append({path.read_bytes() for path in (handed_out / "segments").rglob("*.jpg")})
        assert found.salt
        assert found.salt not in public_text(handed_out)
        assert "scene" not in public_text(handed_out)
        # Salt and data are enough to make it again, for those who have the labels.
        seed = int(found.salt, 16) if not named else 0
        again = scenes(60, seed, size=48).whole()
        same, _ = prepare(again, spec, out=tmp_path / f"{name}2", labels=tmp_path / f"{name}2.parquet", salt=found.salt)
        assert same.labels_fingerprint == found.fingerprint
    assert orders[0] != orders[1]
    assert pictures[0] & pictures[1] == (pictures[0] if named else set())
    for public in range(3):  # seeds that one would guess: the order of an earlier version
        drawn_again = scenes(60, public, size=48).whole()
        order = sorted(range(60), key=lambda row: hashlib.sha256(f"{public} {drawn_again.ids[row]}".encode()).digest())
        assert (np.asarray(drawn_again.labels)[order[:40]] == 1).tolist() != orders[0]


def test_a_picture_of_the_score_segment_is_not_to_be_trained_on(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3)).astype(np.uint8)
    twice = np.concatenate([images, images])
    dataset = arrays(twice, np.arange(100) % 2, classes=["no", "yes"], split=(1, 0, 0))
    _, segments = prepare(dataset.whole(), SPEC, out=tmp_path / "out", labels=tmp_path / "labels.parquet")
    assert segments.duplicates > 0
    assert segments.train + segments.duplicates + segments.score == 100
    assert len(list((tmp_path / "out" / "train").rglob("*.jpg"))) == segments.train


def test_labels_that_a_constant_answer_would_pass_with_are_refused(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 3)).astype(np.uint8)
    dataset = arrays(images, (np.arange(100) < 15).astype(int), classes=["no", "yes"], split=(1, 0, 0))
    with pytest.raises(DataError, match="always answering the same"):
        prepare(dataset.whole(), SPEC, out=tmp_path / "out", labels=tmp_path / "labels.parquet", salt="0")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "labels.parquet").exists()


def test_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="more than the 40"):
        prepare(drawn(40), SPEC, out=tmp_path / "out", labels=tmp_path / "labels.parquet")
    with pytest.raises(InputError, match="outside"):
        prepare(drawn(), SPEC, out=tmp_path / "out", labels=tmp_path / "out" / "labels.parquet")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    with pytest.raises(InputError, match="not empty"):
        prepare(drawn(), SPEC, out=tmp_path / "full", labels=tmp_path / "labels.parquet")
    (tmp_path / "old.parquet").write_text("the labels of a class that has begun")
    with pytest.raises(InputError, match="is there"):
        prepare(drawn(), SPEC, out=tmp_path / "new", labels=tmp_path / "old.parquet")
    assert not (tmp_path / "new").exists()
    three = arrays(np.zeros((9, 8, 8, 3), np.uint8), np.arange(9) % 3, classes=list("abc"), split=(1, 0, 0))
    with pytest.raises(DataError, match="two classes"):
        prepare(three.train, SPEC, out=tmp_path / "out", labels=tmp_path / "labels.parquet")
    first, second = scenes(9, 1, size=48), scenes(9, 2, size=48)
    with pytest.raises(DataError, match="one place"):
        Dataset(first.classes, first.train, second.train, first.test).whole()


def run(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(assignment_app, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_new_and_prepare_from_coco_as_staff_calls_them(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "coco", 60, seed=2, size=48)
    folder = tmp_path / "person"
    run("new", folder, "--rows", 30, "--deadline", "2026-12-18T23:59:00+01:00")
    spec = Assignment.load(folder)
    assert (spec.name, spec.rows, spec.labels_fingerprint) == ("person", 30, None)
    spec.model_copy(update={"pass_above": Decimal("0.8")}).save(folder)
    images = next(path for path in coco.rglob("*") if path.is_dir() and any(path.glob("*.jpg")))
    annotations = next(coco.rglob("instances*.json"))
    said = run(
        *("prepare", folder, "--coco-images", images, "--coco-annotations", annotations),
        *("--out", tmp_path / "segments", "--labels", tmp_path / "labels.parquet", "--train", 20),
    )
    assert (said["score"], said["train"], said["public"]) == (30, 20, True)
    assert json.loads((tmp_path / "segments" / "segments.json").read_text())["public"]
    prepared = Assignment.load(folder)
    assert prepared.labels_fingerprint == said["labels_fingerprint"]
    assert prepared.deadline == spec.deadline
    assert len(read_labels(tmp_path / "labels.parquet", prepared)) == 30


def test_commands_used_wrongly(tmp_path: Path) -> None:
    run("new", tmp_path / "a")
    runner = CliRunner()
    for arguments, message in (
        (["new", tmp_path / "a"], "without an assignment"),
        (["new", tmp_path / "b", "--deadline", "tomorrow"], "offset"),
        (["new", tmp_path / "b", "--deadline", "2026-12-18T23:59:00"], "deadline"),
        (["new", tmp_path / "b", "--name", "Not a name"], "name"),
        (["prepare", tmp_path / "a", "--out", "o", "--labels", "l"], "one of --scenes"),
        (["prepare", tmp_path / "a", "--out", "o", "--labels", "l", "--scenes", "9", "--tfds", "coco"], "one of"),
    ):
        with pytest.raises(InputError, match=message):
            runner.invoke(assignment_app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert isinstance(assignment_app, typer.Typer)


# Boxes (top, left, bottom, right) of a part of the picture; 0.5 % is 0.005.
BOXES = [
    ([("person", (0.0, 0.0, 0.5, 0.5))], 1),
    ([("person", (0.0, 0.0, 0.05, 0.05))], 0),  # 0.25 %
    ([("dog", (0.0, 0.0, 1.0, 1.0))], 0),
    ([], 0),
    ([("dog", (0.0, 0.0, 1.0, 1.0)), ("person", (0.5, 0.5, 0.6, 0.6))], 1),  # 1 %
    ([("person", (0.1, 0.1, 0.149, 0.2)), ("person", (0.0, 0.0, 0.07, 0.07))], 0),  # 0.49 % twice is not more
]


@pytest.fixture(scope="module")
def detection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of the form of tfds's coco, really prepared on disk."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's and TFDS's own, at import
        import tensorflow_datasets as library

    features = library.features
    described = {
        "image": features.Image(encoding_format="png"),
        "objects": features.Sequence(
            {"bbox": features.BBoxFeature(), "label": features.ClassLabel(names=["dog", "person"])}
        ),
    }

    class Builder(library.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[misc]  # no types
        VERSION = library.core.Version("1.0.0")

        def _info(self) -> Any:
            return library.core.DatasetInfo(builder=self, features=features.FeaturesDict(described))

        def _split_generators(self, manager: Any) -> dict[str, Any]:
            return {"train": self._generate_examples()}

        def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
            for index, (objects, _) in enumerate(BOXES):
                things = [{"label": name, "bbox": features.BBox(*box)} for name, box in objects]
                yield index, {"image": np.full((4, 4, 3), index, np.uint8), "objects": things}

    Builder.name = "tiny_coco"
    Builder.__module__ = "tiny_coco"
    folder = tmp_path_factory.mktemp("tfds")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Builder(data_dir=str(folder)).download_and_prepare()
    return folder


def test_the_person_rule_on_a_set_of_tfds(detection: Path) -> None:
    found = tfds_boxes("tiny_coco", data_dir=detection)
    labels = np.asarray(found.labels)
    shown = {int(found.image(index).mean()): int(labels[index]) for index in range(len(found))}
    assert shown == {number: label for number, (_, label) in enumerate(BOXES)}
    assert found.classes == ("no_person", "person")
    assert len(set(found.ids)) == len(BOXES)


def test_sets_of_tfds_that_do_not_fit(detection: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="train"):
        tfds_boxes("tiny_coco", split="trian", data_dir=detection)
    with pytest.raises(UnknownNameError, match="person"):
        tfds_boxes("tiny_coco", label="persn", data_dir=detection)
    with pytest.raises(UnknownNameError, match="coco"):
        tfds_boxes("cocoo", data_dir=tmp_path)


def test_an_assignment_from_class_folders_asks_for_one_of_them(tmp_path: Path) -> None:
    """Ants among three kinds; the colour of a picture tells its kind."""
    shades = {"ant": 20, "bee": 120, "wasp": 220}
    for name, shade in shades.items():
        (tmp_path / "insects" / name).mkdir(parents=True)
        for index in range(20):
            picture = np.full((16, 16, 3), shade + index % 20, np.uint8)
            cv2.imwrite(str(tmp_path / "insects" / name / f"{name}{index}.png"), picture)
    run("new", tmp_path / "ants", "--rows", 30, "--column", "ant")
    spec = Assignment.load(tmp_path / "ants").model_copy(update={"pass_above": Decimal("0.9")})
    spec.save(tmp_path / "ants")
    out, secret = tmp_path / "out", tmp_path / "secret.parquet"
    where = ("--folder", tmp_path / "insects", "--out", out, "--labels", secret)
    made = run("prepare", tmp_path / "ants", *where)
    truth = read_labels(secret, Assignment.load(tmp_path / "ants")).truth
    assert (made["score"], made["train"], made["positive"]) == (30, 30, int(truth.sum()))
    seen = [cv2.imread(str(out / "score" / f"{row:06d}.jpg")).mean() < 60 for row in range(30)]
    assert seen == truth.tolist()
    assert sorted(path.name for path in (out / "train").iterdir()) == ["ant", "no_ant"]
    with pytest.raises(UnknownNameError, match=r"'ant'.*wasp|wasp.*ant"):
        one_class(
            arrays(np.zeros((4, 8, 8, 3), np.uint8), [0, 1] * 2, classes=["bee", "wasp"], split=(1, 0, 0)).whole(),
            "ant",
        )


def test_staff_are_told_what_is_public(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "coco", 60, seed=2, size=48)
    images = next(path for path in coco.rglob("*") if path.is_dir() and any(path.glob("*.jpg")))
    annotated = ("--coco-images", images, "--coco-annotations", next(coco.rglob("instances*.json")))
    runner = CliRunner()
    for name, source, public in (
        ("coco", annotated, True),
        ("own", (*annotated, "--private"), False),
        ("drawn", ("--scenes", 60, "--size", 48), False),
    ):
        SPEC.model_copy(update={"rows": 30, "pass_above": Decimal("0.9")}).save(tmp_path / name)
        where = ("--out", tmp_path / f"{name}-out", "--labels", tmp_path / f"{name}.parquet")
        arguments = [str(each) for each in ("prepare", tmp_path / name, *source, *where)]
        result = runner.invoke(assignment_app, arguments, catch_exceptions=False)
        assert ("a student can look up labels" in result.stderr) == public
        assert json.loads((tmp_path / f"{name}-out" / "segments.json").read_text())["public"] == public
        handed_out = {cv2.imread(str(path)).shape for path in (tmp_path / f"{name}-out").rglob("*.jpg")}
        assert (handed_out == {(48, 48, 3)}) != public
