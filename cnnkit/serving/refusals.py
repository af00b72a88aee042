"""Why a request is not answered: the status of HTTP, and the same three parts that every error of cnnkit has."""

from __future__ import annotations

from typing import Any

from cnnkit.errors import CnnkitError, ImageFileError, MissingExtraError

# Seconds after which a client may try again.
RETRY_AFTER = "1"
# Interfaces whose errors are {"error": "text"}: TensorFlow Serving's REST and KServe's V2.
TEXT_ERRORS = ("/v1/", "/v2/", "/v2")


class RequestError(CnnkitError):
    """A request that is refused for what it is, not for what its pictures are.

    Args:
        status: Of HTTP.
        expected: As of `CnnkitError`.
        received: As of `CnnkitError`.
        remedy: As of `CnnkitError`.
    """

    def __init__(self, status: int, expected: str, received: str, remedy: str) -> None:
        super().__init__(expected, received, remedy)
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.status, self.expected, self.received, self.remedy)


def too_large(what: str, most: str, received: str, remedy: str) -> RequestError:
    """413, of a body or of a picture."""
    return RequestError(413, f"{what} of at most {most}", received, remedy)


def status_of(error: CnnkitError) -> int:
    """413, 503, … of a refusal; 415 of what is no picture; 422 of all else that a request may get wrong.

    >>> status_of(ImageFileError("a picture", "a text", "Send a picture."))
    415
    """
    if isinstance(error, RequestError):
        return error.status
    return 415 if isinstance(error, ImageFileError | MissingExtraError) else 422


def body_of(error: CnnkitError, path: str) -> dict[str, Any]:
    """What the interface at `path` says of an error."""
    if path.startswith(TEXT_ERRORS):
        return {"error": str(error)}
    return {"error": {"expected": error.expected, "received": error.received, "remedy": error.remedy}}
