"""A board of the small class of the grading tests, with one sandbox and without a server or a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from cnnkit.course.hand_in_server.app import application
from cnnkit.course.hand_in_server.board import Board, open_board
from cnnkit.course.hand_in_server.checks import Checks
from cnnkit.course.hand_in_server.grader import Grader
from cnnkit.course.hand_in_server.grader_settings import GraderSettings, Secrets
from cnnkit.course.hand_in_server.tokens import add_tokens
from tests.course.grading.inboxes import SPEC, make_class

CORRECT = {"ada": 185, "bo": 172, "cy": 120}
BAD = ("x", "y")
FORM = re.compile(r'name="form" value="([0-9a-f]{64})"')


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`inbox`, `labels.parquet` and `assignment` of five students, two of whom hand in something else."""
    return make_class(tmp_path_factory.mktemp("course"), CORRECT, bad=BAD)


@pytest.fixture(scope="session")
def checks() -> Iterator[Checks]:
    with closing(Checks(SPEC, workers=1)) as checks:
        yield checks


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return open_board(tmp_path / "board", SPEC)


@dataclass
class Site:
    """A board's pages, and a browser for each person."""

    board: Board
    client: Callable[[], TestClient]
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, name: str, *, staff: bool = False) -> str:
        if name not in self.tokens:
            self.tokens |= add_tokens(self.board.engine, [name], staff=staff)
        return self.tokens[name]

    def program(self, name: str, *, staff: bool = False) -> TestClient:
        """A client with the token, which asks for JSON."""
        client = self.client()
        client.headers |= {"Authorization": f"Bearer {self.token(name, staff=staff)}", "Accept": "application/json"}
        return client

    def browser(self, name: str, *, staff: bool = False) -> TestClient:
        """A client that signed in with the form."""
        client = self.client()
        client.post("/sign-in", data={"token": self.token(name, staff=staff)})
        return client

    def left_behind(self) -> list[Path]:
        """Everything that uploads left on the disk, but for what was accepted."""
        return [*self.board.store.incoming.iterdir(), *self.board.store.files.glob("??/*")]


@pytest.fixture
def site(board: Board, checks: Checks) -> Site:
    app = application(board, checks)
    return Site(board, lambda: TestClient(app, raise_server_exceptions=False))


def form_of(browser: TestClient, path: str = "/") -> str:
    """What the forms of a page carry."""
    found = FORM.search(browser.get(path).text)
    assert found is not None
    return found[1]


def make_grader(board: Board, course: Path) -> Grader:
    """A grader in this process."""
    return Grader(board, grader_settings(board, course))


def grader_settings(board: Board, course: Path) -> GraderSettings:
    """What a grader of a board is started with."""
    secrets = Secrets(
        labels=str(course / "labels.parquet"),
        ledger=str(board.store.root / "ledger.sqlite"),
        key=str(board.store.root.parent / "ledger.key"),
    )
    return GraderSettings(str(board.store.root), str(course / "assignment"), None, secrets, workers=1)
