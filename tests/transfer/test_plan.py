from __future__ import annotations

import json

import pytest

from cnnkit.errors import InputError
from cnnkit.transfer import plans
from cnnkit.transfer.plan import Phase, Plan, from_settings


@pytest.mark.parametrize("plan", [plans.probe(), plans.freeze_then_finetune(), plans.gradual(stages=2)])
def test_settings_survive_json(plan) -> None:
    assert from_settings(json.loads(json.dumps(plan.settings()))) == plan


def test_gradual_unfreezes_one_more_stage_each_phase_at_falling_rates() -> None:
    phases = plans.gradual(stages=3, rate=0.8).phases
    assert [phase.train for phase in phases] == ["head", 1, 2, 3]
    assert [phase.rate for phase in phases] == [0.8, 0.4, 0.2, 0.1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", -1),
        ("rate", 0),
        ("rate_decay", 0),
        ("rate_decay", 1.5),
        ("warmup_epochs", -1),
        ("weight_decay", -1),
        ("clip_norm", 0),
        ("patience", 0),
        ("train", -1),
        ("schedule", "linear"),
        ("batch_norm", "thaw"),
        ("optimizer", "adamm"),
    ],
)
def test_a_phase_refuses(field, value) -> None:
    with pytest.raises(InputError, match="Expected"):
        Phase("p", **{field: value})


def test_a_plan_needs_phases_with_names_of_their_own() -> None:
    with pytest.raises(InputError, match="at least one phase"):
        Plan([])
    with pytest.raises(InputError, match="different names"):
        Plan([Phase("a"), Phase("a")])
