"""The inbox: what was handed in, by whom and when, in whichever form a course's platform gives it away.

    layout      recognised by                                    student                       time
    folders     a folder each                                    the folder's name             submissions.csv
    gradescope  submission_metadata.yml                          :sid, else :email             :created_at
    canvas      names like doejane_LATE_123_456_model.json       the first number: Canvas ID   LATE, or nothing
    moodle      folders like Jane Doe_123_assignsubmission_file  the number: participant       –

Each is read from a folder or from the platform's zip, without unpacking it: one submission at a time is copied into a
work folder, regular files only, each byte counted. Names within a zip are never used as paths.
"""

from __future__ import annotations

import csv
import errno
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Any

from cnnkit.errors import DataError, missing_extra
from cnnkit.submissions.findings import Finding, shown

TIMES_FILE = "submissions.csv"
METADATA_FILE = "submission_metadata.yml"

CANVAS_NAME = re.compile(r"(?P<name>[^_/]+)_(?:(?P<late>LATE)_)?(?P<student>\d+)_(?P<number>\d+)_(?P<file>[^/]+)")
CANVAS_COPY = re.compile(r"-\d+(?=\.[^.]+$)")  # what Canvas adds to a name that was handed in before
MOODLE_FOLDER = re.compile(r"(?P<name>.+)_(?P<student>\d+)_assignsubmission_\w*")
JUNK = ("__MACOSX", "Thumbs.db")

FILES_OF_ONE = 200
DEPTH_OF_ONE = 4
ZIP_ENTRIES = 1_000_000
METADATA_BYTES = 200_000_000
_CHUNK = 1 << 20


class UnreadableError(Exception):
    """A submission that cannot even be copied out of the inbox: its student is told, the others are graded.

    Args:
        finding: Why.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclass(frozen=True)
class Place:
    """Where the files of a submission are.

    Attributes:
        root: The submission's own folder, the folder that holds the loose files of all, or a zip.
        members: For the latter two: name for the gate → name in there. None for an own folder.
    """

    root: str
    members: Mapping[str, str] | None = None

    @contextmanager
    def opened(self, work: Path, *, most_bytes: int) -> Iterator[Path]:
        """A folder with the submission's files: its own, or a copy within `work` that is gone afterwards.

        Args:
            work: Where a copy may lie.
            most_bytes: How large it may become, however small it is in its zip.

        Raises:
            UnreadableError: A member that is a link or a device, is damaged or encrypted, or more than is allowed.
        """
        if self.members is None:
            yield Path(self.root)
            return
        folder = Path(tempfile.mkdtemp(dir=work))
        try:
            _copy(self.root, self.members, folder, most_bytes)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Submission:
    """One hand-in of one student.

    Attributes:
        student: Whose it is, as the platform calls them.
        place: Where its files are.
        submitted: When, an aware time; None where the platform does not tell.
        name: The student's name, where the platform tells it.
        email: The student's address, where the platform tells it.
        late: Whether the platform marks it as late.
    """

    student: str
    place: Place
    submitted: datetime | None = None
    name: str = ""
    email: str = ""
    late: bool = False


@dataclass(frozen=True)
class Inbox:
    """All that was handed in.

    Attributes:
        layout: Which form it has.
        submissions: By student, each student's in the order of time.
        ignored: Names of entries that belong to nobody.
    """

    layout: str
    submissions: tuple[Submission, ...]
    ignored: tuple[str, ...] = ()


@dataclass
class _Tree:
    """Names of an inbox, whether it is a folder or a zip: folder → names of files; "" holds the loose files."""

    root: Path
    zipped: bool
    folders: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    def place(self, folder: str) -> Place:
        """Where the files of one folder are; nowhere, if the inbox has no such folder."""
        if self.zipped or folder not in self.folders:
            return Place(str(self.root), self.folders.get(folder, {}))
        return Place(str(self.root / folder))

    def read(self, name: str) -> bytes:
        """The bytes of a loose file.

        Raises:
            DataError: It is too large.
        """
        with _opened(str(self.root), self.folders[""][name]) as file:
            data = file.read(METADATA_BYTES + 1)
        if len(data) > METADATA_BYTES:
            raise DataError(f"{name} of at most {METADATA_BYTES:,} bytes", "more", "Export it again.")
        return data


def read_inbox(path: str | Path) -> Inbox:
    """Finds the submissions of an inbox.

    Args:
        path: A folder, or the zip that Gradescope, Canvas or Moodle gives.

    Raises:
        DataError: Neither, a damaged zip, or a table or metadata that does not fit.
        MissingExtraError: PyYAML, for Gradescope, is not installed.
    """
    tree = _tree(Path(path))
    layout, read = next((layout, read) for layout, recognises, read in LAYOUTS if recognises(tree))
    submissions, ignored = read(tree)
    return Inbox(layout, tuple(sorted(submissions, key=_by_student_and_time)), tuple(sorted(ignored)))


def _gradescope(tree: _Tree) -> tuple[list[Submission], list[str]]:
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError as error:
        raise missing_extra("PyYAML", "grading", "Gradescope's metadata") from error
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        metadata: Any = yaml.load(tree.read(METADATA_FILE), Loader=loader)  # noqa: S506  (a safe one)
        submissions = [
            Submission(
                student=str(submitter.get(":sid") or submitter.get(":email")),
                place=tree.place(folder),
                submitted=_aware(record.get(":created_at")),
                name=str(submitter.get(":name") or ""),
                email=str(submitter.get(":email") or ""),
            )
            for folder, record in metadata.items()
            for submitter in record[":submitters"]
        ]
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"Gradescope's {METADATA_FILE}: submission → :submitters, :created_at",
            f"{type(error).__name__}: {error}",
            "Export the submissions again.",
        ) from error
    return submissions, [*(set(tree.folders) - set(metadata) - {""}), *(set(tree.folders[""]) - {METADATA_FILE})]


def _canvas(tree: _Tree) -> tuple[list[Submission], list[str]]:
    members: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    names: dict[str, str] = {}
    late: set[str] = set()
    ignored = [folder for folder in tree.folders if folder]
    for name, member in sorted(tree.folders[""].items()):
        found = CANVAS_NAME.fullmatch(name)
        if found is None:
            ignored.append(name)
            continue
        copy = CANVAS_COPY.search(found["file"])
        file = CANVAS_COPY.sub("", found["file"])
        version = int(copy[0][1:]) if copy else 0
        if version >= members[found["student"]].get(file, (0, ""))[0]:  # of one name the last that was handed in
            members[found["student"]][file] = (version, member)
        names[found["student"]] = found["name"]
        if found["late"]:
            late.add(found["student"])
    return [
        Submission(
            student,
            Place(str(tree.root), {file: member for file, (_, member) in files.items()}),
            name=names[student],
            late=student in late,
        )
        for student, files in members.items()
    ], ignored


def _moodle(tree: _Tree) -> tuple[list[Submission], list[str]]:
    matches = {folder: MOODLE_FOLDER.fullmatch(folder) for folder in tree.folders if folder}
    submissions = [
        Submission(found["student"], tree.place(folder), name=found["name"])
        for folder, found in matches.items()
        if found is not None
    ]
    return submissions, [*(folder for folder, found in matches.items() if found is None), *tree.folders[""]]


def _folders(tree: _Tree) -> tuple[list[Submission], list[str]]:
    loose = set(tree.folders[""])
    if TIMES_FILE not in loose:
        return [Submission(_legible(folder), tree.place(folder)) for folder in tree.folders if folder], sorted(loose)
    rows = list(csv.DictReader(tree.read(TIMES_FILE).decode("utf-8-sig").splitlines()))
    submissions = []
    for number, row in enumerate(rows, start=2):
        folder, student = (row.get("folder") or "").strip(), (row.get("student") or "").strip()
        if folder not in tree.folders:
            raise DataError(
                f"a folder of the inbox in line {number} of {TIMES_FILE}",
                repr(folder),
                "Its columns are folder, student and submitted; one row a submission.",
            )
        submissions.append(Submission(student or _legible(folder), tree.place(folder), _aware(row.get("submitted"))))
    listed = {row["folder"].strip() for row in rows}
    return submissions, sorted(({*tree.folders} | loose) - listed - {"", TIMES_FILE})


def _legible(name: str) -> str:
    """A name of the file system as text that any file can hold: bytes that are no UTF-8 are spelled out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _is_canvas(tree: _Tree) -> bool:
    """Most of the loose files are named as Canvas names them."""
    named = sum(CANVAS_NAME.fullmatch(name) is not None for name in tree.folders[""])
    return named > len(tree.folders[""]) / 2


def _is_moodle(tree: _Tree) -> bool:
    return any(MOODLE_FOLDER.fullmatch(folder) for folder in tree.folders)


Recognises = Callable[[_Tree], bool]
Reads = Callable[[_Tree], tuple[list[Submission], list[str]]]
LAYOUTS: tuple[tuple[str, Recognises, Reads], ...] = (
    ("gradescope", lambda tree: METADATA_FILE in tree.folders[""], _gradescope),
    ("canvas", _is_canvas, _canvas),
    ("moodle", _is_moodle, _moodle),
    ("folders", lambda tree: True, _folders),
)
"""Name, how it is recognised, how it is read; the first that fits, and the last fits everything."""


def _tree(path: Path) -> _Tree:
    """The names of an inbox.

    Raises:
        DataError: No folder and no zip, or too large a one.
    """
    if path.is_dir():
        return _folder_tree(path)
    try:
        names = [info.filename for info in _archive(str(path), *_version(path)).infolist() if not info.is_dir()]
    except (OSError, *_DAMAGED) as error:
        raise DataError(
            f"an inbox at {path}: a folder, or the zip of a bulk download", str(error), "Download it again."
        ) from error
    if len(names) > ZIP_ENTRIES:
        raise DataError(f"at most {ZIP_ENTRIES:,} files in {path}", f"{len(names):,}", "Download the class in parts.")
    return _zip_tree(path, names)


def _folder_tree(path: Path) -> _Tree:
    entries = {entry.name: entry for entry in os.scandir(path) if not _is_junk(entry.name)}
    folders = [name for name, entry in entries.items() if entry.is_dir(follow_symlinks=False)]
    if len(entries) == len(folders) == 1 and (path / folders[0] / METADATA_FILE).is_file():
        return _folder_tree(path / folders[0])  # Gradescope's zip, unpacked, holds one folder
    tree = _Tree(path, zipped=False)
    for name in entries:
        if name in folders:
            tree.folders[name] = {}
        else:
            tree.folders[""][name] = name
    return tree


def _zip_tree(path: Path, names: Sequence[str]) -> _Tree:
    parts = {name: PurePosixPath(name).parts for name in names}
    parts = {name: part for name, part in parts.items() if part and not _is_junk(part[0])}
    deep = any(len(part) > 2 or part[-1] == METADATA_FILE for part in parts.values())
    if deep and len({part[0] for part in parts.values()}) == 1:  # all within one folder: Gradescope's, or by hand
        parts = {name: part[1:] for name, part in parts.items() if len(part) > 1}
    tree = _Tree(path, zipped=True)
    for name, (first, *below) in parts.items():
        if below:
            tree.folders[first]["/".join(below)] = name
        else:
            tree.folders[""][first] = name
    return tree


def _is_junk(name: str) -> bool:
    """Whether an entry of an inbox is no student's: hidden, `..`, `/`, or what Windows and macOS leave behind."""
    return name in JUNK or name.startswith((".", "/"))


def _copy(root: str, members: Mapping[str, str], folder: Path, most_bytes: int) -> None:
    """Copies members into a folder, none over another, none outside it.

    Raises:
        UnreadableError: See `Place.opened`.
    """
    if len(members) > FILES_OF_ONE:
        raise _unreadable("inbox-files", "", f"at most {FILES_OF_ONE} files", f"{len(members):,}")
    left = most_bytes
    for name, member in members.items():
        if not _is_plain(name):
            raise _unreadable("inbox-name", name, "plain names", shown(name))
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _opened(root, member) as source, target.open("xb") as copy:
                while part := source.read(min(_CHUNK, left + 1)):
                    left -= len(part)
                    if left < 0:
                        raise _unreadable("inbox-size", name, f"at most {most_bytes:,} bytes in all", "more")
                    copy.write(part)
        except _NotAFileError as error:
            raise _unreadable("inbox-not-a-file", name, "a regular file", str(error)) from error
        except (OSError, EOFError, RuntimeError, *_DAMAGED) as error:
            if isinstance(error, OSError) and error.errno in _OUR_OWN:
                raise
            raise _unreadable("inbox-damaged", name, "a file that can be read", shown(str(error))) from error


def _is_plain(name: str) -> bool:
    """Whether a name leads to a file within the folder that it is joined to, and nowhere else."""
    parts = name.split("/")
    return (
        len(parts) <= DEPTH_OF_ONE
        and not any(part in ("", ".", "..") or len(part.encode(errors="replace")) > _LONGEST for part in parts)
        and not set(name) & set("\\\0:")
    )


class _NotAFileError(Exception):
    """A link, a folder, a FIFO, a device."""


@contextmanager
def _opened(root: str, member: str) -> Iterator[IO[bytes]]:
    """A member of a zip, or a file in a folder: regular files only; links are not followed, FIFOs not waited for."""
    if not Path(root).is_dir():
        archive = _archive(root, *_version(Path(root)))
        info = archive.getinfo(member)
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _NotAFileError("a link or a special file")
        with archive.open(info) as file:
            yield file
        return
    path = Path(root, member)
    if not stat.S_ISREG(path.lstat().st_mode):
        raise _NotAFileError("a link, a folder or a special file")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as plain:
        if not stat.S_ISREG(os.fstat(plain.fileno()).st_mode):
            raise _NotAFileError("a special file")
        yield plain


@lru_cache(maxsize=1)
def _archive(root: str, changed: int, size: int) -> zipfile.ZipFile:
    """A zip, kept open: to read the list of its members for each of 100,000 students would take days."""
    return zipfile.ZipFile(root)


def _version(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _unreadable(check: str, file: str, expected: str, received: str) -> UnreadableError:
    return UnreadableError(Finding(check, shown(file) if file else "", expected, received, _HAND_IN_AGAIN))


def _aware(value: object) -> datetime | None:
    """A time from metadata: ISO 8601 text or YAML's own; UTC where it names no zone.

    Raises:
        DataError: No time.
    """
    if value is None or value == "":
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError as error:
        raise DataError("a time like 2026-12-18T23:59:00+01:00", repr(value), "Correct it in the inbox.") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _by_student_and_time(submission: Submission) -> tuple[str, datetime, str]:
    first = datetime.min.replace(tzinfo=UTC)
    return submission.student, submission.submitted or first, submission.place.root


_HAND_IN_AGAIN = "Hand in the files themselves, each as a plain file."
_DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, ValueError)
_OUR_OWN = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EMFILE)  # the grader's trouble, no student's
_LONGEST = 200
