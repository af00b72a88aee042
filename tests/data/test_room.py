"""The room's public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cnnkit import data


@pytest.mark.parametrize("name", data.__all__)
def test_every_public_name_exists(name: str) -> None:
    assert getattr(data, name) is not None


def test_tensorflow_stays_out() -> None:
    code = (
        "import sys; from cnnkit import data; [getattr(data, name) for name in data.__all__]; "
        "print(sorted({'keras', 'tensorflow', 'tensorflow_datasets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
