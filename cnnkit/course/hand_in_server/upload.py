"""A form with files (multipart/form-data, RFC 7578) that goes to the disk while it comes: bounded, counted, hashed.

Names of a student's are never paths: files are called 0, 1, … in a folder of the upload's own. Of a file that is larger
than its limit one byte too many is written, so that the gate says so; the rest is passed over.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from cnnkit.course.hand_in_server.rules import NotNowError
from cnnkit.course.submissions.assignment import SPARE_BYTES, Assignment

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PART_BYTES = 1 << 20
FIELD_BYTES = 1_000
HEADER_BYTES = 8_000
FORM_BYTES = 100_000
MOST_FILES = 20
"""Of files; and of fields, those of files that were not chosen among them."""
SILENCE_SECONDS = 60
LONGEST_SECONDS = 3_600


@dataclass
class UploadedFile:
    """A file that came.

    Attributes:
        path: Where it is.
        sha256: Of its bytes.
        size: Of what was written.
    """

    path: Path
    sha256: str = ""
    size: int = 0


@dataclass
class Form:
    """What came.

    Attributes:
        fields: Name → text, of what is no file.
        files: Name of the student's → file.
    """

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, UploadedFile] = field(default_factory=dict)


def most_bytes(assignment: Assignment) -> int:
    """How large a whole upload may be."""
    return assignment.limits.submission_bytes + FORM_BYTES


async def receive(
    content_type: str,
    stream: AsyncIterator[bytes],
    folder: Path,
    assignment: Assignment,
    *,
    admit: Callable[[dict[str, str]], None],
) -> Form:
    """Reads a form.

    Args:
        content_type: The request's header.
        stream: Its body.
        folder: An empty one, for the files.
        assignment: How large which file may be.
        admit: Gets the fields before the first file, and raises where no file may follow.

    Raises:
        NotNowError: Too large, too slow, no such form, or broken off.
        OSError: The disk is full.
    """
    kind, parameters = parse_options_header(content_type)
    boundary = parameters.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise NotNowError(415, "Expected files as multipart/form-data, as a form sends them.")
    writer = _Writer(folder, assignment, admit)
    try:
        parser = MultipartParser(boundary, writer.callbacks())
        waiting, left = bytearray(), most_bytes(assignment)
        async with asyncio.timeout(LONGEST_SECONDS):
            while (chunk := await _next(stream)) is not None:
                left -= len(chunk)
                if left < 0:
                    raise too_large(assignment)
                waiting += chunk
                if len(waiting) >= PART_BYTES:
                    await run_in_threadpool(parser.write, bytes(waiting))
                    waiting.clear()
            await run_in_threadpool(parser.write, bytes(waiting))
        if not writer.whole:
            raise NotNowError(400, "The upload broke off. Send it again.")
    except TimeoutError as error:
        raise NotNowError(408, "The upload took too long. Send it again.") from error
    except FormParserError as error:
        raise NotNowError(400, "The upload is no form that can be read. Send it again.") from error
    finally:
        writer.close()
    return writer.form


def too_large(assignment: Assignment) -> NotNowError:
    """The error for an upload that is larger than all files may be together."""
    return NotNowError(413, f"At most {most_bytes(assignment):,} bytes together. Hand in smaller files.")


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    return await asyncio.wait_for(anext(stream, None), SILENCE_SECONDS)


@dataclass
class _Part:
    """The part of the form that is coming."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    header: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))
    header_bytes: int = 0
    name: str = ""
    is_file: bool = False
    text: bytearray = field(default_factory=bytearray)
    file: UploadedFile | None = None
    descriptor: int | None = None
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    left: int = 0


class _Writer:
    """What the parser calls, part after part."""

    def __init__(self, folder: Path, assignment: Assignment, admit: Callable[[dict[str, str]], None]) -> None:
        self.form = Form()
        self.whole = False
        self._fields = 0
        self._folder = folder
        self._assignment = assignment
        self._admit = admit
        self._part = _Part()

    def callbacks(self) -> MultipartCallbacks:
        """As the parser wants them."""
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_body,
            "on_part_data": self._body,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def close(self) -> None:
        """Lets go of a file that is still open."""
        if self._part.descriptor is not None:
            os.close(self._part.descriptor)
            self._part.descriptor = None

    def _begin_part(self) -> None:
        self._part = _Part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header[0].extend(self._counted(data[start:end]))

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header[1].extend(self._counted(data[start:end]))

    def _counted(self, part: bytes) -> bytes:
        self._part.header_bytes += len(part)
        if self._part.header_bytes > HEADER_BYTES:
            raise NotNowError(400, "The headers of a part are too long.")
        return part

    def _end_header(self) -> None:
        name, value = self._part.header
        self._part.headers[bytes(name).lower()] = bytes(value)
        self._part.header = (bytearray(), bytearray())

    def _begin_body(self) -> None:
        _, parameters = parse_options_header(self._part.headers.get(b"content-disposition", b""))
        self._part.name = _text(parameters.get(b"name", b""))
        self._part.is_file = b"filename" in parameters
        name = _text(parameters.get(b"filename", b""))
        if name:
            self._admit(self.form.fields)
            self._begin_file(name)
            return
        self._fields += 1  # a text, or a file that was not chosen
        if self._fields > MOST_FILES:
            raise NotNowError(400, f"At most {MOST_FILES} fields.")

    def _begin_file(self, name: str) -> None:
        if name in self.form.files or len(self.form.files) >= MOST_FILES:
            raise NotNowError(400, f"At most {MOST_FILES} files, each name once.")
        path = self._folder / str(len(self.form.files))
        self._part.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._part.file = self.form.files[name] = UploadedFile(path)
        self._part.left = self._limit(name) + 1

    def _limit(self, name: str) -> int:
        role = self._assignment.files.role(name)
        if role is None:
            return 0
        return SPARE_BYTES if role == "ignored" else self._assignment.limits.bytes_of(role)

    def _body(self, data: bytes, start: int, end: int) -> None:
        part, here = self._part, data[start:end]
        if part.file is None or part.descriptor is None:
            part.text += here[: FIELD_BYTES + 1]
            if len(part.text) > FIELD_BYTES:
                raise NotNowError(400, f"A field of more than {FIELD_BYTES:,} bytes.")
            return
        here = here[: part.left]
        part.left -= len(here)
        part.file.size += len(here)
        part.digest.update(here)
        while here:
            here = here[os.write(part.descriptor, here) :]

    def _end_part(self) -> None:
        part = self._part
        if part.file is not None:
            part.file.sha256 = part.digest.hexdigest()
            self.close()
        elif not part.is_file:
            self.form.fields[part.name] = bytes(part.text).decode("utf-8", "replace")

    def _end(self) -> None:
        self.whole = True


def _text(raw: bytes) -> str:
    """A name as people see it; what is no UTF-8 becomes U+FFFD, which no assignment's names have."""
    return raw.decode("utf-8", "replace")
