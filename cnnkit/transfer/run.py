"""What happened in a training, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from cnnkit.errors import InputError
from cnnkit.transfer.plan import Plan
from cnnkit.transfer.plan import from_settings as plan_from_settings
from cnnkit.transfer.run_page import HIDDEN, run_html


@dataclass(frozen=True)
class EarlierFit:
    """A `fit` before the last one of the same network.

    Attributes:
        phases: Names of its phases, as the plan of the `Run` numbers them.
        seed: Of its order, augmentation and dropout.
        data_fingerprint: Of its pictures.
    """

    phases: tuple[str, ...]
    seed: int
    data_fingerprint: str


@dataclass(frozen=True, eq=False)
class Run:
    """The record of one `fit`, or of every `fit` of a network, one after the other.

    Attributes:
        plan: What was to happen. A phase that ran twice, in two fits, has a number behind its name: `head`, `head 2`.
        history: What happened, one row an epoch: `phase`, `epoch` (from 1 in each phase), `loss`, `accuracy`,
            `val_loss`, `val_accuracy` (where there is validation), `rate` (the head's, at the last step of the
            epoch), `seconds`, `images_per_second`.
        seed: Of order, augmentation and dropout, of the last fit.
        data_fingerprint: sha256 of the training and validation pictures, ids and labels, of the last fit.
        trained_parameters: Phase → how many parameters trained in it.
        earlier: The fits before the last one.
    """

    plan: Plan
    history: pd.DataFrame
    seed: int
    data_fingerprint: str
    trained_parameters: dict[str, int]
    earlier: tuple[EarlierFit, ...] = ()

    @property
    def seconds(self) -> float:
        """Wall time of all epochs."""
        return float(self.history["seconds"].sum())

    @property
    def accuracy(self) -> float:
        """The last validation accuracy, or training accuracy where there was no validation.

        Raises:
            InputError: The head has none: that of masks, say.
        """
        if "accuracy" not in self.history:
            raise InputError(
                "a run whose history has accuracy",
                ", ".join(map(str, self.history)),
                "net.run.history has the loss of each epoch, ck.evaluate(net, photos.test) the scores of the head.",
            )
        last = self.history.iloc[-1]
        return float(last["val_accuracy"] if pd.notna(last.get("val_accuracy")) else last["accuracy"])

    def followed_by(self, later: Run) -> Run:
        """This run and a later one of the same network as one, with a name of its own for each phase."""
        names = dict(zip(later._phases, _numbered(self._phases, later._phases), strict=True))
        renamed = Plan(replace(phase, name=names[phase.name]) for phase in later.plan.phases)
        history = later.history.assign(phase=later.history["phase"].map(names))
        seen = {phase for fit in self.earlier for phase in fit.phases}
        last = EarlierFit(tuple(name for name in self._phases if name not in seen), self.seed, self.data_fingerprint)
        return replace(
            later,
            plan=Plan([*self.plan.phases, *renamed.phases]),
            history=pd.concat([self.history, history], ignore_index=True),
            trained_parameters=self.trained_parameters
            | {names[phase]: count for phase, count in later.trained_parameters.items()},
            earlier=(*self.earlier, last, *(_renamed(fit, names) for fit in later.earlier)),
        )

    def settings(self) -> dict[str, Any]:
        """Everything but the history as JSON values; `from_settings` is the way back."""
        return {
            "plan": self.plan.settings(),
            "seed": self.seed,
            "data_fingerprint": self.data_fingerprint,
            "trained_parameters": self.trained_parameters,
            "earlier": [asdict(fit) for fit in self.earlier],
        }

    @property
    def _phases(self) -> tuple[str, ...]:
        return tuple(phase.name for phase in self.plan.phases)

    def __repr__(self) -> str:
        shown = self.history.drop(columns=HIDDEN, errors="ignore").to_string(index=False, float_format="{:.4g}".format)
        return f"{self._title()}\n{shown}"

    def _repr_html_(self) -> str:
        """Its curves and its epochs in a notebook."""
        return run_html(self._title(), self.history)

    def _title(self) -> str:
        seeds = ", ".join(str(seed) for seed in (*(fit.seed for fit in self.earlier), self.seed))
        fits = f" in {len(self.earlier) + 1} fits" if self.earlier else ""
        return f"Run of {len(self.history)} epochs{fits} in {self.seconds:.1f} s, seed{'s' * bool(fits)} {seeds}"


def from_settings(settings: Mapping[str, Any], history: pd.DataFrame) -> Run:
    """The run that `Run.settings` described, with its history."""
    return Run(
        plan=plan_from_settings(settings["plan"]),
        history=history,
        seed=settings["seed"],
        data_fingerprint=settings["data_fingerprint"],
        trained_parameters=dict(settings["trained_parameters"]),
        earlier=tuple(EarlierFit(**{**fit, "phases": tuple(fit["phases"])}) for fit in settings.get("earlier", ())),
    )


def _renamed(fit: EarlierFit, names: Mapping[str, str]) -> EarlierFit:
    return replace(fit, phases=tuple(names[phase] for phase in fit.phases))


def _numbered(taken: Iterable[str], names: Iterable[str]) -> list[str]:
    """The names, with the next free number behind those that are taken."""
    used, numbered = set(taken), []
    for name in names:
        free, number = name, 1
        while free in used:
            number += 1
            free = f"{name} {number}"
        used.add(free)
        numbered.append(free)
    return numbered
