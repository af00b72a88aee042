"""The rooms of the package: each imports lower ranks and itself, never the same or a higher rank."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

import cnnkit
from tests.source_trees import PACKAGE, tree_of

RANKS = {
    "_quiet": -1,
    "errors": 0,
    "_backend": 0.1,
    "_front_door": 0.2,
    "arguments": 0.5,
    "workers": 0.5,
    "exercises": 1,
    "lessons": 1,
    "primitives": 1,
    "metrics": 1,
    "scenes": 1,
    "layers": 1.5,
    "data": 2,
    "zoo": 2,
    "losses": 2,
    "keras_generator": 3,
    "engines": 3,
    "backbones": 3,
    "necks": 4,
    "heads": 4.5,
    "transfer": 5,
    "export": 6,
    "visualize": 6,
    "diagrams": 6.5,
    "reports": 7,
    "tasks": 7,
    "course": 8,
    "serving": 8,
    "distributed": 8,
    "cli": 9,
    "__main__": 10,
}
HEAVY = {"keras", "tensorflow", "tensorflow_datasets"}
FREE_OF_TENSORFLOW = ("errors", "primitives", "metrics", "layers", "scenes", "data", "course.submissions")


def module_name(file: Path) -> str:
    parts = ("cnnkit", *file.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(part for part in parts if part != "__init__")


def imports(file: Path) -> set[str]:
    """Absolute names of all modules that a file imports, local imports included."""
    found = set()
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide the room that they enter"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


FILES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}


@cache
def graph() -> dict[str, set[str]]:
    """The modules that each module imports."""
    return {
        name: {
            target
            for imported in imports(file)
            if (target := imported if imported in FILES else imported.rpartition(".")[0]) in FILES
        }
        for name, file in FILES.items()
    }


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_room_has_a_rank() -> None:
    assert {room(name) for name in FILES} - {""} == set(RANKS)


def test_imports_point_down() -> None:
    upwards = [
        f"{name} imports {target}"
        for name, targets in graph().items()
        if name != "cnnkit"  # the front door names every room
        for target in targets - {"cnnkit"}  # the version
        if room(target) != room(name) and RANKS[room(target)] >= RANKS[room(name)]
    ]
    assert upwards == []


def test_the_map_of_contributing_shows_them() -> None:
    rows: dict[float, list[str]] = {}
    for name, rank in sorted(RANKS.items()):
        if (PACKAGE / name).is_dir():
            rows.setdefault(rank, []).append(name)
    with Image.open(PACKAGE.parent / "notebooks" / "pictures" / "rooms.png") as picture:
        shown = json.loads(picture.text["Comment"])
    assert shown == [rows[rank] for rank in sorted(rows)], "run: python notebooks/pictures/draw.py rooms"


def test_no_cycles() -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path, name))
        if name not in done:
            for target in graph()[name] - {name, "cnnkit"}:
                # `from cnnkit.room import module` names the package, whose __init__ is lazy
                if FILES[target].name != "__init__.py":
                    visit(target, (*path, name))
            done.add(name)

    for name in FILES:
        visit(name, ())


def test_light_rooms_do_not_import_tensorflow_at_the_top() -> None:
    light = [name for name in FILES if name.removeprefix("cnnkit.").startswith(FREE_OF_TENSORFLOW)]
    assert len(light) > 100
    for name in light:
        for node in tree_of(FILES[name]).body:
            if isinstance(node, ast.Import):
                assert not HEAVY & {alias.name.split(".")[0] for alias in node.names}, name
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in HEAVY, name


def test_import_is_silent_and_light() -> None:
    code = (
        "import sys, time; before = time.process_time(); import cnnkit; "
        "seconds = time.process_time() - before; "
        "print(seconds < 0.3, sorted({'numpy', 'pandas', 'keras', 'tensorflow', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("True []", "")


def test_first_use_of_keras_is_silent_and_errors_are_not_swallowed() -> None:
    code = "import cnnkit; cnnkit.Phase; cnnkit.backbone; import os; os.write(2, b'said')"
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert (done.stdout, done.stderr) == ("", "said")


@pytest.mark.parametrize("source", ["KERAS_BACKEND", "keras.json"])
def test_another_backend_of_keras_is_refused_in_words(source: str, tmp_path: Path) -> None:
    code = (
        "import cnnkit, sys; cnnkit.primitives.conv2d; cnnkit.backbones.names()\n"
        "try: cnnkit.backbone\n"
        "except cnnkit.errors.BackendError as error: print(error)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment["KERAS_HOME"] = str(tmp_path)
    if source == "KERAS_BACKEND":
        environment["KERAS_BACKEND"] = "jax"
    else:
        (tmp_path / "keras.json").write_text('{"backend": "torch", "floatx": "float32", "epsilon": 1e-7}')
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "Expected Keras on TensorFlow" in done.stdout, done.stderr
    assert 'KERAS_BACKEND="tensorflow" before Python starts' in done.stdout


def test_every_public_name_exists() -> None:
    for name in cnnkit.__all__:
        assert getattr(cnnkit, name) is not None
    assert set(cnnkit.__all__) <= set(dir(cnnkit))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="finetun"):
        cnnkit.finetun  # noqa: B018  (the access is the test)
