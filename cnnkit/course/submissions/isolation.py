"""How a command is cut off from the machine it runs on: by bubblewrap, by plain namespaces, or by limits alone.

bubblewrap gives it a file system of its own with nothing but the Python installation, read-only; no network, no other
processes, no privileges. Plain namespaces lack the file system. Which of them a machine allows is found out by trying.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import cnnkit
from cnnkit.errors import InputError, unknown_name

Isolation = Literal["bubblewrap", "namespaces", "limits"]

STRONGEST_FIRST: tuple[Isolation, ...] = ("bubblewrap", "namespaces", "limits")
TOOLS: dict[Isolation, str] = {"bubblewrap": "bwrap", "namespaces": "unshare"}
NOBODY = "65534"
REMEDY = "Install bubblewrap (apt-get install bubblewrap), allow user namespaces, or accept less isolation."

_SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/nix/store")


def candidates(isolation: str = "auto", require: str | None = None) -> tuple[Isolation, ...]:
    """What can be tried on this machine, strongest first.

    Args:
        isolation: `"auto"` for all of them, or the name of one.
        require: The weakest that is good enough; None for any.

    Raises:
        InputError: No such name; `isolation` is weaker than `require`; or no tool for it is installed.
    """
    for name in {isolation, require} - {"auto", None}:
        if name not in STRONGEST_FIRST:
            raise unknown_name("an isolation", str(name), STRONGEST_FIRST)
    named = [name for name in STRONGEST_FIRST if isolation in ("auto", name)]
    strong = named if require is None else [name for name in named if _strength(name) <= _strength(require)]
    if not strong:
        raise InputError(f"an isolation of at least {require}", isolation, "Ask for less, or isolate more.")
    found = tuple(name for name in strong if name not in TOOLS or shutil.which(TOOLS[name]))
    if not found:
        tools = " or ".join(TOOLS[name] for name in strong)
        raise InputError(f"{tools} for isolation by {' or '.join(strong)}", "it is not installed", REMEDY)
    return found


def isolated(command: Sequence[str], isolation: Isolation, *, readable: Sequence[Path] = ()) -> list[str]:
    """The command that runs `command` in this isolation; it dies with its parent and ends with it.

    Args:
        command: Program and arguments; the Python installation is in reach.
        isolation: What to use, one of `candidates`.
        readable: Further files and folders that it may read, at the paths that they have; with less than bubblewrap
            nothing hides the others.
    """
    if isolation == "limits":
        return list(command)
    tool = shutil.which(TOOLS[isolation]) or TOOLS[isolation]
    if isolation == "namespaces":
        spaces = ("--user", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child=SIGKILL")
        return [tool, *spaces, "--", *command]
    binds = [part for path in (*runtime(), *readable) for part in ("--ro-bind", str(path), str(path))]
    return [
        *(tool, "--unshare-all", "--unshare-user", "--uid", NOBODY, "--gid", NOBODY, "--die-with-parent"),
        *("--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/tmp"),  # noqa: S108  (a new one, inside)
        *(*binds, "--", *command),
    ]


def runtime() -> list[Path]:
    """The files and folders that Python, its packages and cnnkit consist of, and nothing else of this machine."""
    prefixes = [Path(prefix) for prefix in (sys.base_prefix, sys.prefix)]
    system = [Path(path) for path in _SYSTEM]
    here = Path(cnnkit.__file__).parent
    return [path for path in dict.fromkeys((*system, *prefixes, *installed(), here)) if path.exists()]


def installed() -> list[Path]:
    """The folders of installed packages, in the order in which they are searched."""
    return [Path(folder) for folder in sys.path if Path(folder).name in ("site-packages", "dist-packages")]


def _strength(name: str) -> int:
    return [str(each) for each in STRONGEST_FIRST].index(name)
