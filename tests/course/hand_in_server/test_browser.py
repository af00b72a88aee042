"""The pages in a real browser: by keyboard, with files, on a narrow screen; nothing is asked of another machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from cnnkit.course.hand_in_server import hand_ins
from cnnkit.course.hand_in_server.hand_ins import Result
from tests.course.grading.inboxes import SPEC
from tests.course.hand_in_server.conftest import Site
from tests.course.submissions.valid import write_valid
from tests.system import PROGRAMS, need

FIELDS = {"model": "model.json", "weights": "model.weights.h5", "predictions": "predictions.parquet"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    need("Chromium")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=PROGRAMS["Chromium"].path(), args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    """Where the site listens."""
    server = uvicorn.Server(uvicorn.Config(site.client().app, port=0, log_level="warning"))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    (listener,) = server.servers[0].sockets
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_from_token_to_leaderboard(browser: Any, url: str, site: Site, course: Path, tmp_path: Path) -> None:
    asked: list[str] = []
    failed: list[str] = []
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.set_default_timeout(120_000)  # of a busy machine
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("console", lambda line: failed.append(line.text) if line.type == "error" else None)

    def hand_in(folder: Path) -> None:
        for field, name in {**FIELDS, "code": "train.ipynb"}.items():
            page.set_input_files(f"#{field}", folder / name)
        page.focus("main form button")
        page.keyboard.press("Enter")
        page.wait_for_url("**/attempts/*")

    def fits() -> bool:
        return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))

    page.goto(url)
    page.wait_for_function("document.activeElement.id === 'token'")  # it gets the focus once it is drawn
    page.keyboard.type(site.token("bo"))
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Hand in")
    assert fits()
    damaged = write_valid(tmp_path / "damaged", assignment=SPEC)
    (damaged / "model.json").write_text("{")
    hand_in(damaged)
    assert page.inner_text(".state") == "refused"
    assert page.locator(".finding").count() >= 1
    assert fits()
    page.goto(url)
    hand_in(course / "inbox" / "bo")
    assert page.inner_text(".state") == "waiting"
    (attempt,) = hand_ins.accepted(site.board.engine)["bo"]
    result = Result("passed", "key", "anon-bo", 172, 200, 52, 60)
    hand_ins.set_result(site.board.engine, attempt.id, result, "circumstances")
    page.wait_for_selector("text=graded")  # the page loads itself again
    assert page.inner_text(".figure b") == "90 %"  # 52 of 60, rounded to tenths
    page.click("text=Leaderboard")
    assert page.locator("tr.own").inner_text().split()[:3] == ["1", "anon-bo", "you"]
    assert fits()
    page.set_viewport_size({"width": 1280, "height": 800})
    assert fits()
    context.close()
    assert failed == []
    assert {address.split("/")[2] for address in asked} == {url.split("/")[2]}
