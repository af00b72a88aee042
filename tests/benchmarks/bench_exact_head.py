"""A linear head on kept features, solved against stepped: L-BFGS over ten strengths against ten epochs of `fit`.

    python tests/benchmarks/bench_exact_head.py --pictures 20000 --features 1280 --rounds 5

Features are drawn: two overlapping classes along a few directions, as those of a network are. Both get the same
training and validation features; the validation loss of both is printed, and the solver's must not be higher.
"""

from __future__ import annotations

import os
from itertools import islice

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import keras
import numpy as np

from cnnkit.transfer.exact_head import STRENGTHS, Examples, path

STRENGTH_COUNT = 10
EPOCHS = 10


def draw(count: int, features: int, seed: int) -> Examples:
    """Features ≥ 0 with the spectrum of a network's, and a label that a linear head can partly tell."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(features, features)) * np.arange(1, features + 1)[:, None] ** -0.5
    latent = random.normal(size=(count, features)).astype(np.float32)
    x = np.maximum(latent @ mixing.astype(np.float32) / 4, 0)
    score = latent[:, :20].sum(axis=1) + random.normal(0, 3, count)
    return Examples(x, (score > 0).astype(np.float32)[:, None])


def loss(kernel: np.ndarray, bias: np.ndarray, examples: Examples) -> float:
    """Mean cross-entropy of a sigmoid head."""
    logits = examples.features @ kernel.astype(np.float32) + bias
    return float(np.mean(np.logaddexp(0, logits) - examples.targets * logits))


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    arguments = harness.options(__doc__, pictures=20_000, features=1280).parse_args()
    started = harness.machine()
    seen = draw(arguments.pictures, arguments.features, 1)
    held_out = draw(arguments.pictures // 5, arguments.features, 2)
    losses: dict[str, float] = {}

    def steps() -> None:
        keras.utils.set_random_seed(0)
        head = keras.Sequential([keras.Input((arguments.features,)), keras.layers.Dense(1, activation="sigmoid")])
        head.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
        data = (held_out.features, held_out.targets)
        head.fit(seen.features, seen.targets, epochs=EPOCHS, batch_size=32, validation_data=data, verbose=0)
        losses["fit"] = loss(head.layers[0].kernel.numpy(), head.layers[0].bias.numpy(), held_out)

    def solver() -> None:
        optima = islice(path(seen, softmax=False), STRENGTH_COUNT)
        losses["L-BFGS"] = min(loss(optimum.kernel, optimum.bias, held_out) for optimum in optima)

    assert len(STRENGTHS) >= STRENGTH_COUNT
    found = harness.interleaved(arguments.rounds, {"10 epochs of fit": steps, "L-BFGS": solver})
    harness.say("validation loss: " + ", ".join(f"{name} {value:.4f}" for name, value in losses.items()))
    case = f"{arguments.pictures:,} × {arguments.features:,}, {STRENGTH_COUNT} strengths"
    table = harness.rows(case, found, peer="10 epochs of fit", bars={"L-BFGS": 1.0})
    harness.report("exact_head", table, started=started, arguments=arguments)


if __name__ == "__main__":
    main()
