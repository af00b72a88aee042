"""Plans that work, by name."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral

from cnnkit.errors import InputError
from cnnkit.transfer.plan import Phase, Plan, Solver


def probe(*, epochs: int = 20, rate: float = 1e-3, solver: Solver = "steps") -> Plan:
    """Feature extraction: only the head trains, the backbone stays as it is (lecture 000, "feature extraction").

    It is `Plan([Phase("head", epochs=epochs, rate=rate, schedule="cosine")])`.

    Args:
        epochs: Passes over the pictures.
        rate: Learning rate.
        solver: `"lbfgs"` solves a linear head to its optimum instead, with the L2 strength that suits the validation
            pictures best, as in `Phase` (Kornblith et al. 2019); `epochs` and `rate` then mean nothing.
    """
    if solver == "lbfgs":
        return Plan([Phase("head", epochs=1, solver="lbfgs")])
    return Plan([Phase("head", epochs=epochs, rate=rate, schedule="cosine", solver=solver)])


def whiten(
    *,
    epochs: int = 0,
    train: str | int = "head",
    rate: float = 1e-3,
    rate_decay: float = 0.3,
    patience: int | None = None,
) -> Plan:
    """An embedding in closed form, then, with `epochs`, by its loss from there on.

    It is::

        Plan([
            Phase("whiten", epochs=1, solver="closed_form"),
            Phase("margin", train="head", epochs=0, rate=1e-3, rate_decay=0.3, schedule="cosine", warmup_epochs=1,
                  clip_norm=1.0, monitor="equal_error_rate"),
        ])

    Of few people the closed form alone is hard to beat; of hundreds the loss makes it better, most of all where layers
    of the backbone train too. `tests/benchmarks/bench_faces.py` says what was measured.

    Args:
        epochs: Of the second phase; 0 leaves it out.
        train: As in `Phase`, of the second phase.
        rate: Of the head in the second phase.
        rate_decay: Factor to the last stage, and again to the one before it.
        patience: As in `Phase`, for the second one: by the equal error rate of validation pictures, who may be others.
    """
    return Plan(
        [
            Phase("whiten", epochs=1, solver="closed_form"),
            Phase(
                "margin",
                epochs=epochs,
                train=train,
                monitor="equal_error_rate",
                patience=patience,
                schedule="cosine",
                warmup_epochs=1,
                clip_norm=1.0,
                rate=rate,
                rate_decay=rate_decay,
            ),
        ]
    )


def probe_then_finetune(
    *,
    epochs: int = 8,
    train: str | int = 2,
    rate: float = 2e-4,
    rate_decay: float = 0.5,
    head_views: int | None = None,
) -> Plan:
    """The exact head, then half of the way that the deepest layers would go with it.

    Fine-tuning that starts under a head that still guesses distorts features before it uses them; from the head's
    optimum it does not (Kumar et al. 2022, arXiv:2202.10054, "LP-FT"). Half way between the weights before and after it
    they do better on few photographs than at its end, and harm less (Wortsman et al. 2022, arXiv:2109.01903). It is::

        Plan([
            Phase("head", epochs=1, solver="lbfgs"),
            Phase("deep", train=2, epochs=8, rate=2e-4, rate_decay=0.5, schedule="cosine", warmup_epochs=1,
                  clip_norm=1.0, revert=True, mixing=0.5, monitor="accuracy"),
        ])

    It is what `ck.finetune` does where truth is labels. A head with hidden layers has no exact solution:
    `freeze_then_finetune` steps it instead.

    Args:
        epochs: Of the deep phase; 0 leaves it out.
        train: As in `Phase`; 2 are the last two stages.
        rate: Rate of the head in the deep phase.
        rate_decay: Factor to the last stage, and again to the one before it.
        head_views: As `Phase.views`, for the head.
    """
    return Plan(
        [
            Phase("head", epochs=1, solver="lbfgs", views=head_views),
            Phase(
                "deep",
                train=train,
                epochs=epochs,
                rate=rate,
                rate_decay=rate_decay,
                schedule="cosine",
                warmup_epochs=1,
                clip_norm=1.0,
                revert=True,
                mixing=0.5,
                monitor="accuracy",
            ),
        ]
    )


def freeze_then_finetune(
    *,
    head_epochs: int = 12,
    deep_epochs: int = 12,
    train: str | int = 1,
    head_rate: float = 1e-2,
    deep_rate: float = 3e-5,
    rate_decay: float = 0.5,
    patience: int | None = 4,
) -> Plan:
    """The head first, then the deepest layers too at a smaller rate (lecture 000, "fine-tuning").

    Training deep layers under a head that still guesses would wash out what they know: the head comes first.

    Args:
        head_epochs: Epochs of the head alone.
        deep_epochs: Epochs with the layers of `train`.
        train: As in `Phase`; 1 is the last stage.
        head_rate: Rate of the head in the first phase.
        deep_rate: Rate of the head in the second phase.
        rate_decay: Factor to the last stage, and again to the one before it.
        patience: As in `Phase`, for the second one; None where there are no validation pictures.
    """
    return Plan(
        [
            Phase("head", epochs=head_epochs, rate=head_rate, schedule="cosine"),
            Phase(
                "deep",
                train=train,
                epochs=deep_epochs,
                rate=deep_rate,
                rate_decay=rate_decay,
                schedule="cosine",
                warmup_epochs=1,
                clip_norm=1.0,
                patience=patience,
                monitor="accuracy",
            ),
        ]
    )


def together(*, epochs: int = 40, train: str | int = 3, rate: float = 1e-3, rate_decay: float = 0.3) -> Plan:
    """The head and the deepest stages at once, deeper layers faster: what `ck.finetune` does where truth is masks.

    A decoder is too large to be trained alone first, as a classifier's head is: it learns with the encoder, whose last
    stage has 0.3 of its rate, the one before 0.09, and so on. Layers before these stay as they are, which saves the way
    back through the largest maps.

    It is `Plan([Phase("together", train=3, epochs=40, rate=1e-3, rate_decay=0.3, schedule="cosine",
    optimizer="adamw", weight_decay=1e-4)])`.

    Args:
        epochs: Passes over the pictures.
        train: As in `Phase`; 3 are the last three stages.
        rate: Rate of the head.
        rate_decay: Factor to the last stage, and again to each one before it.
    """
    return Plan(
        [
            Phase(
                "together",
                train=train,
                epochs=epochs,
                rate=rate,
                rate_decay=rate_decay,
                schedule="cosine",
                optimizer="adamw",
                weight_decay=1e-4,
            )
        ]
    )


def head_then_together(
    *, head_epochs: int = 12, epochs: int = 12, train: str | int = 3, rate: float = 2e-3, rate_decay: float = 0.5
) -> Plan:
    """The head alone, on kept features, then with the deepest stages: what `ck.finetune` does where truth is boxes.

    A detector has so many layers of its own that they need as many epochs as a small network does, and most of these
    are cheap while nothing below them moves. Rates are AdamW's and fall along a cosine in both phases, from `rate` and
    from half of it; a step is no longer than a norm of 10, since the first boxes are far off.

    Args:
        head_epochs: Epochs of the head alone.
        epochs: Epochs with the layers of `train`.
        train: As in `Phase`; 3 are the last three stages.
        rate: Rate of the head in the first phase.
        rate_decay: Factor to the last stage in the second phase, and again to each one before it.
    """
    head = Phase(
        "head",
        epochs=head_epochs,
        rate=rate,
        schedule="cosine",
        warmup_epochs=0.2,
        optimizer="adamw",
        weight_decay=1e-4,
        clip_norm=10.0,
    )
    return Plan(
        [head, replace(head, name="together", train=train, epochs=epochs, rate=rate / 2, rate_decay=rate_decay)]
    )


def gradual(*, stages: int = 3, epochs: int = 3, rate: float = 1e-3, rate_decay: float = 0.3) -> Plan:
    """Gradual unfreezing: the head, then one more stage each phase, the top one first (Howard & Ruder 2018).

    Args:
        stages: How many stages are unfrozen in the end.
        epochs: Epochs of each phase.
        rate: Rate of the head in the first phase; each later phase has half of the one before.
        rate_decay: Factor from group to group toward the input.
    """
    head = Phase("head", epochs=epochs, rate=rate, schedule="cosine")
    if not isinstance(stages, Integral) or isinstance(stages, bool) or stages < 0:
        raise InputError("stages as a whole number of at least 0", repr(stages), "0 trains the head alone.")
    phases = [head] + [
        Phase(
            f"stages{count}",
            train=count,
            epochs=epochs,
            rate=head.rate * 0.5**count,
            rate_decay=rate_decay,
            schedule="cosine",
            clip_norm=1.0,
        )
        for count in range(1, int(stages) + 1)
    ]
    return Plan(phases)
