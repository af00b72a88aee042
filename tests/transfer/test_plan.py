from __future__ import annotations

import inspect
import json
import re

import pytest

from cnnkit.errors import InputError, UnknownNameError
from cnnkit.transfer import plans
from cnnkit.transfer.plan import Phase, Plan, from_settings


@pytest.mark.parametrize(
    "plan", [plans.probe(), plans.probe_then_finetune(), plans.freeze_then_finetune(), plans.gradual(stages=2)]
)
def test_settings_survive_json(plan) -> None:
    assert from_settings(json.loads(json.dumps(plan.settings()))) == plan


def test_settings_of_another_version() -> None:
    (settings,) = Plan([Phase("p", optimizer="sgd")]).settings()
    older = {name: value for name, value in settings.items() if name != "momentum"}
    assert from_settings([older]).phases[0].momentum == 0.9
    with pytest.raises(InputError, match=r"this version of cnnkit knows.*'lookahead'"):
        from_settings([{**settings, "lookahead": 5}])


def test_probe_then_finetune_solves_the_head_and_goes_half_way_to_deep_layers_that_do_no_harm() -> None:
    head, deep = plans.probe_then_finetune().phases
    assert (head.train, head.solver, head.compares) == ("head", "lbfgs", False)
    assert (deep.solver, deep.revert, deep.mixing, deep.compares) == ("steps", True, 0.5, True)


def test_gradual_unfreezes_one_more_stage_each_phase_at_falling_rates() -> None:
    phases = plans.gradual(stages=3, rate=0.8).phases
    assert [phase.train for phase in phases] == ["head", 1, 2, 3]
    assert [phase.rate for phase in phases] == [0.8, 0.4, 0.2, 0.1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", -1),
        ("epochs", "5"),
        ("epochs", 2.5),
        ("rate", 0),
        ("rate", None),
        ("rate_decay", 0),
        ("rate_decay", 1.5),
        ("warmup_epochs", -1),
        ("weight_decay", -1),
        ("clip_norm", 0),
        ("patience", 0),
        ("earned", 1),
        ("revert", 0),
        ("mixing", 0),
        ("mixing", 1.5),
        ("train", -1),
        ("train", True),
        ("schedule", "linear"),
        ("batch_norm", "thaw"),
        ("optimizer", "adamm"),
        ("monitor", ""),
        ("solver", "lbgfs"),
    ],
)
def test_a_phase_refuses(field, value) -> None:
    with pytest.raises(InputError) as refusal:
        Phase("p", **{field: value})
    assert re.search(rf"\b{field}\b", refusal.value.expected)
    assert str(value) in refusal.value.received


def test_a_phase_has_a_name_and_an_exact_solver_one_epoch() -> None:
    with pytest.raises(InputError, match="name of the phase"):
        Phase(5)
    with pytest.raises(InputError, match="epochs=1 with solver='lbfgs'"):
        Phase("p", solver="lbfgs", epochs=2)
    for two in ({"patience": 1, "earned": True}, {"patience": 1, "revert": True}, {"earned": True, "revert": True}):
        with pytest.raises(InputError, match=r"patience, earned or revert.*2 of them"):
            Phase("p", **two)
    with pytest.raises(InputError, match=r"mixing with earned or revert.*0\.5"):
        Phase("p", mixing=0.5)


def test_a_number_after_the_name_is_not_taken_for_stages() -> None:
    with pytest.raises(TypeError, match="positional"):
        Phase("head", 5)


def test_a_misspelled_solver_is_not_trained_without() -> None:
    with pytest.raises(UnknownNameError, match="lbfgs"):
        plans.probe(solver="lbgfs")


@pytest.mark.parametrize("phases", [Phase("a"), "head", 5, [Phase("a"), "head"]])
def test_a_plan_is_a_list_of_phases(phases) -> None:
    with pytest.raises(InputError, match="a list of phases"):
        Plan(phases)


def test_a_plan_needs_phases_with_names_of_their_own() -> None:
    with pytest.raises(InputError, match="at least one phase"):
        Plan([])
    with pytest.raises(InputError, match="different names"):
        Plan([Phase("a"), Phase("a")])


PLANS = {
    plans.probe: {"epochs": ["5", 2.5, None, -1], "rate": ["a", 0, None], "solver": [None, "lbgfs", 1]},
    plans.probe_then_finetune: {
        "epochs": ["5", 2.5, None, -1],
        "train": [None, -1, 1.0, ["head"]],
        "rate": ["a", 0, None],
        "rate_decay": ["a", 0, 2, None],
        "head_views": ["1", 0, 1.5],
    },
    plans.freeze_then_finetune: {
        "head_epochs": ["5", 2.5, None, -1],
        "deep_epochs": ["5", 2.5, None, -1],
        "train": [None, -1, 1.0, ["head"]],
        "head_rate": ["a", 0, None],
        "deep_rate": ["a", 0, None],
        "rate_decay": ["a", 0, 2, None],
        "patience": ["4", 0, 1.5],
    },
    plans.gradual: {
        "stages": ["3", 2.0, None, -1, True],
        "epochs": ["5", 2.5, None, -1],
        "rate": ["a", 0, None],
        "rate_decay": ["a", 0, None],
    },
}


@pytest.mark.parametrize("make", PLANS)
def test_a_plan_by_name_takes_what_a_phase_takes(make) -> None:
    arguments = PLANS[make]
    assert set(arguments) == set(inspect.signature(make).parameters)
    for name, values in arguments.items():
        for value in values:
            with pytest.raises(InputError):
                make(**{name: value})
