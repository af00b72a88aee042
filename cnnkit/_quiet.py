"""Imports without TensorFlow's remarks about oneDNN and CUDA, which no log level switches off (TensorFlow 2.21)."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

REMARK = re.compile(
    rb"WARNING: All log messages before absl"
    rb"|To enable the following instructions"
    # Keras 3.15 imports Matplotlib, which says so where its first list of fonts takes more than five seconds.
    rb"|Matplotlib is building the font cache"
    rb"|[IW]\d{4} .*\b(port|cudart_stub|cpu_feature_guard)\.cc:"
)
STANDARD_ERROR = 2


def quietly(load: Callable[[], T]) -> T:
    """What `load` gives, which may import TensorFlow: what that says about itself is dropped, no other text is.

    The remarks come from C++ before its log levels are read, so the file descriptor itself is turned aside. What comes
    later as mere information (at the first prediction, say) goes by the log level, unless a user has set it.
    """
    if "tensorflow" in sys.modules:
        return load()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    sys.stderr.flush()
    kept = os.dup(STANDARD_ERROR)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), STANDARD_ERROR)
        try:
            return load()
        finally:
            sys.stderr.flush()
            os.dup2(kept, STANDARD_ERROR)
            os.close(kept)
            aside.seek(0)
            for line in aside:
                if not REMARK.match(line):
                    os.write(STANDARD_ERROR, line)
