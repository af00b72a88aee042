"""Jobs that do in a sandbox what a student's bytes should never make one do; each says how far it came."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

Said = tuple[dict[str, Any], bytes]


def echo(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    return {"said": arguments["say"]}, file.read(arguments.get("bytes", 0))


def open_file(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    try:
        return {"said": Path(arguments["path"]).read_text(encoding="utf-8")}, b""
    except OSError as error:
        return {"said": type(error).__name__}, b""


def write_file(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    try:
        Path(arguments["path"]).write_text("written", encoding="utf-8")
    except OSError as error:
        return {"said": type(error).__name__}, b""
    return {"said": "written"}, b""


def write_to_own_file(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    try:
        os.write(file.fileno(), b"changed")
    except OSError as error:
        return {"said": type(error).__name__}, b""
    return {"said": "written"}, b""


def make_socket(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    try:
        socket.socket()
    except OSError as error:
        return {"said": type(error).__name__}, b""
    return {"said": "made"}, b""


def start_process(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    try:
        child = os.fork()
    except OSError as error:
        return {"said": type(error).__name__}, b""
    if child == 0:
        os._exit(0)
    return {"said": "forked"}, b""


def start_program(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    try:
        os.execv("/bin/true", ["true"])  # noqa: S606
    except OSError as error:
        return {"said": type(error).__name__}, b""


def start_thread(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    try:
        threading.Thread(target=print).start()
    except (OSError, RuntimeError) as error:
        return {"said": type(error).__name__}, b""
    return {"said": "started"}, b""


def send_signal(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    try:
        os.kill(os.getppid(), signal.SIGKILL)
    except OSError as error:
        return {"said": type(error).__name__}, b""
    return {"said": "sent"}, b""


def take_memory(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    try:
        return {"said": f"{len(bytearray(arguments['bytes']))}"}, b""
    except MemoryError:
        return {"said": "MemoryError"}, b""


def wait(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
    return {"said": "waited"}, b""


def burn(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    while True:
        pass


def fault(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    ctypes.string_at(0)
    return {"said": "survived"}, b""


def leave(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    os._exit(0)


def fail(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    raise RuntimeError("line one\nline \u202e two")


def answer_long(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    return {"said": "x" * arguments["characters"]}, b"y" * arguments["bytes"]


def answer_nested(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    sys.setrecursionlimit(10**6)
    value: Any = 0
    for _ in range(20_000):
        value = [value]
    return {"said": value}, b""


def answer_otherwise(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    return {"said": "fine", "and": "more"}, b""


# In the place of the gate's own jobs: what a process says that a student's file took over.

FINDING = {"check": "x", "file": "", "expected": "", "received": "", "remedy": "", "blocking": True}


def predictions_above_one(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    return {"findings": []}, struct.pack("<f", 1.5) * arguments["rows"]


def predictions_of_nan(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    return {"findings": []}, struct.pack("<f", float("nan")) * arguments["rows"]


def predictions_too_few(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    return {"findings": []}, struct.pack("<f", 0.5) * (arguments["rows"] - 1)


def finding_with_escapes(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    return {"findings": [{**FINDING, "received": "\x1b[2J\u202eall is well"}]}, b""


def finding_too_long(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    return {"findings": [{**FINDING, "remedy": "x" * 5_000}]}, b""


def findings_without_end(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    return {"findings": [FINDING] * 2_000}, b""


def model_without_tensors(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    return {"findings": [], "tensors": None, "legacy": []}, b""


def weights_without_a_digest(file: BinaryIO, arguments: dict[str, Any]) -> Said:
    return {"findings": [], "weights": {"digest": "<script>", "tensors": "", "kernels": []}}, b""
