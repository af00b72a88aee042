"""Architectures, notebooks and scripts that cost most for their size, or whose findings would be long."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.course.submissions.bad_architectures import MODEL, NOTEBOOK_FILE, SCRIPT_FILE
from tests.course.submissions.bad_files import Bad, Change
from tests.course.submissions.keras_json import body, convolution, dense, functional, image, layer, tensor
from tests.course.submissions.valid import NOTEBOOK

COSTLY: list[Bad] = []
CELL = NOTEBOOK["cells"][0]


def row(check: str, name: str, without: str = "") -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """A row whose maker gives the bytes or the JSON of a file, in the place of another where that is named."""

    def register(content: Callable[[], Any]) -> Callable[[], Any]:
        def make(folder: Path) -> None:
            if without:
                (folder / without).unlink()
            value = content()
            (folder / name).write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())

        make.__name__ = content.__name__
        COSTLY.append(Bad(check, make))
        return content

    return register


model = partial(row, name=MODEL)
notebook = partial(row, name=NOTEBOOK_FILE)
script = partial(row, name=SCRIPT_FILE, without=NOTEBOOK_FILE)


# --- architectures: JSON


@model("json-duplicate-key")
def model_of_two_hundred_thousand_keys_of_which_two_agree() -> bytes:
    return ("{" + ",".join(f'"{number}":0' for number in (*range(150_000), 149_999)) + "}").encode()


@model("json-duplicate-key")
def model_of_many_pairs_of_keys() -> bytes:
    return ("{" + ",".join(f'"{number}":0' for number in range(75_000) for _ in range(2)) + "}").encode()


@model("json-values")
def model_of_six_hundred_thousand_lists() -> bytes:
    return b"[" + b"[]," * 600_000 + b"[]]"


@model("json-number")
def model_with_a_number_of_a_million_digits() -> bytes:
    return b'{"class_name":' + b"9" * 1_000_000 + b"}"


@model("json-number")
def model_with_a_fraction_of_a_million_digits() -> bytes:
    return b'{"class_name":1' + b"0" * 1_000_000 + b".5e999999}"


@model("json-syntax")
def model_of_quotes_alone() -> bytes:
    return b'"' * 1_999_999


@model("json-syntax")
def model_of_backslashes_alone() -> bytes:
    return b'{"' + b"\\" * 1_999_990


# --- architectures: what is said about them


@model("model-output")
def model_of_a_thousand_outputs() -> Any:
    found = functional([*body()[:-1], *(dense(f"end{index}", "pool") for index in range(1_000))])
    found["config"]["output_layers"] = [[f"end{index}", 0, 0] for index in range(1_000)]
    return found


@model("graph-unused-layer")
def model_of_a_thousand_inputs() -> Any:
    images = [image(f"image{index}") for index in range(900)]
    found = functional([*body(), *images])
    found["config"]["input_layers"] = [["image", 0, 0], *([f"image{index}", 0, 0] for index in range(900))]
    return found


@model("layer-unknown")
def model_with_a_name_of_a_megabyte() -> Any:
    return functional([*body()[:-1], {**dense("end", "pool"), "class_name": "D" * 1_000_000}])


@model("layer-argument")
def model_with_an_argument_of_a_megabyte() -> Any:
    found = dense("end", "pool")
    found["config"]["activation"] = "a" * 1_000_000
    return functional([*body()[:-1], found])


@model("layer-argument")
def model_with_an_argument_named_by_a_megabyte() -> Any:
    found = dense("end", "pool")
    found["config"]["a" * 1_000_000] = 1
    return functional([*body()[:-1], found])


@model("layer-argument")
def model_with_a_constant_of_a_hundred_thousand_numbers() -> Any:
    found = dense("end", "pool")
    found["config"]["units"] = [1.5] * 100_000
    return functional([*body()[:-1], found])


@model("budget-tensors")
def model_whose_tensors_have_long_paths() -> Any:
    """Seven models within one another, the innermost of 1,700 layers: its reply would be longer than it may be."""
    norms = [
        layer("BatchNormalization", f"n{index}", f"n{index - 1}" if index else "in0", axis=-1) for index in range(1_700)
    ]
    inner = functional([image("in0"), *norms], name="m0")
    for depth in range(1, 8):
        called = {**inner, "name": inner["config"]["name"]}
        called["inbound_nodes"] = [{"args": [tensor(f"in{depth}")], "kwargs": {}}]
        outer = functional([image(f"in{depth}"), called], name=f"m{depth}")
        outer["config"]["output_layers"] = [[called["name"], 1, 0]]  # 0 is where the inner one was built
        inner = outer
    return inner


# --- architectures: what running them would take


@model("budget-activation")
def model_of_sixteen_parallel_branches() -> Any:
    """Each array has 402 MB for eight pictures, less than the budget; together they took 6.1 GB."""
    side = 1_024
    branches = [convolution(f"branch{index}", "image", filters=12) for index in range(16)]
    both = layer("Concatenate", "both", *(f"branch{index}" for index in range(16)), axis=-1)
    pool = layer("GlobalAveragePooling2D", "pool", "both", data_format="channels_last", keepdims=False)
    return functional([image(shape=(None, side, side, 3)), *branches, both, pool, dense("end", "pool")])


@model("budget-activation")
def model_that_keeps_every_array_to_its_end() -> Any:
    side = 512
    layers = [image(shape=(None, side, side, 3))]
    layers += [convolution(f"c{index}", f"c{index - 1}" if index else "image", filters=4) for index in range(40)]
    both = layer("Concatenate", "both", *(f"c{index}" for index in range(40)), axis=-1)
    pool = layer("GlobalAveragePooling2D", "pool", "both", data_format="channels_last", keepdims=False)
    return functional([*layers, both, pool, dense("end", "pool")])


@model("budget-input")
def model_of_large_pictures() -> Any:
    return functional([image(shape=(None, 2_048, 2_048, 3)), *body()[1:]])


# --- notebooks


def book(*cells: Any, **changes: Any) -> bytes:
    return json.dumps({**NOTEBOOK, "cells": list(cells), **changes}).encode()


@notebook("json-values")
def notebook_of_two_million_lists() -> bytes:
    return b'{"nbformat":4,"cells":[' + b"[]," * 3_000_000 + b"[]]}"


@notebook("notebook-format")
def notebook_of_objects_instead_of_cells() -> bytes:
    return b'{"nbformat":4,"cells":[' + b'{"a":[1]},' * 150_000 + b"{}]}"


@notebook("file-memory")
def notebook_of_many_pairs_of_keys() -> bytes:
    return ("{" + ",".join(f'"{number}":0' for number in range(400_000) for _ in range(2)) + "}").encode()


@notebook("notebook-format")
def notebook_of_a_hundred_thousand_cells() -> bytes:
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": ""}] * 100_000}).encode()


@notebook("file-memory")
def notebook_of_ten_million_quotes() -> bytes:
    return b'"' * 9_999_999


@notebook("notebook-empty")
def notebook_with_nine_thousand_blank_cells() -> bytes:
    return book(*[{**CELL, "source": [" "] * 80}] * 9_000)


# --- scripts


@script("script-size")
def script_of_half_a_million_commas() -> bytes:
    return b"x = (" + b"x," * 240_000 + b")"


@script("script-size")
def script_of_semicolons() -> bytes:
    return b"x;" * 240_000


@script("script-depth")
def script_of_a_long_sum() -> bytes:
    return b"x = 1" + b"+1" * 100_000


@script("script-syntax")
def script_of_brackets_without_an_end() -> bytes:
    return b"(" * 190 + b"x," * 100_000


@script("script-size")
def script_of_f_strings_without_an_end() -> bytes:
    return b"f'{" * 160_000


@script("script-syntax")
def script_of_an_error_behind_much_code() -> bytes:
    return b"x = [1, 2]\n" * 15_000 + b"x = = 1\n"


@script("script-size")
def script_of_quotes_without_an_end() -> bytes:
    return b"'" * 3 + b"\"'a\\" * 100_000


@script("script-syntax")
def script_in_an_encoding_that_is_slow_to_read() -> bytes:
    return b"# coding: punycode\n" + b"x-" * 200_000


@script("script-syntax")
def script_with_a_number_of_half_a_million_digits() -> bytes:
    return b"x = " + b"9" * 490_000


@script("script-syntax")
def script_of_type_parameters_without_an_end() -> bytes:
    return b"def f[" * 80_000


COSTLY_MODELS = tuple(COSTLY)


# --- honest ones, as large as they may be


def _outputs(number: int) -> list[dict[str, Any]]:
    chance = random.Random(number)  # noqa: S311 not for secrets
    progress = [f"{step}/782 [====>.....] - ETA: 12s - loss: 0.6931 - accuracy: 0.5\n" for step in range(2_000)]
    picture = "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef", k=200_000))
    points = [chance.random() for _ in range(5_000)]
    return [
        {"output_type": "stream", "name": "stdout", "text": progress},
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture, "text/plain": ["<Figure>"]}},
        {"output_type": "display_data", "metadata": {}, "data": {"application/vnd.plotly.v1+json": {"x": points}}},
    ]


def large_notebook(folder: Path) -> None:
    """Nine megabytes of progress, pictures and plots."""
    sources = ["%matplotlib inline\n", "!pip install cnnkit\n", "x = 1"], ["%%bash\n", "ls | wc\n"], "import keras"
    cells = [{**CELL, "source": sources[index % 3], "outputs": _outputs(index)} for index in range(20)]
    (folder / NOTEBOOK_FILE).write_bytes(book(*cells))


def large_script(folder: Path) -> None:
    """480 KB of functions."""
    block = 'def step_{0}(value, rate=0.{0}):\n    """Trains."""\n    return [value * rate for _ in range({0})]\n\n\n'
    (folder / NOTEBOOK_FILE).unlink()
    (folder / SCRIPT_FILE).write_text("".join(block.format(index) for index in range(4_500)), encoding="utf-8")


def large_script_of_an_older_editor(folder: Path) -> None:
    """As much with f-strings, in the encoding of Windows."""
    line = "print(f'Zoë: {d['a']!r:>{w}}')\n" * 12_000
    (folder / NOTEBOOK_FILE).unlink()
    (folder / SCRIPT_FILE).write_bytes(("# coding: cp1252\n" + line).encode("cp1252"))


HONEST_LARGE: tuple[Change, ...] = (large_notebook, large_script, large_script_of_an_older_editor)
