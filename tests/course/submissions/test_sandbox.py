from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from cnnkit.course.submissions import seccomp
from cnnkit.course.submissions.isolation import STRONGEST_FIRST, TOOLS, candidates, isolated, runtime
from cnnkit.course.submissions.sandbox import ENVIRONMENT, Answer, CallLimits, Sandbox
from cnnkit.errors import InputError
from tests.system import need

HERE = Path(__file__).parent
JOBS = (
    *("echo", "open_file", "write_file", "write_to_own_file", "make_socket", "start_process", "start_program"),
    *("start_thread", "send_signal", "take_memory", "wait", "burn", "fault", "leave", "fail"),
    *("answer_long", "answer_nested", "answer_otherwise"),
)
MEMORY = 100_000_000


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    said: str


Call = Callable[..., Answer[Said]]


def tool(folder: Path, name: str, script: str = "exit 1") -> None:
    """A program of that name which does what the script says."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def opened(isolation: str) -> Sandbox:
    return Sandbox.open(isolation=isolation, jobs={job: f"sandbox_jobs:{job}" for job in JOBS}, modules=[HERE])


@pytest.fixture(scope="module", params=STRONGEST_FIRST)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if request.param in TOOLS:
        need(request.param)
    with opened(request.param) as box:
        assert box.isolation.startswith(f"{request.param}: ")
        yield box


@pytest.fixture
def call(sandbox: Sandbox, tmp_path: Path) -> Iterator[Call]:
    path = tmp_path / "student.bin"
    path.write_bytes(b"0123456789")
    descriptor = os.open(path, os.O_RDWR)

    def run(job: str, *, seconds: int = 5, data_bytes: int = 0, **arguments: object) -> Answer[Said]:
        limits = CallLimits(seconds=seconds, memory_bytes=MEMORY, reply_bytes=10_000, data_bytes=data_bytes)
        return sandbox.call(job, descriptor, arguments, reply=Said, limits=limits)

    yield run
    os.close(descriptor)


def said(answer: Answer[Said]) -> str:
    assert answer.outcome == "answered", answer
    assert answer.value is not None
    return answer.value.said


def test_a_job_reads_its_file_from_the_beginning_each_time(call: Call) -> None:
    for _ in range(2):
        answer = call("echo", say="hello", bytes=4, data_bytes=4)
        assert (said(answer), answer.data) == ("hello", b"0123")


def test_what_is_in_force_is_measured_from_inside(sandbox: Sandbox) -> None:
    kind, measures = sandbox.isolation.split(": ")
    expected = {
        "bubblewrap": {"user", "net", "pid", "mnt", "ipc", "uts"},
        "namespaces": {"user", "net", "pid", "ipc", "uts"},
        "limits": set(),
    }
    filtered = {"seccomp"} if seccomp.available() else set()
    assert set(measures.split(", ")) == expected[kind] | filtered | {"resource limits"}


@pytest.mark.skipif(not seccomp.available(), reason="a filter for Linux")
@pytest.mark.parametrize(
    ("job", "arguments"),
    [
        ("open_file", {"path": "/etc/passwd"}),
        ("open_file", {"path": str(HERE / "sandbox_jobs.py")}),
        ("make_socket", {}),
        ("start_process", {}),
        ("start_program", {}),
        ("send_signal", {}),
    ],
)
def test_nothing_of_the_machine_is_in_reach(call: Call, job: str, arguments: dict[str, object]) -> None:
    assert said(call(job, **arguments)) == "PermissionError"


def test_no_thread_starts(call: Call) -> None:
    assert said(call("start_thread")) == "RuntimeError"


def test_no_file_is_written_not_even_its_own(call: Call, tmp_path: Path) -> None:
    assert said(call("write_file", path=str(tmp_path / "written"))) in ("PermissionError", "FileNotFoundError")
    assert said(call("write_to_own_file")) in ("OSError", "PermissionError")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"student.bin": b"0123456789"}


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is for Linux")
def test_memory_ends_where_the_limit_is(call: Call) -> None:
    assert said(call("take_memory", bytes=MEMORY // 2)) == str(MEMORY // 2)
    assert said(call("take_memory", bytes=MEMORY * 2)) == "MemoryError"


def test_endless_work_and_endless_waiting_time_out_and_the_next_call_works(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnkit.course.submissions.sandbox.PATIENCE", 1)
    started = time.monotonic()
    assert call("burn", seconds=1).outcome == "timed out"
    assert call("wait", seconds=1).outcome == "timed out"
    assert time.monotonic() - started < 30
    assert said(call("echo", say="alive")) == "alive"


@pytest.mark.parametrize(
    ("job", "arguments", "detail"),
    [
        ("fault", {}, "ended by SIGSEGV"),
        ("leave", {}, "no answer"),
        ("fail", {}, r"'RuntimeError: line one\nline \u202e two'"),
        ("answer_long", {"characters": 9_000, "bytes": 1}, "an answer of the wrong length"),
        ("answer_long", {"characters": 1_000_000, "bytes": 0}, "an answer of more than 10004 bytes"),
        ("answer_nested", {}, "an answer of more than 10004 bytes"),
        ("answer_otherwise", {}, "an answer that is none: 'Extra inputs are not permitted'"),
    ],
)
def test_a_crash_or_a_wrong_answer_is_an_outcome(
    call: Call, job: str, arguments: dict[str, object], detail: str
) -> None:
    assert call(job, **arguments) == Answer("crashed", detail=detail)
    assert said(call("echo", say="alive")) == "alive"


def test_a_server_that_was_killed_starts_anew(call: Call, sandbox: Sandbox) -> None:
    assert sandbox._server is not None
    sandbox._server._process.kill()
    sandbox._server._process.wait()
    assert call("echo", say="lost").outcome == "crashed"
    assert said(call("echo", say="alive")) == "alive"


def test_isolation_never_becomes_less_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened("auto") as box:
        before = box.isolation
        box.close()
        assert box.isolation == before
        box.close()
        if not before.startswith("limits"):
            monkeypatch.setattr("cnnkit.course.submissions.isolation.shutil.which", lambda tool: "/bin/false")
            with pytest.raises(InputError, match="an isolation that works"):
                box.isolation  # noqa: B018  (asks)


def test_processes_end_with_the_sandbox() -> None:
    with opened("limits") as box:
        assert box.isolation
        assert box._server is not None
        process = box._server._process
    assert process.returncode is not None


@pytest.fixture(scope="module")
def bubblewrap() -> Callable[..., list[str]]:
    """The command that runs Python code in it."""

    def command(code: str, path: Path, readable: tuple[Path, ...] = ()) -> list[str]:
        return isolated([sys.executable, "-I", "-S", "-c", code, str(path)], "bubblewrap", readable=readable)

    need("bubblewrap")
    return command


def test_a_file_system_of_its_own_holds_python_and_nothing_of_the_machine(
    bubblewrap: Callable[..., list[str]], tmp_path: Path
) -> None:
    (tmp_path / "labels.parquet").write_text("labels", encoding="utf-8")
    code = "import os, sys; print(os.path.exists(sys.argv[1]), os.getuid(), os.listdir('/tmp'))"
    command = bubblewrap(code, tmp_path / "labels.parquet")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ours = sorted({path.relative_to("/tmp").parts[0] for path in runtime() if path.is_relative_to("/tmp")})  # noqa: S108
    assert done.stdout == f"False 65534 {ours}\n"  # a checkout may lie there
    assert not any(tmp_path.is_relative_to(path) for path in runtime())


def test_what_is_readable_cannot_be_written(bubblewrap: Callable[..., list[str]], tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}", encoding="utf-8")
    code = "import sys; print(open(sys.argv[1]).read()); open(sys.argv[1], 'w')"
    command = bubblewrap(code, tmp_path / "model.json", (tmp_path,))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "{}\n"
    assert "Read-only file system" in done.stderr


@pytest.mark.parametrize(
    ("isolation", "require", "expected"),
    [
        ("auto", None, ("bubblewrap", "namespaces", "limits")),
        ("auto", "namespaces", ("bubblewrap", "namespaces")),
        ("auto", "bubblewrap", ("bubblewrap",)),
        ("limits", None, ("limits",)),
        ("bubblewrap", "namespaces", ("bubblewrap",)),
    ],
)
def test_the_strongest_that_is_good_enough_is_tried_first(
    isolation: str, require: str | None, expected: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in TOOLS.values():  # a machine that has all of them
        tool(tmp_path, name)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert candidates(isolation, require) == expected


def test_less_than_required_is_refused() -> None:
    with pytest.raises(InputError, match="at least bubblewrap"):
        candidates("limits", "bubblewrap")
    with pytest.raises(InputError, match="'limits'"):
        candidates("limit")


def test_where_no_tool_is_installed_limits_are_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with opened("auto") as box:
        assert box.isolation.startswith("limits: ")
    for isolation, tool in TOOLS.items():
        with pytest.raises(InputError, match=f"{tool} .*not installed"):
            opened(isolation)


def test_where_a_tool_may_not_make_namespaces_the_next_one_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, "bwrap", "echo 'bwrap: No permissions to create new namespace' >&2\nexit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with opened("auto") as box:
        assert box.isolation.startswith("limits: ")
    with pytest.raises(InputError, match="No permissions to create new namespace"), opened("bubblewrap") as box:
        box.isolation  # noqa: B018  (asks)


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_the_server_has_one_thread_when_it_forks() -> None:
    code = "import os, cnnkit.course.submissions.gate_jobs; print(len(os.listdir('/proc/self/task')))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stdout == "1\n"


def test_a_server_that_does_not_start_in_time_is_no_reason_for_less_isolation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnkit.course.submissions.sandbox.START_SECONDS", 0.001)
    with opened("auto") as box, pytest.raises(InputError, match="a sandbox that starts"):
        box.isolation  # noqa: B018  (asks)


def test_the_server_imports_what_its_jobs_need_and_nothing_else() -> None:
    code = (
        "import sys, cnnkit.course.submissions.sandbox_worker; print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pydantic", "h5py", "pyarrow", "typer"} & set(done.stdout.split())
