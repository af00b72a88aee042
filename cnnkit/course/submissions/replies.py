"""What may come back from a throw-away process. Whoever took it over may say what it likes: it has to fit these."""

from __future__ import annotations

import base64
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, StringConstraints, model_validator

from cnnkit.course.submissions.findings import Finding
from cnnkit.course.submissions.tensor_prints import BUCKETS, DIGEST_BYTES, KERNELS, TENSORS, KernelPrint, WeightsPrint


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("text that is not printable")
    return text


def _direction(text: str) -> str:
    if len(base64.b64decode(text)) != BUCKETS:
        raise ValueError("no direction")
    return text


def _digests(text: str) -> str:
    count, rest = divmod(len(base64.b64decode(text)), DIGEST_BYTES)
    if rest or count > TENSORS:
        raise ValueError("no digests of tensors")
    return text


# Shown to people, on terminals and in pages: one line, no control or direction marks.
Text = Annotated[str, StringConstraints(max_length=4_000), AfterValidator(_printable)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Shape = tuple[Annotated[int, Field(ge=0)], ...]
# Four characters for three bytes, and what fills up the last four.
Base64 = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$")]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FindingReply(_Said):
    """A finding."""

    check: Name
    file: Text
    expected: Text
    received: Text
    remedy: Text
    blocking: bool

    def finding(self) -> Finding:
        """The same as a value of the gate."""
        return Finding(**self.model_dump())


class Reply(_Said):
    """What is wrong with a file."""

    findings: Annotated[tuple[FindingReply, ...], Field(max_length=1_000)]


class ModelReply(Reply):
    """What is wrong with an architecture, and the tensors of its weights file; see `weights_file.Wanted`.

    Attributes:
        tensors: None where the architecture cannot be told, and only there.
    """

    tensors: dict[str, Shape] | None
    legacy: tuple[tuple[Shape, ...], ...]

    @model_validator(mode="after")
    def _refused_without_tensors(self) -> Self:
        if self.tensors is None and not any(finding.blocking for finding in self.findings):
            raise ValueError("neither tensors nor a reason")
        return self


class KernelReply(_Said):
    """What is kept of a dense kernel."""

    shape: tuple[PositiveInt, PositiveInt]
    length: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    values: Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]
    direction: Annotated[Base64, AfterValidator(_direction)]


class WeightsPrintReply(_Said):
    """What is kept of the values of weights."""

    digest: Digest
    tensors: Annotated[Base64, AfterValidator(_digests)]
    kernels: Annotated[tuple[KernelReply, ...], Field(max_length=KERNELS)]

    def weights_print(self) -> WeightsPrint:
        """The same as a value of the gate."""
        kernels = tuple(KernelPrint(**kernel.model_dump()) for kernel in self.kernels)
        return WeightsPrint(self.digest, self.tensors, kernels)


class WeightsReply(Reply):
    """What is wrong with the weights, and if nothing is, what is kept of their values."""

    weights: WeightsPrintReply | None
