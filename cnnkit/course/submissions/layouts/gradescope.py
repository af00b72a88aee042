"""Gradescope's export: a folder for each submission, and `submission_metadata.yml` that tells whose and when."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import yaml

from cnnkit.course.submissions.identity import ANY, Identity, normalized
from cnnkit.course.submissions.layouts.reading import Reading
from cnnkit.course.submissions.submission import Submission
from cnnkit.course.submissions.tree import METADATA_FILE, Tree
from cnnkit.errors import DataError


def agreement(tree: Tree) -> float:
    """All or nothing: only staff can put a file beside the folders of the students."""
    return float(METADATA_FILE in tree.loose)


def read(tree: Tree, reading: Reading) -> tuple[list[Submission], list[str]]:
    """The submissions, one for each of a group, and the entries that are nobody's.

    Raises:
        DataError: Metadata that is none.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        metadata: Any = yaml.load(tree.read(METADATA_FILE), Loader=loader)  # noqa: S506  (a safe one)
        submissions = [
            _submission(tree, reading, folder, record, submitter)
            for folder, record in metadata.items()
            for submitter in record[":submitters"]
        ]
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"Gradescope's {METADATA_FILE}: submission → :submitters, :created_at",
            f"{type(error).__name__}: {error}",
            "Export the submissions again.",
        ) from error
    return submissions, [*(set(tree.named) - set(metadata)), *(set(tree.loose) - {METADATA_FILE})]


def _submission(tree: Tree, reading: Reading, folder: str, record: Any, submitter: Any) -> Submission:
    """One submitter's. Who has neither number nor address is known by the submission: two such are not one person."""
    number, email, name = (normalized(str(submitter.get(key) or "")) for key in (":sid", ":email", ":name"))
    unknown = Identity.of(ANY, f"{name or 'somebody'} of {folder}")
    identity = Identity.of("number", number) if number else Identity.of("email", email) if email else unknown
    return Submission(
        student=identity.value,
        place=tree.place(folder),
        submitted=reading.time(record.get(":created_at"), zone=UTC),  # YAML gives UTC without saying so
        name=name,
        email=email,
        identity=identity,
    )
