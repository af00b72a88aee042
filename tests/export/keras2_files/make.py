"""Made the files of this folder with genuine Keras 2: tiny models, their weights, inputs and outputs.

    python3.11 -m venv /tmp/k2venv && /tmp/k2venv/bin/pip install "tensorflow==2.15.*"
    /tmp/k2venv/bin/python tests/export/keras2_files/make.py [SHARED_DATA]

Each model leaves `<name>.h5` (full: `model_config` inside), some `<name>.json` and `<name>_weights.h5` as well, and its
inputs and outputs in `expected.npz`. With the shared data folder the two old files there are scored on seeded noise.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

keras = tf.keras
layers = keras.layers
HERE = Path(__file__).resolve().parent


def sequential() -> keras.Model:
    return keras.Sequential(
        [
            layers.Conv2D(3, 3, activation="relu", input_shape=(8, 8, 2)),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.SpatialDropout2D(0.2),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(4, activation="softmax", kernel_regularizer="l2"),
        ],
        name="sequential",
    )


def deferred() -> keras.Model:
    """Built by its first call: no input shape but `build_input_shape`, names under the model's scope."""
    model = keras.Sequential(
        [layers.Normalization(), layers.Dense(3, activation="tanh"), layers.Dense(2)], name="deferred"
    )
    model(np.zeros((1, 5), np.float32))
    return model


def branches() -> keras.Model:
    image = keras.Input((8, 8, 3), name="image")
    stem = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    stem = layers.LeakyReLU(alpha=0.1, name="leaky")(layers.BatchNormalization(name="stem_bn")(stem))
    left = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(stem)
    left = layers.ReLU(6.0, name="relu6")(left)
    right = layers.SeparableConv2D(4, 3, padding="same", name="separable")(stem)
    right = layers.PReLU(shared_axes=[1, 2], name="prelu")(right)
    both = layers.Add(name="add")([left, right])
    both = layers.Concatenate(name="join")([both, layers.UpSampling2D(name="up")(layers.MaxPooling2D()(stem))])
    both = layers.Conv2DTranspose(2, 3, strides=2, padding="same", name="transpose")(both)
    both = layers.LayerNormalization(name="norm")(both)
    pooled = layers.GlobalAveragePooling2D(name="pool")(both)
    largest = layers.GlobalMaxPooling2D(name="largest")(layers.Activation("swish", name="swish")(both))
    return keras.Model(
        image, [layers.Dense(2, name="first")(pooled), layers.Dense(3, name="second")(largest)], name="branches"
    )


def nested() -> keras.Model:
    """Transfer learning as Keras 2 taught it: a functional base called with training=False, a Sequential head."""
    inner_image = keras.Input((6, 6, 3))
    inner = layers.Conv2D(4, 3, name="conv")(inner_image)
    inner = layers.BatchNormalization(name="bn")(inner)
    base = keras.Model(inner_image, layers.ReLU(name="relu")(inner), name="base")
    base.trainable = False
    head = keras.Sequential(
        [layers.GlobalAveragePooling2D(), layers.Dense(5, activation="relu", name="hidden")], name="head"
    )
    image = keras.Input((6, 6, 3), name="image")
    scaled = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(image)
    features = base(scaled, training=False)
    return keras.Model(image, layers.Dense(2, name="out")(head(features)), name="nested")


def shared() -> keras.Model:
    """One encoder and one layer called twice, each; two inputs."""
    encoder_input = keras.Input((5,))
    encoder = keras.Model(encoder_input, layers.Dense(4, activation="relu", name="code")(encoder_input), name="encoder")
    project = layers.Dense(3, name="project")
    left, right = keras.Input((5,), name="left"), keras.Input((5,), name="right")
    near = layers.Subtract(name="difference")([project(encoder(left)), project(encoder(right))])
    angle = layers.Dot(axes=1, normalize=True, name="cosine")([encoder(left), encoder(right)])
    return keras.Model([left, right], [near, angle, encoder(right)], name="shared")


def recurrent() -> keras.Model:
    words = keras.Input((6,), dtype="int32", name="words")
    x = layers.Embedding(7, 4, name="embed")(words)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="both_ways")(x)
    x = layers.GRU(4, return_sequences=True, name="gru")(x)
    x = layers.TimeDistributed(layers.Dense(3, activation="tanh"), name="each")(x)
    return keras.Model(words, layers.SimpleRNN(2, name="last")(x), name="recurrent")


def attention() -> keras.Model:
    query, value = keras.Input((4, 6), name="query"), keras.Input((5, 6), name="value")
    mixed = layers.MultiHeadAttention(2, 3, name="attention")(query, value=value, key=value)
    mixed = layers.LayerNormalization(name="norm")(layers.Add(name="residual")([mixed, query]))
    plain = layers.Attention(name="plain")([mixed, value])
    return keras.Model([query, value], plain, name="attention_model")


def half() -> keras.Model:
    """Mixed precision: each dtype is a Policy."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        image = keras.Input((4, 4, 1), name="image")
        x = layers.Flatten(name="flat")(layers.Conv2D(2, 3, name="conv")(image))
        return keras.Model(image, layers.Dense(2, dtype="float32", name="out")(x), name="half")
    finally:
        keras.mixed_precision.set_global_policy("float32")


def operator() -> keras.Model:
    """An arithmetic operator on a tensor: TFOpLambda. Refused by the import."""
    image = keras.Input((4,), name="image")
    return keras.Model(image, layers.Dense(2, name="out")(image / 255.0), name="operator")


MODELS = [sequential, deferred, branches, nested, shared, recurrent, attention, half, operator]


def main() -> None:
    generator = np.random.default_rng(0)
    expected = {}
    for make in MODELS:
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        model, name = make(), make.__name__
        # Fresh statistics and biases are zeros and ones, which a mixed-up import would not show.
        model.set_weights([generator.uniform(0.2, 1.0, w.shape).astype(w.dtype) for w in model.get_weights()])
        inputs = [
            generator.integers(0, 7, (2, *x.shape[1:])).astype(np.int32)
            if x.dtype == tf.int32
            else generator.normal(0, 1, (2, *x.shape[1:])).astype(np.float32)
            for x in model.inputs
        ]
        outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
        for position, array in enumerate(inputs):
            expected[f"{name}/input{position}"] = array
        for position, array in enumerate(outputs if isinstance(outputs, (list, tuple)) else [outputs]):
            expected[f"{name}/output{position}"] = np.asarray(array)
        if name in ("operator", "nested", "shared"):
            (HERE / f"{name}.json").write_text(model.to_json())
        if name in ("nested", "shared"):
            model.save_weights(HERE / f"{name}_weights.h5")
        if name != "operator":
            model.save(HERE / f"{name}.h5", include_optimizer=False)
    if len(sys.argv) > 1:
        shared_data = Path(sys.argv[1])
        old = {
            "vww_96": next(shared_data.glob("mlperf_tiny/**/vww_96.h5")),
            "keras_model": shared_data / "teachable_machine" / "keras_model.h5",
        }
        for name, file in old.items():
            model = keras.models.load_model(file, compile=False)
            noise = np.random.default_rng(7).uniform(-1, 1, (2, *model.input_shape[1:])).astype(np.float32)
            expected[f"{name}/output0"] = model(noise, training=False).numpy()
    np.savez_compressed(HERE / "expected.npz", **expected)


if __name__ == "__main__":
    main()
