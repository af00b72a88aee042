"""The assignment as a value: what is handed in, what passes, what it earns, what it may cost to check.

It is a folder with `assignment.toml` and nothing secret. Whoever grades and whoever hands in read the same file.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from cnnkit.errors import InputError, nearest

FILE = "assignment.toml"
ROLES = ("model", "weights", "predictions", "notebook", "script")
SPARE_BYTES = 10_000_000
"""What a file of a submission can be."""

Pattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_*][A-Za-z0-9_.*\-]*$|^\.[A-Za-z0-9_]+$")]
Patterns = tuple[Pattern, ...]
Amount = Annotated[Decimal, Field(ge=0)]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Files(_Spec):
    """Which names a submission's files may have; `*` stands for any characters."""

    model: Patterns = ("model.json",)
    """The architecture, as Keras's `to_json` writes it."""
    weights: Patterns = ("model.weights.h5", "weights.h5", "model.h5")
    """The weights: Keras 3 wants names that end in .weights.h5, older versions wrote plain .h5."""
    predictions: Patterns = ("predictions.parquet",)
    """The probabilities."""
    notebook: Patterns = ("*.ipynb",)
    """The notebook that trained the model."""
    script: Patterns = ("*.py",)
    """The script that trained the model."""
    code_required: bool = True
    """Whether a notebook or a script has to be there."""
    ignored: Patterns = ("manifest.json", "history.parquet", ".DS_Store", ".ipynb_checkpoints", "__pycache__")
    """What may lie beside them and is never opened."""

    def role(self, name: str) -> str | None:
        """What a file is by its name: `"model"`, `"weights"`, …, `"ignored"`, or None.

        >>> Files().role("train.ipynb"), Files().role("train.exe")
        ('notebook', None)
        """
        roles = (*ROLES, "ignored")
        return next((role for role in roles if any(fnmatchcase(name, each) for each in getattr(self, role))), None)


class Points(_Spec):
    """What a submission that passes earns."""

    flat: Amount = Decimal(10)
    """For passing."""
    rank: Amount = Decimal(10)
    """For the first rank; the others earn less by the rank rule."""


class Late(_Spec):
    """What happens to a submission after the deadline."""

    policy: Literal["none", "zero", "per-day"] = "zero"
    """"none": nothing; "zero": no points and no rank; "per-day": it is ranked and loses points a day begun."""
    per_day: Amount = Decimal(2)
    """Points that "per-day" takes away for each day begun, down to zero."""
    grace_minutes: NonNegativeInt = 0
    """Minutes after the deadline that still count as in time."""


class Limits(_Spec):
    """What a submission may cost: the gate refuses what is above before it reads or runs it."""

    json_bytes: PositiveInt = 2_000_000
    """Size of the architecture; real ones have 20 to 500 KB."""
    json_depth: PositiveInt = 64
    """Brackets within brackets in the architecture; real ones have about 12."""
    weights_bytes: PositiveInt = 500_000_000
    """Size of the weights file, and of the tensors that it declares."""
    predictions_bytes: PositiveInt = 2_000_000
    """Size of the predictions; 20,000 rows have 80 to 120 KB."""
    row_groups: PositiveInt = 64
    """Row groups of the predictions."""
    notebook_bytes: PositiveInt = 10_000_000
    """Size of the notebook, pictures in its output included."""
    script_bytes: PositiveInt = 500_000
    """Size of the script."""
    layers: PositiveInt = 2_000
    """Layers of the model, those of nested models included."""
    calls: PositiveInt = 10_000
    """Calls of layers in one pass and tensors that they take; what is shared counts each time."""
    parameters: PositiveInt = 100_000_000
    """Parameters of the model."""
    input_side: PositiveInt = 1_024
    """Height and width of the model's input; usual ones are 96 to 380."""
    activation_bytes: PositiveInt = 512_000_000
    """All arrays that a batch needs at one time, in float32: EfficientNetB4 at 380 pixels 334 MB, ResNet50 77 MB."""
    batch: PositiveInt = 8
    """Pictures in a batch when the submission is reproduced."""
    multiply_adds: PositiveInt = 100_000_000_000
    """Multiply-adds for one picture; VGG19 has 20 thousand million, NASNet Large 24."""
    seconds: PositiveInt = 5
    """Seconds of CPU time for reading one file in the sandbox; the dearest honest one took 2."""
    memory_bytes: PositiveInt = 190_000_000
    """Memory for it, beyond the 110 MB of the libraries: 300 MB in all."""

    def bytes_of(self, role: str) -> int:
        """How large the file of a role may be."""
        return {
            "model": self.json_bytes,
            "weights": self.weights_bytes,
            "predictions": self.predictions_bytes,
            "notebook": self.notebook_bytes,
            "script": self.script_bytes,
        }[role]

    @property
    def submission_bytes(self) -> int:
        """How large all files of a submission may be together, with what it may hold besides, such as a manifest."""
        return sum(self.bytes_of(role) for role in ROLES) + SPARE_BYTES


class Assignment(_Spec):
    """All that an assignment asks for; read with `Assignment.load`."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_\-]*$")]
    """Its short name: small letters, digits, - and _."""
    title: str
    """Its title for people."""
    rows: PositiveInt = 20_000
    """Rows of the predictions: one for each picture of the score segment, in its order."""
    column: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "person"
    """The one column of the predictions: float32 probabilities of this."""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A probability of at least this decides for the column's class."""
    pass_above: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal("0.60")
    """The part of the rows that has to be exceeded; exactly this much does not pass."""
    rank_rule: Literal["linear", "best-first-fraction"] = "linear"
    """Points for rank r of N, p for the first. "linear": p(N - r)/(N - 1); "best-first-fraction": p(N - r + 1)/N."""
    tie_rule: Literal["average", "earliest"] = "average"
    """The same number correct: "average" shares the mean of their ranks, "earliest" ranks by time of submission."""
    timezone: str | None = None
    """Where the course is, "Europe/Berlin" say: the zone of every time without one; by default the deadline's."""
    deadline: datetime | None = None
    """The last moment, with its offset from UTC: 2026-12-18T23:59:00+01:00."""
    attempts: PositiveInt | None = None
    """How many submissions a student has; later ones do not count, and one that the grader itself fails on is none."""
    counts: Literal["last", "best"] = "last"
    """Which of a student's submissions counts."""
    public_share: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.30")
    """Part of the rows whose accuracy students see before the grades are out."""
    labels_fingerprint: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] | None = None
    """sha256 of the secret labels, so that no others are graded with; `cnnkit assignment prepare` writes it here."""
    input_shape: tuple[int, int, int] | None = None
    """(height, width, channels) that the model has to take; without it any fixed shape."""
    files: Files = Files()
    """The files of a submission."""
    points: Points = Points()
    """What passing earns."""
    late: Late = Late()
    """After the deadline."""
    limits: Limits = Limits()
    """What a submission may cost."""

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            close = nearest(str(name), available_timezones(), count=3) or ["Europe/Berlin"]
            raise ValueError(f"a time zone; near it are {', '.join(close)}") from error

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.deadline is not None and self.deadline.tzinfo is None:
            if self.timezone is None:
                raise ValueError("a deadline needs its offset from UTC, or a timezone beside it")
            object.__setattr__(self, "deadline", self.deadline.replace(tzinfo=self.zone))
        if self.late.policy == "per-day" and self.deadline is None:
            raise ValueError('late.policy = "per-day" needs a deadline')
        return self

    @property
    def zone(self) -> tzinfo:
        """The zone of times that name none: the course's, else the deadline's, else UTC."""
        if self.timezone is not None:
            return ZoneInfo(self.timezone)
        return UTC if self.deadline is None else self.deadline.tzinfo or UTC

    @property
    def pass_correct(self) -> int:
        """The largest number of correct rows that does not pass, an integer: 12,000 of 20,000 at 0.60."""
        return math.floor(Fraction(self.pass_above) * self.rows)

    def passes(self, correct: int) -> bool:
        """Whether so many correct rows pass: more than `pass_correct`, decided between integers.

        >>> spec = Assignment(name="person", title="Person or not")
        >>> spec.passes(12_000), spec.passes(12_001)
        (False, True)
        """
        return correct > self.pass_correct

    def days_late(self, submitted: datetime | None) -> int:
        """Days begun after the deadline and its grace; 0 is in time.

        Args:
            submitted: An aware time; None, where it is not known, counts as in time.
        """
        if self.deadline is None or submitted is None:
            return 0
        beyond = submitted - self.deadline - timedelta(minutes=self.late.grace_minutes)
        return max(0, math.ceil(beyond / timedelta(days=1)))

    def too_late(self, submitted: datetime | None, *, marked: bool) -> bool:
        """Whether lateness means no points.

        Args:
            submitted: An aware time, or None.
            marked: Whether the platform says that it is late.
        """
        return self.late.policy == "zero" and (marked or self.days_late(submitted) > 0)

    @classmethod
    def of(cls, given: Assignment | str | Path) -> Assignment:
        """The assignment itself, or the one in a folder, see `load`."""
        return given if isinstance(given, Assignment) else cls.load(given)

    @classmethod
    def load(cls, folder: str | Path) -> Assignment:
        """Reads `assignment.toml`.

        Args:
            folder: The assignment's folder, or the file itself.

        Raises:
            InputError: There is no such file, it is no TOML, or an entry is wrong; the message names the entry.
        """
        path = Path(folder)
        path = path / FILE if path.is_dir() else path
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        except OSError as error:
            raise InputError(
                f"an assignment's folder with {FILE}",
                f"{path}: {error.strerror}",
                "`cnnkit assignment new` writes one.",
            ) from error
        except ValueError as error:  # TOML and UTF-8 errors both are
            raise InputError(f"TOML in {path}", str(error), "Correct that line.") from error
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _explained(error, path) from error

    def save(self, folder: str | Path) -> Path:
        """Writes `assignment.toml` with what each entry means; the folder is made where it is missing."""
        path = Path(folder) / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(_toml(self)) + "\n", encoding="utf-8")
        return path


def _toml(spec: _Spec, table: str = "") -> Iterator[str]:
    """TOML lines: plain entries first, then each nested spec as a table; what an entry means stands above it."""
    fields = type(spec).model_fields
    nested = {name: value for name in fields if isinstance(value := getattr(spec, name), _Spec)}
    if table:
        yield f"[{table}]"
    for name in [name for name in fields if name not in nested]:
        yield f"# {fields[name].description}"
        yield _literal(name, getattr(spec, name))
    for name, value in nested.items():
        yield ""
        yield f"# {fields[name].description}"
        yield from _toml(value, name)


def _literal(name: str, value: Any) -> str:
    if value is None:
        return f"# {name} ="
    if isinstance(value, datetime):
        return f"{name} = {value.isoformat()}"
    if isinstance(value, Decimal):
        return f"{name} = {value}"
    if type(value) is int:
        return f"{name} = {value:_}"
    # JSON's strings, numbers, booleans and lists of them are TOML too, but for DEL, which no entry may hold raw.
    return f"{name} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f")


def _explained(error: ValidationError, path: Path) -> InputError:
    """The first entry that is wrong, as a cnnkit error."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    key = ".".join(place) or "the assignment"
    model, description = _entry(place)
    if first["type"] == "extra_forbidden":
        close = nearest(place[-1], model.model_fields) or list(model.model_fields)
        return InputError(
            f"an entry that {path} can have",
            f"{key} = {first['input']!r}",
            f"Did you mean {' or '.join(close)}?",
        )
    if first["type"] == "missing":
        return InputError(f"{key} in {path}", "nothing", f"Add it. {description}")
    message = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return InputError(f"{key} in {path} to be {message}", repr(first["input"]), description)


def _entry(place: list[str]) -> tuple[type[BaseModel], str]:
    """The spec that an entry belongs to, and what the entry means."""
    model: type[BaseModel] = Assignment
    description = ""
    for part in place:
        found = model.model_fields.get(part)
        if found is None:
            break
        description = found.description or ""
        if isinstance(found.annotation, type) and issubclass(found.annotation, _Spec):
            model = found.annotation
    return model, description
