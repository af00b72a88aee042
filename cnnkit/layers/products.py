"""Products of tensors with tensors: dot products and attention."""

from __future__ import annotations

import math
from functools import partial

from cnnkit.layers import views
from cnnkit.layers.configuration import COUNT, FLAG, NUMBER, PLAIN, Settings, axes, one_of, sides
from cnnkit.layers.convolution import BIAS, KERNEL
from cnnkit.layers.cost import Cost, Inputs, Shape, Weight, misfit, size
from cnnkit.layers.elementwise import SEED
from cnnkit.layers.inputs import axis_from_front, bias_of, per_axis, weights_of
from cnnkit.layers.row import Row


def dot(s: Settings, inputs: Inputs) -> Cost:
    """Products along one axis of each of two tensors; all other axes meet all others."""
    if len(inputs) != 2:
        raise misfit("two input tensors", f"{len(inputs)}")
    left, right = tuple(inputs[0]), tuple(inputs[1])
    pair = s["axes"] if len(s["axes"]) == 2 else s["axes"] * 2
    if len(pair) != 2:
        raise misfit("one axis for each tensor", list(s["axes"]))
    one, two = axis_from_front(pair[0], len(left)), axis_from_front(pair[1], len(right))
    if left[one] != right[two]:
        raise misfit("axes of one length", f"{left[one]} and {right[two]}")
    rest = (*left[1:one], *left[one + 1 :], *right[1:two], *right[two + 1 :])
    return Cost((None, *(rest or (1,))), multiply_adds=math.prod(side or 1 for side in rest) * int(left[one] or 0))


def _query_value_key(inputs: Inputs) -> tuple[Shape, Shape, Shape]:
    """The key is the value where it is not given."""
    if len(inputs) not in (2, 3):
        raise misfit("query, value and, if another, key", f"{len(inputs)} tensors")
    query, value = tuple(inputs[0]), tuple(inputs[1])
    key = tuple(inputs[2]) if len(inputs) == 3 else value
    if min(len(query), len(value)) < 3 or key[:-1] != value[:-1]:
        raise misfit("query, value and key of the form (batch, places, features)", [query, value, key])
    return query, value, key


def attention(additive: bool, s: Settings, inputs: Inputs) -> Cost:
    """Scores between places of query and key, and the values they mix."""
    query, value, key = _query_value_key(inputs)
    if {len(query), len(value)} != {3} or query[-1] != key[-1]:
        raise misfit("query and key of one length", [query, key])
    scores, features = size(query[:-1]) * size(value[:-1]), int(query[-1] or 0)
    mixed = scores * int(value[-1] or 0)
    if additive:  # tanh(query + key) for each pair of places
        weights = weights_of(*[(features,)] * s["use_scale"])
        return Cost((*query[:-1], value[-1]), weights, mixed, scores * features, scores * features)
    weights = weights_of(*[()] * (s["use_scale"] + (s["score_mode"] == "concat")))
    inner = scores * (features if s["score_mode"] == "concat" else 1)
    return Cost((*query[:-1], value[-1]), weights, scores * features + mixed, inner=inner)


def multi_head_attention(s: Settings, inputs: Inputs) -> Cost:
    """Vaswani et al. 2017, section 3.2.2, over all places between batch and features."""
    query, value, key = _query_value_key(inputs)
    heads, depth, value_depth = s["num_heads"], s["key_dim"], s["value_dim"] or s["key_dim"]
    places, others = size(query[:-1]), size(value[:-1])
    attended = s["attention_axes"]
    every = list(range(1, len(query) - 1))
    if attended is not None and sorted(axis_from_front(axis, len(query)) for axis in attended) != every:
        raise misfit("attention over all places", list(attended))
    (units,) = (query[-1],) if s["output_shape"] is None else per_axis(s["output_shape"], 1)
    features = [int(shape[-1] or 0) for shape in (query, key, value)]
    kernels = {
        "query_dense": ((features[0], heads, depth), (heads, depth), places),
        "key_dense": ((features[1], heads, depth), (heads, depth), others),
        "value_dense": ((features[2], heads, value_depth), (heads, value_depth), others),
        "output_dense": ((heads, value_depth, int(units or 0)), (int(units or 0),), places),
    }
    weights = tuple(
        Weight(shape, f"{name}/vars/{index}")
        for name, (kernel, bias, _) in kernels.items()
        for index, shape in enumerate((kernel, *bias_of(s, *bias)))
    )
    scores = heads * places * others
    projections = sum(math.prod(kernel) * count for kernel, _, count in kernels.values())
    return Cost((*query[:-1], units), weights, projections + scores * (depth + value_depth), inner=scores)


ROWS: dict[str, Row] = {
    "Dot": Row(dot, arguments={"axes": axes()}, others={"normalize": FLAG | False}, listed=True),
    "Attention": Row(
        partial(attention, False),
        views.whole,
        {"use_scale": FLAG | False, "score_mode": one_of("dot", "concat") | "dot"},
        {**SEED, "dropout": NUMBER | 0.0, "causal": FLAG | False},
        listed=True,
        keywords=("use_causal_mask",),
    ),
    "AdditiveAttention": Row(
        partial(attention, True),
        views.whole,
        {"use_scale": FLAG | True},
        {**SEED, "dropout": NUMBER | 0.0, "causal": FLAG | False},
        listed=True,
        keywords=("use_causal_mask",),
    ),
    "MultiHeadAttention": Row(
        multi_head_attention,
        views.whole,
        {
            "num_heads": COUNT,
            "key_dim": COUNT,
            "value_dim": COUNT | None,
            "use_bias": FLAG | True,
            "output_shape": sides() | None,
            "attention_axes": axes() | None,
        },
        {
            **KERNEL,
            **BIAS,
            **SEED,
            "dropout": NUMBER | 0.0,
            "use_gate": one_of(False) | False,
            "sliding_window": one_of() | None,
            **dict.fromkeys(("query_shape", "key_shape", "value_shape"), PLAIN | None),
        },
        keywords=("query", "value", "key", "use_causal_mask"),
    ),
}
