"""A seccomp filter that leaves a process little more than memory and the files that it already has.

It works without any privilege, in a container too: after `install` the process cannot open a file, make a socket, start
a process or a thread, whoever runs it. Denied calls fail with EPERM, so that a library that tries says so.

Linux, "Seccomp BPF (SECure COMPuting with filters)", kernel documentation, userspace-api/seccomp_filter.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

# System call → its number on x86-64 and on 64-bit ARM (arch/x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h).
ALLOWED = {
    "brk": (12, 214),
    "clock_gettime": (228, 113),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "fstat": (5, 80),
    "futex": (202, 98),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "gettid": (186, 178),
    "lseek": (8, 62),
    "madvise": (28, 233),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "pread64": (17, 67),
    "read": (0, 63),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "tgkill": (234, 131),  # abort()
    "write": (1, 64),
}
# Machine → its column above and the constant by which the kernel names it (linux/audit.h).
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_NUMBER_OFFSET, _MACHINE_OFFSET = 0, 4  # in struct seccomp_data
_ALLOW, _DENY, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def available() -> bool:
    """Whether `install` knows this system."""
    return sys.platform == "linux" and platform.machine() in MACHINES


def install() -> None:
    """Restricts this process, and all that it could ever start, to `ALLOWED`; there is no way back.

    Raises:
        OSError: The kernel refuses.
    """
    column, machine = MACHINES[platform.machine()]
    instructions = _instructions([numbers[column] for numbers in ALLOWED.values()], machine)
    program = _Program(len(instructions) // 8, instructions)
    library = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_SET_NO_NEW_PRIVILEGES, 1, 0), (_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program))):
        if library.prctl(*arguments, 0, 0) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))


def _instructions(numbers: list[int], machine: int) -> bytes:
    """The filter as `struct sock_filter` records: (code, jump if true, jump if false, operand)."""
    rows = [
        (_LOAD, 0, 0, _MACHINE_OFFSET),
        (_JUMP_IF_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        *((_JUMP_IF_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)),
        (_RETURN, 0, 0, _DENY),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *row) for row in rows)
