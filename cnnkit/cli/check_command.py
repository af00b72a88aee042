"""`cnnkit check`: what the grader's gate will say, before handing in."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cnnkit.submissions.assignment import Assignment
    from cnnkit.submissions.gate import GateReport

REFUSED = 1


def check(
    submission: Annotated[Path, typer.Argument(help="The folder that will be handed in.")],
    assignment: Annotated[Path, typer.Option(help="The assignment's folder, with assignment.toml.")],
    isolation: Annotated[
        str, typer.Option(help="Where files are parsed: bubblewrap, namespaces, limits, or auto for the strongest.")
    ] = "auto",
    require_isolation: Annotated[
        str | None, typer.Option(help="The weakest isolation that is good enough; else nothing is checked.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check a submission with the same gate as the grader: names, model, weights, predictions and code.

    Nothing of it is run, and no TensorFlow is loaded. Every finding says what was expected, what was received, and
    what to do. Exits with 0 if the submission passes, and with 1 if it does not.

    Example: cnnkit check handin/ --assignment assignments/person
    """
    from cnnkit.submissions.sandbox import Sandbox

    with Sandbox.open(isolation=isolation, require=require_isolation) as sandbox:
        from cnnkit.errors import InputError
        from cnnkit.submissions.assignment import Assignment
        from cnnkit.submissions.gate import check as check_submission

        if not submission.is_dir():
            raise InputError("a folder with a submission", str(submission), "Give the folder with the files in it.")
        spec = Assignment.load(assignment)
        report = check_submission(submission, spec, sandbox=sandbox)
    print(json.dumps(_record(report, spec)) if as_json else "\n".join(_lines(report, spec)))
    raise typer.Exit(0 if report.passed else REFUSED)


def _record(report: GateReport, spec: Assignment) -> dict[str, Any]:
    return {
        "submission": report.folder,
        "assignment": spec.name,
        "outcome": report.outcome,
        "findings": [asdict(finding) for finding in report.findings],
        "hashes": report.hashes,
        "weights_digest": report.weights_digest,
        "positive": _positive(report, spec),
        "isolation": report.isolation,
    }


def _lines(report: GateReport, spec: Assignment) -> list[str]:
    lines = []
    for finding in report.findings:
        lines += [
            f"{finding.file or 'the folder'}: {finding.check}" + ("" if finding.blocking else " (advice)"),
            f"  expected  {finding.expected}",
            f"  received  {finding.received}",
            f"  {finding.remedy}",
        ]
    positive = _positive(report, spec)
    if positive is not None:
        share = f"{positive:,} of {spec.rows:,} rows are {spec.column} (p >= {spec.threshold:g})"
        lines.append(f"Predictions: {share}.")
    lines.append(f"{spec.title} {report.outcome.capitalize()}; checked in {report.isolation}.")
    return lines


def _positive(report: GateReport, spec: Assignment) -> int | None:
    return None if report.predictions is None else int((report.predictions >= spec.threshold).sum())
