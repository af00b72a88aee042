"""The page in a real browser: drop, choose, camera, boxes and masks, why, errors, keyboard, a narrow screen."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnkit as ck
from tests.serving.worlds import encoded, listening, networks, pixels, png
from tests.system import PROGRAMS, need

KEY = "0123456789abcdef"
# A drop as a person makes it: a file in the data of the event.
DROP = """([name, data]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name));
    document.getElementById("drop").dispatchEvent(
        new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""
SIZE = """() => {
    const canvas = document.querySelector("article canvas");
    return [canvas.width, canvas.height];
}"""

PIXELS = """() => {
    const canvas = document.querySelector("article canvas");
    return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    need("Chromium")
    api = pytest.importorskip("playwright.sync_api")
    arguments = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAMS["Chromium"].path(), args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with listening(ck.serving.app(networks())) as address:
        yield f"http://{address}"


@pytest.fixture
def visit(browser, address) -> Iterator[Callable[..., Any]]:
    """Opens the page; in the end nothing was asked of another machine, and nothing failed in the console."""
    contexts, asked, failed = [], [], []

    def opened(width: int = 1280, height: int = 800, at: str = address) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.on("console", lambda line: failed.append(line.text) if "Content Security" in line.text else None)
        page.goto(at)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert failed == []
    assert {url.split("/")[2] for url in asked if url.startswith("http")} <= {address.split("/")[2], *OTHERS}
    assert not [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]


OTHERS: set[str] = set()


def drop(page: Any, name: str, data: bytes) -> None:
    page.evaluate(DROP, [name, base64.b64encode(data).decode()])


def test_a_dropped_picture_gets_bars_and_a_reason(visit) -> None:
    page = visit()
    page.wait_for_selector("#models:not([hidden])")
    drop(page, "frame.png", png())
    page.wait_for_selector("article")
    expected = ck.predict(networks()["labels"], pixels())
    assert page.inner_text("article h2") == expected["label"][0]
    shown = dict(zip(page.locator(".bars li > span:nth-child(1)").all_inner_texts(),
                     page.locator(".bars li > span:nth-child(2)").all_inner_texts(), strict=True))  # fmt: skip
    assert shown == {name: f"{100 * expected[name][0]:.1f} %" for name in ("ant", "bee", "cat")}
    assert page.get_attribute("article canvas", "aria-label") == f"frame.png: {expected['label'][0]}"
    assert page.evaluate(SIZE) == [100, 48]
    why = page.locator(".explain")
    why.click()
    page.wait_for_selector('.explain[aria-pressed="true"]')
    assert page.evaluate(SIZE) == [64, 64]
    why.click()
    page.wait_for_selector('.explain[aria-pressed="false"]')
    assert page.evaluate(SIZE) == [100, 48]


@pytest.mark.parametrize("kind", ["tags", "boxes", "masks"])
def test_other_kinds_are_listed(visit, kind: str) -> None:
    page = visit()
    page.select_option("#model", kind)
    drop(page, "frame.png", png())
    page.wait_for_selector("article")
    assert page.is_visible(".explain") == (kind == "tags")
    listed = [text.strip() for text in page.locator(".bars li > span:nth-child(1)").all_inner_texts()]
    table = ck.predict(networks()[kind], pixels())
    if kind == "boxes":
        assert listed == table.loc[table["score"] >= 0.3, "label"].tolist()
    else:
        assert sorted(listed) == sorted(networks()[kind].classes)


def test_boxes_and_masks_are_drawn_where_they_are(visit) -> None:
    """Of answers made up here: a box with its name, and a mask whose right half is of the second class."""
    grey, page = np.full((60, 120, 3), 128, np.uint8), visit()
    half = np.repeat([[0] * 60 + [1] * 60], 60, axis=0).astype(np.uint8)
    tables = {
        "boxes": [{"label": "bag", "score": 0.9, "x": 40, "y": 30, "width": 60, "height": 20}],
        "masks": [{"height": 60, "width": 120, "mask": base64.b64encode(encoded(half, "PNG")).decode()}],
    }
    shown = {}
    for kind, table in tables.items():
        answer = {"kind": kind, "pictures": [{"id": "a", "height": 60, "width": 120}], "table": table}
        page.route(f"**/predict/{kind}", lambda route, _request, answer=answer: route.fulfill(json=answer))
        page.select_option("#model", kind)
        drop(page, f"{kind}.png", encoded(grey, "PNG"))
        page.wait_for_selector(f'canvas[aria-label^="{kind}"]')
        shown[kind] = np.array(page.evaluate(PIXELS), np.uint8).reshape(60, 120, 4)[..., :3]
    (blue, amber), boxes = ([86, 180, 233], [230, 159, 0]), shown["boxes"]
    assert (boxes[30, 45:95] == amber).all()
    assert (boxes[40, 60] == 128).all()
    assert (boxes[10:30].max(axis=2) < 60).any()  # the letters of its name
    for half, tint in ((shown["masks"][:, :58], blue), (shown["masks"][:, 62:], amber)):
        mixed = 128 + (np.array(tint) - 128) * 150 / 255
        np.testing.assert_allclose(half.reshape(-1, 3).mean(axis=0), mixed, atol=2)


def test_a_file_that_is_no_picture_is_told(visit) -> None:
    page = visit()
    page.wait_for_selector("#models:not([hidden])")
    drop(page, "notes.txt", b"hello")
    page.wait_for_selector("#alert:not([hidden])")
    assert "notes.txt: Expected a whole picture" in page.inner_text("#alert")
    drop(page, "frame.png", png())
    page.wait_for_selector("article")
    assert page.is_hidden("#alert")


def test_with_the_keyboard_and_on_a_telephone(visit, tmp_path: Path) -> None:
    page = visit(390, 800)
    asked: list[Any] = []

    def keep(chooser: Any) -> None:
        asked.append(chooser)

    page.on("filechooser", keep)  # early: a busy browser opens its own dialog before it hears of a later one
    page.wait_for_selector("#models:not([hidden])")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "model"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "choose"
    path = tmp_path / ("a long name of a picture " * 6 + ".png")
    path.write_bytes(png(shape=(300, 900)))
    page.keyboard.press("Enter")
    while not asked:
        page.wait_for_timeout(20)
    asked[0].set_files(path)
    page.wait_for_selector("article")
    page.locator(".explain").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector('.explain[aria-pressed="true"]')
    assert page.evaluate("document.activeElement.className") == "explain"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_picture_of_the_camera(visit) -> None:
    page = visit()
    page.wait_for_selector("#models:not([hidden])")
    page.click("#camera")
    while not page.evaluate("document.getElementById('video').videoWidth"):
        page.wait_for_timeout(20)
    page.click("#snap")
    page.wait_for_selector("article")
    assert page.inner_text("figcaption") == "camera.jpg"
    assert page.evaluate("document.getElementById('video').srcObject") is None


def test_the_token_is_asked_for(visit) -> None:
    with listening(ck.serving.app({"labels": networks()["labels"]}, token=KEY)) as other:
        OTHERS.add(other)
        page = visit(at=f"http://{other}")
        page.wait_for_selector("#key:not([hidden])")
        page.fill("#token", KEY)
        page.keyboard.press("Enter")
        page.wait_for_selector("#key", state="hidden")
        drop(page, "frame.png", png())
        page.wait_for_selector("article")
        page.context.close()
