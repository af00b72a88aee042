"""The students' template, run as a student would run it, hands in a submission that is accepted and passes."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cnnkit.course.grading.labels import read_labels
from cnnkit.course.grading.prepare import prepare
from cnnkit.course.submissions import Assignment, check
from cnnkit.data.scene_pictures import scenes

PERSON = Path(__file__).resolve().parents[2] / "assignments" / "person"


@pytest.mark.timeout(600)
def test_the_template_hands_in_what_passes(tmp_path: Path) -> None:
    spec = Assignment.load(PERSON).model_copy(update={"rows": 150})
    labels = tmp_path / "secret" / "labels.parquet"
    student = tmp_path / "student"
    prepared, _ = prepare(
        scenes(450, seed=3, size=128).whole(), spec, out=student / "segments", labels=labels, salt="1"
    )
    prepared.save(student)
    shutil.copy(PERSON / "AssignmentTemplate.ipynb", student)

    notebook = nbformat.read(student / "AssignmentTemplate.ipynb", as_version=4)
    client = NotebookClient(
        notebook, timeout=400, kernel_name="python3", resources={"metadata": {"path": str(student)}}
    )
    client.execute()

    report = check(student / "submission", prepared)
    assert report.findings == ()
    assert report.predictions is not None
    truth = read_labels(labels, prepared).truth
    assert prepared.passes(int(((report.predictions >= prepared.threshold) == truth).sum()))
