"""`cnnkit check`: what the grader's gate will say, before handing in."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnkit.cli.options import Json

if TYPE_CHECKING:
    from cnnkit.course.submissions.assignment import Assignment
    from cnnkit.course.submissions.gate import GateReport

REFUSED = 1


def check(
    submission: Annotated[Path, typer.Argument(help="The folder that will be handed in.")],
    assignment: Annotated[Path, typer.Option(help="The assignment's folder, with assignment.toml.")],
    reproduce: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Also run the model on so many of PICTURES, in namespaces at least, and compare; needs TensorFlow.",
        ),
    ] = None,
    pictures: Annotated[Path | None, typer.Option(help="The score segment, one picture a row, by name.")] = None,
    isolation: Annotated[
        str, typer.Option(help="Where files are parsed: bubblewrap, namespaces, limits, or auto for the strongest.")
    ] = "auto",
    require_isolation: Annotated[
        str | None, typer.Option(help="The weakest isolation that is good enough; else nothing is checked.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a submission with the same gate as the grader: names, model, weights, predictions and code.

    Nothing of it is run, and no TensorFlow is loaded, but with --reproduce. Every finding says what was expected, what
    was received, and what to do. Exits with 0 if the submission passes (and the model gives what was handed in), else
    with 1.

    Example: cnnkit check handin/ --assignment assignments/person
    """
    from cnnkit.course.submissions.sandbox import Sandbox

    # The sandbox starts while the modules below are loaded: on two cores that saves a third of the time.
    with Sandbox.open(isolation=isolation, require=require_isolation) as sandbox:
        from cnnkit.course.submissions.assignment import Assignment
        from cnnkit.course.submissions.gate import check as check_submission
        from cnnkit.errors import InputError

        if not submission.is_dir():
            raise InputError("a folder with a submission", str(submission), "Give the folder with the files in it.")
        if (reproduce is None) != (pictures is None):
            raise InputError(
                "--reproduce and --pictures together", "one of them", "The score segment is what to run on."
            )
        spec = Assignment.load(assignment)
        report = check_submission(submission, spec, sandbox=sandbox)
    record, lines, fine = _record(report, spec), _lines(report, spec), report.passed
    if fine and reproduce and pictures and report.predictions is not None:
        from cnnkit.course.grading.reproduce import reproduce as run_model
        from cnnkit.data.image_folder import pictures as picture_source

        run = run_model(
            submission,
            spec,
            picture_source(pictures)[0],
            report.predictions,
            count=reproduce,
            isolation=isolation,
            require=require_isolation,
        )
        record["reproduction"] = asdict(run)
        agreement = f"{run.agreeing} of {run.pictures} pictures agree ({run.way})"
        lines.append(f"Flag: {run.flag}." if run.flag else f"The model gives what is handed in: {agreement}.")
        fine = not run.flag
    print(json.dumps(record) if as_json else "\n".join(lines))
    raise typer.Exit(0 if fine else REFUSED)


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
