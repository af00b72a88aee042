"""Forms with files on their way to the disk: bounded, hashed, and no name of a student's is a path."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from cnnkit.course.hand_in_server import upload
from cnnkit.course.hand_in_server.rules import NotNowError
from cnnkit.course.hand_in_server.upload import Form, most_bytes, receive
from cnnkit.course.submissions.assignment import Assignment, Limits

SMALL = Limits(json_bytes=1_000, script_bytes=50, weights_bytes=1_000, notebook_bytes=1_000, predictions_bytes=1_000)
SPEC = Assignment(name="people", title="People", limits=SMALL)
TYPE = "multipart/form-data; boundary=----x"


def part(name: str, data: bytes, file: str | None = None) -> bytes:
    """As a browser sends it (RFC 7578)."""
    named = "" if file is None else f'; filename="{file}"'
    head = f'------x\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + data + b"\r\n"


def sent(*parts: bytes) -> bytes:
    return b"".join(parts) + b"------x--\r\n"


def take(folder: Path, body: Iterable[bytes], **options: Any) -> Form:
    async def stream() -> AsyncIterator[bytes]:
        for chunk in body:
            yield chunk

    settings = {"content_type": TYPE, "assignment": SPEC, "admit": lambda fields: None, **options}
    return asyncio.run(receive(stream=stream(), folder=folder, **settings))


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_fields_and_files_come_whole_however_they_are_cut(tmp_path: Path, chunk: int) -> None:
    data = bytes(range(256)) * 3 + b"\r\n------\r\n--"
    body = sent(part("form", b"secret"), part("model", data, "model.json"), part("code", b"", ""))
    form = take(tmp_path, [body[start : start + chunk] for start in range(0, len(body), chunk)])
    assert form.fields == {"form": "secret"}
    (file,) = form.files.values()
    assert (file.path.read_bytes(), file.size, file.sha256) == (data, len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..", "a/../../b.py", "C:\\x\\train.py", "\x00.py"]
)
def test_no_name_is_a_path(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "upload"
    folder.mkdir()
    form = take(folder, [sent(part("file", b"x", name))])
    assert [file.path for file in form.files.values()] == [folder / "0"]
    assert [each.name for each in tmp_path.rglob("*")] == ["upload", "0"]


def test_of_what_is_too_large_one_byte_too_many_is_kept(tmp_path: Path) -> None:
    """So that the gate's own finding says so."""
    form = take(tmp_path, [sent(part("f", b"x" * 500, "train.py"), part("f", b"y" * 999, "strange.exe"))])
    assert {name: file.path.stat().st_size for name, file in form.files.items()} == {"train.py": 51, "strange.exe": 1}


def test_all_together_are_bounded(tmp_path: Path) -> None:
    def endless() -> Iterable[bytes]:
        yield part("f", b"", "model.json")[:-2]
        while True:
            yield bytes(10_000_000)

    with pytest.raises(NotNowError, match=f"{most_bytes(SPEC):,} bytes") as refused:
        take(tmp_path, endless())
    assert refused.value.status == 413
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) == 1_001


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (sent(part("f", b"abc", "train.py"))[:-30], 400),
        (b"", 400),
        (b"no form at all", 400),
        (sent(part("f" * 9_000, b"abc", "train.py")), 400),
        (sent(part("form", b"x" * 1_001)), 400),
        (sent(part("f", b"a", "train.py"), part("f", b"b", "train.py")), 400),
        (sent(*(part("f", b"a", f"{number}.py") for number in range(21))), 400),
        (sent(*(part(f"{number}", b"a") for number in range(21))), 400),
        (sent(*(part("f", b"", "") for number in range(21))), 400),
    ],
)
def test_what_is_no_whole_form_is_refused(tmp_path: Path, body: bytes, status: int) -> None:
    with pytest.raises(NotNowError) as refused:
        take(tmp_path, [body])
    assert refused.value.status == status


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=x"])
def test_another_type_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(NotNowError) as refused:
        take(tmp_path, [b""], content_type=kind)
    assert refused.value.status == 415


def test_silence_ends_an_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "SILENCE_SECONDS", 0.01)

    async def stalled() -> AsyncIterator[bytes]:
        yield part("f", b"abc", "train.py")
        await asyncio.sleep(60)
        yield b""

    with pytest.raises(NotNowError) as refused:
        asyncio.run(receive(TYPE, stalled(), tmp_path, SPEC, admit=lambda fields: None))
    assert refused.value.status == 408


def test_fields_are_looked_at_before_a_file_is_written(tmp_path: Path) -> None:
    def admit(fields: dict[str, str]) -> None:
        assert fields == {"form": "secret"}
        raise NotNowError(403, "no")

    with pytest.raises(NotNowError, match="no"):
        take(tmp_path, [sent(part("form", b"secret"), part("f", b"abc", "train.py"))], admit=admit)
    assert list(tmp_path.iterdir()) == []
