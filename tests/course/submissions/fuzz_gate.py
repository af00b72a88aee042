"""Random changes of good and bad architectures, notebooks and scripts: the gate never raises, hangs or prints marks.

    python -m tests.course.submissions.fuzz_gate 10            # minutes
    python -m tests.course.submissions.fuzz_gate 10 --keras    # and what passes is loaded by Keras, which has to agree

`--keras` is the stronger promise: of a model that the arithmetic accepts Keras says the same, parameters, output and
tensors, or it refuses to build it; how often it does, and why, is printed.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cnnkit.course.submissions.architecture import Architecture, read_architecture
from cnnkit.course.submissions.findings import Finding
from cnnkit.course.submissions.notebook import check_notebook, check_script
from tests.course.submissions.bad_architectures import BAD_CODE, BAD_MODELS, MODEL, NOTEBOOK_FILE, SCRIPT_FILE
from tests.course.submissions.keras_json import body, convolution, dense, functional, image, layer, sequential, tensor
from tests.course.submissions.valid import ASSIGNMENT, NOTEBOOK, SCRIPT, write_valid

SLOWEST = 5.0
WORDS = ["relu", "same", "valid", "keras.layers", "keras", "Dense", "Conv2D", "Flatten", "Add", "image", "pool", "../x"]
NUMBERS = [-1, 0, 1, 2, 3, 7, 16, 1000, 2**31, 2**53, 0.5, -1.5, 1e30]


def rich() -> Any:
    """A model with a little of everything."""
    both = layer("Concatenate", "both", "left", "right", axis=-1)
    left = layer("MaxPooling2D", "left", "relu", pool_size=[2, 2], strides=None, padding="valid")
    right = layer("AveragePooling2D", "right", "relu", pool_size=[2, 2], strides=[2, 2], padding="same")
    twice = convolution("twice", "both", filters=16)
    twice["inbound_nodes"].append({"args": [tensor("twice")], "kwargs": {}})
    up = layer("UpSampling2D", "up", size=[2, 2], data_format="channels_last", interpolation="nearest")
    up["inbound_nodes"] = [{"args": [tensor("twice", 1)], "kwargs": {}}]
    shape = layer("Reshape", "shape", "up", target_shape=[-1, 16])
    scores = layer("Attention", "scores", "shape", "shape", use_scale=True, score_mode="dot", dropout=0.0)
    end = [layer("Flatten", "flat", "scores"), dense("probability", "flat")]
    return functional([*body()[:5], left, right, both, twice, up, shape, scores, *end])


def nested() -> Any:
    inner = sequential([image("in"), convolution("c1"), layer("LayerNormalization", "n", axis=[-1])], name="inner")
    called = {**inner, "name": "inner", "inbound_nodes": [{"args": [tensor("image")], "kwargs": {"training": False}}]}
    pool = layer("GlobalMaxPooling2D", "pool", "inner", keepdims=False)
    return functional([image(), called, pool, dense("probability", "pool")])


def mutated(value: Any, chance: random.Random) -> Any:
    """The same JSON with a few values changed, moved, doubled or gone."""
    document = json.loads(json.dumps(value))
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        places = list(containers(document))
        if not places:
            return document
        holder, key = chance.choice(places)
        match chance.randrange(12):
            case 0:
                holder[key] = chance.choice(NUMBERS)
            case 1:
                holder[key] = chance.choice(WORDS)
            case 2:
                holder[key] = chance.choice([None, True, False, [], {}, [1, 1], [[1]]])
            case 3:
                other, name = chance.choice(places)
                holder[key] = json.loads(json.dumps(other[name]))
            case 4:
                del holder[key]
            case 5 if isinstance(holder, list):
                holder.insert(key, holder[key])
            case _ if type(holder[key]) is int:
                holder[key] += chance.choice([-1, 1])
            case _:
                holder[key] = [holder[key]]
    return document


def containers(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a JSON value, as its container and key."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        pairs = list(node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ())
        yield from ((node, key) for key, _ in pairs)
        waiting += [inner for _, inner in pairs]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The same bytes with some flipped, cut out or doubled."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 8])):
        place = chance.randrange(len(changed) + 1)
        length = chance.choice([1, 1, 4, 50])
        match chance.randrange(3):
            case 0:
                changed[place : place + length] = bytes(chance.randrange(256) for _ in range(length))
            case 1:
                del changed[place : place + length]
            case _:
                changed[place:place] = changed[place : place + length] * chance.choice([1, 100])
    return bytes(changed[:500_000])


def seeds(folder: Path) -> dict[str, list[bytes]]:
    """Good and bad files of each kind."""
    found: dict[str, list[bytes]] = {MODEL: [], NOTEBOOK_FILE: [], SCRIPT_FILE: []}
    for number, bad in enumerate((*BAD_MODELS, *BAD_CODE)):
        place = write_valid(folder / str(number))
        bad.make(place)
        for name, kept in found.items():
            file = place / name
            if file.exists() and file.stat().st_size < 100_000:
                kept.append(file.read_bytes())
    found[SCRIPT_FILE].append(SCRIPT.encode())
    return found


def look(data: bytes, name: str) -> tuple[Architecture | None, tuple[Finding, ...]]:
    """What the gate says about a file, in how much time and in which letters."""
    started = time.perf_counter()
    found = None
    if name == MODEL:
        found, findings = read_architecture(data, ASSIGNMENT)
    elif name == NOTEBOOK_FILE:
        findings = check_notebook(data, file=name)
    else:
        findings = check_script(data, file=name)
    seconds = time.perf_counter() - started
    if seconds > SLOWEST or not all(str(finding).isprintable() for finding in findings):
        raise AssertionError(f"{seconds:.1f} s, {findings}")
    return found, findings


def agree_with_keras(data: bytes, found: Architecture, folder: Path) -> str:
    """What Keras says where it does not build what passed; where it does, it has to say the same about it."""
    import keras

    from tests.course.submissions.saved_tensors import tensors_of

    keras.backend.clear_session()
    try:
        model = keras.models.model_from_json(data.decode())
    except Exception as error:
        return f"Keras: {str(error).strip().splitlines()[-1][:90]}"
    model.save_weights(folder / "model.weights.h5")
    theirs = (
        model.count_params(),
        [tuple(output.shape) for output in model.outputs],
        tensors_of(folder / "model.weights.h5"),
    )
    ours = (found.parameters, list(found.outputs), {path: weight.shape for path, weight in found.tensors.items()})
    if ours != theirs:
        raise AssertionError(f"{ours}\n{theirs}")
    return ""


def fuzz(seconds: float, *, seed: int = 0, compare: Callable[[bytes, Architecture], str] | None = None) -> Counter[str]:
    """Looks at random files for so long; raises where the gate breaks a promise.

    Returns:
        How often each finding was made; `""` counts the files without any.
    """
    chance = random.Random(seed)  # noqa: S311 not for secrets
    said: Counter[str] = Counter()
    models = [rich(), nested(), functional(body())]
    with tempfile.TemporaryDirectory() as folder:
        kinds = seeds(Path(folder))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name = MODEL if compare else chance.choice([MODEL, MODEL, MODEL, NOTEBOOK_FILE, SCRIPT_FILE])
        if name == MODEL and (compare or chance.random() < 0.7):
            data = json.dumps(mutated(chance.choice(models), chance)).encode()
        elif name == NOTEBOOK_FILE and chance.random() < 0.5:
            data = json.dumps(mutated(NOTEBOOK, chance)).encode()
        else:
            data = damaged(chance.choice(kinds[name]), chance)
        said_by_keras = ""
        try:
            found, findings = look(data, name)
            if compare and found is not None and not findings:
                said_by_keras = compare(data, found)
        except BaseException:
            kept = Path(tempfile.gettempdir(), f"fuzz_{name}")
            kept.write_bytes(data)
            print(f"The file is {kept}", file=sys.stderr)
            raise
        said.update({finding.check for finding in findings} or {said_by_keras})
    return said


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with_keras = "--keras" in sys.argv
        compare = (lambda data, found: agree_with_keras(data, found, place)) if with_keras else None
        said = fuzz(minutes * 60, seed=int(time.time()), compare=compare)
    print(f"{said.total():,} files; {said['']:,} without a finding")
    for check, count in said.most_common():
        print(f"{count:>9,} {check or '–'}")


if __name__ == "__main__":
    main()
