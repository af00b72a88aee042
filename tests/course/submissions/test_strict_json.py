"""JSON: what `json.loads` accepts, less what is ambiguous, not finite or deep."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnkit.course.submissions.findings import RefusedError
from cnnkit.course.submissions.strict_json import LARGEST_INTEGER, parse_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)


def refused(data: bytes, **limits: Any) -> str:
    with pytest.raises(RefusedError) as error:
        parse_json(data, **{"depth": 10, **limits})
    return error.value.check


@settings(deadline=None)
@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_what_json_writes_is_read(value: Any, ascii_only: bool, indent: int | None) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert parse_json(data, depth=100) == value


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text('[]{}",:\\0 e-+.u', max_size=60).map(str.encode))
def test_whatever_the_bytes_are_it_agrees_with_json_or_refuses(data: bytes) -> None:
    with suppress(RefusedError):
        value = parse_json(data, depth=5)
        assert json.loads(data) == value


@pytest.mark.parametrize("data", [b"[[[]]]", b'{"a":{"b":{}}}', b'[{"a":[]}]', b'[["]]]]", [1]]]'])
def test_the_depth_is_counted_outside_strings(data: bytes) -> None:
    parse_json(data, depth=3)
    assert refused(data, depth=2) == "json-depth"


def test_brackets_within_strings_do_not_count() -> None:
    assert parse_json(b'["[[[[", "\\"[[[[\\\\", 1]', depth=1) == ["[[[[", '"[[[[\\', 1]


@pytest.mark.parametrize(
    ("data", "check"),
    [
        (b"", "json-syntax"),
        (b" ", "json-syntax"),
        (b"[1,]", "json-syntax"),
        (b"[1] [2]", "json-syntax"),
        (b"{'a': 1}", "json-syntax"),
        (b'"', "json-syntax"),
        (b'"\\', "json-syntax"),
        (b'["\\u12"]', "json-syntax"),
        (b'["a\nb"]', "json-syntax"),
        (b"]", "json-syntax"),
        (b"\xef\xbb\xbf[]", "json-encoding"),
        (b'["\xff"]', "json-encoding"),
        ('["ä"]'.encode("latin-1"), "json-encoding"),
        ("[]".encode("utf-16"), "json-encoding"),
        (b'["\xed\xa0\x80"]', "json-encoding"),  # a surrogate in UTF-8
        (b'{"a": 1, "a": 2}', "json-duplicate-key"),
        (b'{"a": 1, "\\u0061": 2}', "json-duplicate-key"),
        (b'[{"b": {"a": 1, "a": 1}}]', "json-duplicate-key"),
        (b"[NaN]", "json-number"),
        (b"[Infinity]", "json-number"),
        (b"[-Infinity]", "json-number"),
        (b"[1e309]", "json-number"),
        (b"[-1e309]", "json-number"),
        (b"[9007199254740993]", "json-number"),
        (b"[" + b"9" * 10_000 + b"]", "json-number"),
        (b"[1" + b"0" * 10_000 + b".5]", "json-number"),
    ],
)
def test_what_is_refused(data: bytes, check: str) -> None:
    assert refused(data) == check


def test_the_largest_integer_is_kept() -> None:
    assert parse_json(b"[9007199254740992, -9007199254740992, 1e308]", depth=1) == [2**53, -(2**53), 1e308]


def test_values_are_limited_before_they_are_made() -> None:
    assert parse_json(b"[1, 2, 3]", depth=1, values=4) == [1, 2, 3]  # two commas and two brackets
    assert refused(b"[1, 2, 3]", values=3) == "json-values"


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 2_000_000,
        b'["' + b'\\"' * 1_000_000,
        b'["' + b"\\" * 2_000_001,
        b'"' * 2_000_001,
        b'[""' + b',""' * 200_000,
        b"{" + b'"a":{' * 300_000,
        b"-" * 2_000_000,
        b"[" + b"1" * 2_000_000,
    ],
    ids=lambda data: repr(data[:12]),
)
def test_two_megabytes_of_anything_are_refused_in_a_second(data: bytes) -> None:
    started = time.process_time()
    refused(data)
    assert time.process_time() - started < 1
