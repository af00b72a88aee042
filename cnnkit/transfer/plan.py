"""The plan of a training: what trains when, at which rates, for how long."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, asdict, dataclass, fields
from numbers import Integral, Real
from typing import Any, Literal, get_args

from cnnkit.errors import InputError, unknown_name

Schedule = Literal["constant", "cosine", "step", "one_cycle", "plateau"]
Optimizer = Literal["adam", "adamw", "sgd", "rmsprop"]
BatchNorm = Literal["frozen", "train"]
Solver = Literal["steps", "lbfgs", "closed_form"]

NUMBERS = {
    "epochs": Integral,
    "rate": Real,
    "rate_decay": Real,
    "warmup_epochs": Real,
    "views": Integral,
    "momentum": Real,
    "weight_decay": Real,
    "clip_norm": Real,
    "mixing": Real,
    "patience": Integral,
}
CHOICES = {
    "schedule": Schedule,
    "batch_norm": BatchNorm,
    "optimizer": Optimizer,
    "solver": Solver,
}


@dataclass(frozen=True)
class Phase:
    """One stretch of training with one set of trained layers.

    Args:
        name: How the phase is called in the history.
        train: What trains. `"head"`; `"all"`; a layer's name: that layer and all that it does not depend on, so
            everything from there to the output; a stage alias (`"stage4"`): that stage and all deeper ones;
            a number k: the k deepest stages. The head always trains, but for the name of one of several outputs
            (`"boxes"`): then only what that output alone needs of the head.
        epochs: Passes over the training pictures.
        rate: Learning rate of the head.
        rate_decay: Factor from each group of layers to the next one toward the input (head, last stage, the stage
            before it, …): discriminative rates (Howard & Ruder 2018, section 3.2). 1 gives all the same.
        schedule: Course of the rates over the phase: `"constant"`; `"cosine"` to 0 (Loshchilov & Hutter 2017);
            `"step"`: a tenth after each third; `"one_cycle"` (Smith 2018): from 1/25 up to 1 in the first 30 %, then
            down to 1/10,000, along cosines; `"plateau"`: a tenth whenever the validation loss has not fallen for 2
            epochs. For another course use `"constant"` and a callback that sets the rate.
        warmup_epochs: Epochs, or a part of one, over which the rates rise linearly from 0 first.
        views: How many of the `views` of `fit` take turns in this phase; 1 is the picture as it is, None all of them.
        batch_norm: `"frozen"` keeps the statistics *and* the scale of every BatchNormalization of the backbone as
            they were in pre-training, in trained stages too; `"train"` lets those in trained stages move.
        optimizer: The update rule: `"adam"` and `"adamw"` (β₁ 0.9, β₂ 0.999, ε 1e-7), `"rmsprop"` (ρ 0.9, ε 1e-7, no
            momentum) or `"sgd"` with `momentum`.
        momentum: Of `"sgd"`, at least 0 and below 1; 0.9 as in the papers of the lectures' networks. The others have
            none that could be set.
        weight_decay: Decoupled weight decay (Loshchilov & Hutter 2019).
        clip_norm: Largest norm of the gradient of each group; larger ones are scaled down to it.
        patience: Epochs without a better validation after which the phase stops. At its end the best weights are
            restored, those before the phase among them: no phase makes it worse. None runs all epochs and keeps
            the last.
        earned: Whether the phase has to earn its place as a whole: where validation is not better at its end than
            before it, the weights before it return. Of few validation pictures the best epoch is the luckiest one,
            which `patience` would take; this takes the last or none. An accuracy p of n pictures counts as better where
            it is higher by more than its standard error √(p (1 − p) / n), since one more right answer among 16 says
            nothing. Without validation pictures it is left out.
        revert: The other burden of proof: the weights before the phase return where validation is clearly worse at its
            end, an accuracy by more than that standard error, any other score by however little.
        mixing: Part of the way from the weights before the phase to those at its end that is gone, of a phase that is
            `earned` or may `revert`: 0.5 ends half way. What lies between fine-tuned weights and those before it is
            often better than either (WiSE-FT, Wortsman et al. 2022, arXiv:2109.01903).
        monitor: What "better" means: a lower validation `"loss"`; or a higher `"accuracy"` or other score of the head
            (one whose name ends in "error" or "loss" is to be lowered), then a lower loss.
        solver: `"steps"` of the optimizer, or `"lbfgs"`: a linear head is solved to its optimum, for the L2 strength
            with the lowest validation loss, or the lowest in a cross-validation of the training pictures where there
            are no others. `"closed_form"`: the head solves for its layers at once, as `ck.heads.embedding` does. Both
            take one epoch and no rate, schedule, dropout or optimizer.
    """

    name: str
    _: KW_ONLY
    train: str | int = "head"
    epochs: int = 5
    rate: float = 1e-3
    rate_decay: float = 1.0
    schedule: Schedule = "constant"
    warmup_epochs: float = 0.0
    views: int | None = None
    batch_norm: BatchNorm = "frozen"
    optimizer: Optimizer = "adam"
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip_norm: float | None = None
    patience: int | None = None
    earned: bool = False
    revert: bool = False
    mixing: float = 1.0
    monitor: str = "loss"
    solver: Solver = "steps"

    def __post_init__(self) -> None:
        _require(isinstance(self.name, str), "the name of the phase as text", self.name, 'ck.Phase("head") has one.')
        for field, kind in NUMBERS.items():
            self._take_number(field, kind)
        _require(self.epochs >= 0, "epochs >= 0", self.epochs, "0 leaves the phase out.")
        _require(self.rate > 0, "a rate above 0", self.rate, "1e-3 suits a new head, 1e-5 pre-trained layers.")
        _require(0 < self.rate_decay <= 1, "0 < rate_decay <= 1", self.rate_decay, "1 gives all groups one rate.")
        _require(self.warmup_epochs >= 0, "warmup_epochs >= 0", self.warmup_epochs, "0 starts at full rate.")
        _require(self.views is None or self.views > 0, "views above 0", self.views, "1 is the picture as it is.")
        _require(0 <= self.momentum < 1, "0 <= momentum < 1", self.momentum, "0.9 is usual.")
        used = self.optimizer == "sgd" or self.momentum == Phase.momentum
        _require(used, 'momentum with optimizer="sgd" only', f"{self.momentum}, {self.optimizer}", "Leave it out.")
        _require(self.weight_decay >= 0, "weight_decay >= 0", self.weight_decay, "0 switches it off.")
        _require(self.clip_norm is None or self.clip_norm > 0, "clip_norm above 0", self.clip_norm, "Or None.")
        _require(self.patience is None or self.patience > 0, "patience above 0", self.patience, "Or None.")
        named = isinstance(self.monitor, str) and bool(self.monitor)
        _require(named, "the name of a score to monitor", repr(self.monitor), '"loss" is the default.')
        for field in ("earned", "revert"):
            value = getattr(self, field)
            _require(isinstance(value, bool), f"{field} as True or False", value, "False keeps the last weights.")
        rules = (self.patience is not None) + self.earned + self.revert
        _require(rules <= 1, "patience, earned or revert", f"{rules} of them", "Each says which weights stay.")
        _require(0 < self.mixing <= 1, "0 < mixing <= 1", self.mixing, "1 keeps the weights at the end of the phase.")
        mixed = self.mixing == 1 or self.judged_at_end
        _require(mixed, "mixing with earned or revert", self.mixing, "revert=True puts the weights before it back.")
        if isinstance(self.train, Integral) and not isinstance(self.train, bool):
            object.__setattr__(self, "train", int(self.train))  # NumPy's do not go into JSON
        deep = isinstance(self.train, str) or (type(self.train) is int and self.train >= 0)
        where = 'train="head", "all", a layer, a stage, or so many of the last stages'
        _require(deep, where, self.train, "0 trains the head alone.")
        several = self.solver not in ("lbfgs", "closed_form") or self.epochs <= 1
        _require(several, f"epochs=1 with solver={self.solver!r}", self.epochs, "One pass is exact.")
        for field, choices in CHOICES.items():
            allowed = get_args(choices)
            value = getattr(self, field)
            if not isinstance(value, str) or value not in allowed:
                raise unknown_name(f"a {field}", str(value), allowed)

    def _take_number(self, field: str, kind: type[Integral] | type[Real]) -> None:
        """Keeps a finite number as Python's own: NumPy's do not go into JSON."""
        value, default = getattr(self, field), getattr(Phase, field)
        if value is None and default is None:
            return
        fine = isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)
        number = "a whole number" if kind is Integral else "a finite number"
        _require(fine, f"{field} as {number}", repr(value), f"The default is {default}.")
        object.__setattr__(self, field, int(value) if kind is Integral else float(value))

    @property
    def moves_rate(self) -> bool:
        """Whether the rate is set before each step; else callbacks may set it."""
        return self.solver == "steps" and (self.schedule != "constant" or self.warmup_epochs > 0)

    @property
    def judged_at_end(self) -> bool:
        """Whether a validation at the end of the phase decides about it as a whole."""
        return self.earned or self.revert

    @property
    def compares(self) -> bool:
        """Whether the weights before the phase are among those that it may end with."""
        return self.judged_at_end or self.patience is not None


@dataclass(frozen=True)
class Plan:
    """Phases, run one after the other.

    >>> Plan([Phase("head", epochs=3), Phase("deep", train="stage5", rate=1e-5)])
    Plan
      head  train=head epochs=3 rate=0.001
      deep  train=stage5 epochs=5 rate=1e-05
    """

    phases: tuple[Phase, ...]

    def __init__(self, phases: Iterable[Phase]) -> None:
        listed = tuple(phases) if isinstance(phases, Iterable) else ()
        fine = isinstance(phases, Iterable) and all(isinstance(phase, Phase) for phase in listed)
        _require(fine, "a list of phases", phases, 'ck.Plan([ck.Phase("head")]) is the shortest plan.')
        object.__setattr__(self, "phases", listed)
        names = [phase.name for phase in self.phases]
        _require(bool(names), "at least one phase", names, 'ck.Plan([ck.Phase("head")]) is the shortest plan.')
        _require(len(set(names)) == len(names), "phases with different names", names, "Rename one of them.")

    def __repr__(self) -> str:
        width = max(len(phase.name) for phase in self.phases)
        return "\n".join(["Plan", *(f"  {phase.name:<{width}}  {_summary(phase)}" for phase in self.phases)])

    def settings(self) -> list[dict[str, Any]]:
        """The phases as JSON values; `from_settings` is the way back."""
        return [asdict(phase) for phase in self.phases]


def from_settings(settings: Iterable[Mapping[str, Any]]) -> Plan:
    """The plan that `Plan.settings` described.

    Raises:
        InputError: A phase has settings that this version does not know.
    """
    described = list(settings)
    unknown = {name for phase in described for name in phase} - {field.name for field in fields(Phase)}
    _require(
        not unknown, "settings of a phase that this version of cnnkit knows", sorted(unknown), "Install a newer one."
    )
    return Plan(Phase(**phase) for phase in described)


def _summary(phase: Phase) -> str:
    always = ("train", "epochs", "rate", *(("momentum",) if phase.optimizer == "sgd" else ()))
    shown = (
        field.name
        for field in fields(phase)
        if field.name in always or (field.name != "name" and getattr(phase, field.name) != field.default)
    )
    return " ".join(f"{name}={getattr(phase, name)}" for name in shown)


def _require(fine: bool, expected: str, received: object, remedy: str) -> None:
    if not fine:
        raise InputError(expected, str(received), remedy)
