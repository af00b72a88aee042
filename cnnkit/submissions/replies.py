"""What may come back from a throw-away process. Whoever took it over may say what it likes: it has to fit these."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from cnnkit.submissions.findings import Finding


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("text that is not printable")
    return text


# Shown to people, on terminals and in pages: one line, no control or direction marks.
Text = Annotated[str, StringConstraints(max_length=4_000), AfterValidator(_printable)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Shape = tuple[Annotated[int, Field(ge=0)], ...]


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


class WeightsReply(Reply):
    """What is wrong with the weights, and if nothing is, the digest of their values."""

    digest: Digest | None
