"""The same small networks and pictures as those of `transfer`."""

from __future__ import annotations

from tests.transfer.conftest import colours, make

__all__ = ["colours", "make"]
