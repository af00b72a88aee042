"""The pages over HTTP: who sees what, what other sites cannot do, and what uploads leave."""

from __future__ import annotations

import re
import resource
import shutil
import sqlite3
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sql
from fastapi.testclient import TestClient

from cnnkit.course.hand_in_server import settings
from cnnkit.course.hand_in_server.app import application
from cnnkit.course.hand_in_server.board import DATABASE_FILE, open_board
from cnnkit.course.hand_in_server.checks import Checks
from cnnkit.course.hand_in_server.hand_ins import HandIn, kept_files, of_student, record
from cnnkit.course.hand_in_server.server import Address, configured
from cnnkit.errors import InputError
from tests.course.grading.inboxes import SPEC
from tests.course.hand_in_server.conftest import Site, form_of
from tests.course.hand_in_server.files import files_of
from tests.course.submissions.valid import write_valid

OTHER = {"Origin": "https://evil.example"}


def test_accepted_files_are_on_the_disk_by_their_hash_and_read_only(site: Site, course: Path) -> None:
    ada = site.program("ada")
    answer = ada.post("/attempts", files=files_of(course / "inbox" / "ada"))
    assert answer.status_code == 201
    told = answer.json()
    assert (told["accepted"], told["state"], told["findings"]) == (True, "waiting", [])
    for file in (course / "inbox" / "ada").iterdir():
        stored = site.board.store.path(told["files"][file.name]["sha256"])
        assert stored.read_bytes() == file.read_bytes()
        assert stored.stat().st_mode & 0o777 == 0o400
    assert list(site.board.store.incoming.iterdir()) == []
    again = ada.post("/attempts", files=files_of(course / "inbox" / "ada"))
    assert (again.status_code, again.json()["id"]) == (200, told["id"])  # sent twice, it is one attempt
    assert len(of_student(site.board.engine, "ada")) == 1


def test_what_the_check_refuses_is_told_and_leaves_no_file(site: Site, course: Path) -> None:
    answer = site.program("x").post("/attempts", files=files_of(course / "inbox" / "x"))
    assert answer.status_code == 422
    assert [each["check"] for each in answer.json()["findings"]] == ["h5-unreadable"]
    assert site.left_behind() == []
    (kept,) = of_student(site.board.engine, "x")
    assert not kept.accepted
    page = site.browser("x").get(f"/attempts/{kept.id}").text
    assert "uses up no attempt" in page
    assert kept.findings[0].remedy in unescape(page)


def test_names_and_findings_are_escaped(site: Site, course: Path) -> None:
    strange = [("f", ("<script>alert(1)</script>", b"x")), *files_of(course / "inbox" / "bo")]
    answer = site.program("bo").post("/attempts", files=strange)
    assert answer.status_code == 422
    page = site.browser("bo").get(f"/attempts/{answer.json()['id']}").text
    assert "<script" not in page
    assert "&lt;script&gt;alert" in page


def test_the_form_of_the_page_hands_in(site: Site, course: Path) -> None:
    browser = site.browser("bo")
    form = form_of(browser)
    answer = browser.post("/attempts", data={"form": form}, files=files_of(course / "inbox" / "bo"))
    assert (answer.status_code, answer.history[0].status_code) == (200, 303)
    assert "Your files are stored" in answer.text
    assert "4 of 5" in browser.get("/").text


@pytest.mark.parametrize("headers", [{}, OTHER, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}])
def test_another_site_cannot_hand_in_or_do_what_staff_does(site: Site, course: Path, headers: dict[str, str]) -> None:
    files = files_of(course / "inbox" / "bo")
    for name, staff in (("bo", False), ("prof", True)):
        browser = site.browser(name, staff=staff)
        form = form_of(browser) if headers else ""  # without it, and with it from elsewhere
        for path in ("/sign-out", "/staff/open", "/staff/deadline", "/staff/exports", "/staff/regrade"):
            answer = browser.post(path, data={"form": form, "open": "no"}, headers=headers)
            assert answer.status_code in ((403,) if staff or path == "/sign-out" else (403, 404)), path
        assert browser.post("/attempts", data={"form": form}, files=files, headers=headers).status_code == 403
        assert browser.get("/").url.path == "/"  # still signed in
    assert settings.is_open(site.board.engine)
    assert of_student(site.board.engine, "bo") == []
    assert site.left_behind() == []


def test_another_site_cannot_sign_anybody_in(site: Site) -> None:
    answer = site.client().post("/sign-in", data={"token": site.token("bo")}, headers=OTHER)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_nobody_sees_anything_without_a_token(site: Site) -> None:
    client = site.client()
    for path in ("/", "/leaderboard", "/staff", "/attempts/0123456789abcdef", "/staff/exports/0123456789abcdef.zip"):
        assert client.get(path).url.path == "/sign-in", path
        assert client.get(path, headers={"Accept": "application/json"}).status_code == 401
    assert client.post("/attempts", content=b"x" * 100).status_code == 401
    assert client.post("/sign-in", data={"token": "guess"}).status_code == 403
    assert client.get("/openapi.json", headers={"Accept": "application/json"}).status_code == 404


def test_others_attempts_and_files_do_not_exist(site: Site, course: Path) -> None:
    told = site.program("ada").post("/attempts", files=files_of(course / "inbox" / "ada")).json()
    path = f"/attempts/{told['id']}"
    own = site.program("ada").get(f"{path}/files/model.json")
    assert own.content == (course / "inbox" / "ada" / "model.json").read_bytes()
    assert own.headers["content-disposition"].startswith("attachment")
    assert own.headers["content-type"] == "application/octet-stream"
    for name in ("model.json", "../../../etc/passwd", "..%2f..%2fboard.sqlite", "%2fetc%2fpasswd", told["id"]):
        assert site.program("bo").get(f"{path}/files/{name}").status_code == 404
        if name != "model.json":
            assert site.program("ada").get(f"{path}/files/{name}").status_code == 404
    assert site.program("bo").get(path).status_code == 404
    assert site.program("prof", staff=True).get(f"{path}/files/model.json").content == own.content
    for staff_only in ("/staff", "/staff/students/ada", "/staff/exports/0123456789abcdef.zip"):
        assert site.program("bo").get(staff_only).status_code == 404


def test_a_form_of_too_many_fields_is_400(site: Site) -> None:
    assert site.client().post("/sign-in", data={str(number): "x" for number in range(51)}).status_code == 400


def test_cookies_and_headers(site: Site) -> None:
    client = site.client()
    answer = client.post("/sign-in", data={"token": site.token("ada")}, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("board=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    client.base_url = client.base_url.copy_with(scheme="https")
    secure = client.post("/sign-in", data={"token": site.token("ada")}, follow_redirects=False)
    assert secure.headers["set-cookie"].startswith("__Host-board=")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Secure"} <= set(secure.headers["set-cookie"].split("; "))
    assert "strict-transport-security" in secure.headers
    for path in ("/sign-in", "/", "/leaderboard", "/nothing", "/style.css"):
        page = client.get(path)
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'"), path
        assert "unsafe" not in policy
        assert "script-src" not in policy  # so that 'none' holds
        assert page.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|(src|href)=\"?(https?:)?//", page.text), path


def test_a_proxy_is_believed_only_where_the_server_is_told_so(site: Site) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"}
    answer = site.client().post(
        "/sign-in", data={"token": site.token("ada")}, headers={**headers, "Origin": "https://testserver"}
    )
    assert answer.status_code == 403
    assert "--trust-proxy" in answer.text


@pytest.mark.parametrize(
    ("proxies", "sender", "believed"), [((), "10.0.0.1", False), (("10.0.0.1",), "10.0.0.1", True)]
)
@pytest.mark.parametrize("other", [False, True])
def test_forwarded_headers_count_only_from_the_address_that_was_named(
    site: Site, checks: Checks, proxies: tuple[str, ...], sender: str, believed: bool, other: bool
) -> None:
    config = configured(application(site.board, checks), Address(proxies=proxies))
    config.load()
    client = TestClient(config.loaded_app, client=(sender, 1), follow_redirects=False)  # type: ignore[arg-type]
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"}
    answer = client.post("/sign-in", data={"token": site.token("ada")}, headers=headers)
    assert answer.headers["set-cookie"].startswith("__Host-board=" if believed else "board=")


def test_attempts_a_day_are_bounded(site: Site, tmp_path: Path) -> None:
    ada = site.program("ada")
    for seed in range(site.board.per_day):
        folder = write_valid(tmp_path / str(seed), seed=seed, assignment=site.board.assignment)
        assert ada.post("/attempts", files=files_of(folder)).status_code == 201
    answer = ada.post("/attempts", files=files_of(tmp_path / "0"))
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 24 * 3_600 + 1


def test_staff_opens_closes_and_extends(site: Site, course: Path) -> None:
    prof = site.browser("prof", staff=True)
    form = form_of(prof)
    files = files_of(course / "inbox" / "ada")
    prof.post("/staff/open", data={"form": form, "open": "no"})
    assert site.program("ada").post("/attempts", files=files).status_code == 403
    assert "Handing in is closed" in site.browser("ada").get("/").text
    prof.post("/staff/open", data={"form": form, "open": "yes"})
    past = datetime.now(UTC) - timedelta(hours=1)
    for deadline, status in ((past, 403), (past + timedelta(hours=2), 201)):
        text = deadline.strftime("%Y-%m-%dT%H:%M")
        assert prof.post("/staff/deadline", data={"form": form, "deadline": text}).status_code == 200
        assert site.program("ada").post("/attempts", files=files).status_code == status
    for nonsense in ("soon", "9999-12-31T23:59", "0001-01-01T00:00"):
        assert prof.post("/staff/deadline", data={"form": form, "deadline": nonsense}).status_code == 422
    site.token("cy")  # has handed in nothing so far
    log = prof.get("/staff").text
    assert ">cy<" in log
    assert log.count("prof set the deadline to") == 2
    assert log.count("prof closed handing in") == 1


def test_a_full_disk_is_507_and_leaves_nothing(site: Site, course: Path) -> None:
    """The kernel refuses to write more: a limit on the size of files, which SQLite's are below."""
    ada, files = site.program("ada"), files_of(course / "inbox" / "ada")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        answer = ada.post("/attempts", files=files)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["error"]
    assert site.left_behind() == []
    assert of_student(site.board.engine, "ada") == []
    assert ada.post("/attempts", files=files).status_code == 201


def test_a_full_database_is_507_and_files_that_nobody_names_are_swept(site: Site, course: Path) -> None:
    engine = site.board.engine
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    engine.dispose()  # the limit is one of a connection

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    sql.event.listen(engine, "connect", limit)
    small = HandIn("", "bo", datetime.now(UTC), True, "", {}, (), "passed")
    rows = (replace(small, id=str(number), fingerprint=str(number)) for number in range(100))
    with pytest.raises(sql.exc.OperationalError, match="full"):  # of smaller rows than a student's
        deque((record(engine, row, lambda past: None) for row in rows), maxlen=0)
    ada, files = site.program("ada"), files_of(course / "inbox" / "ada")
    answer = ada.post("/attempts", files=files)
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["error"]
    assert len(site.left_behind()) == len(files)  # on the disk already, and nobody names them
    site.board.store.sweep(lambda: kept_files(engine))
    assert site.left_behind() == []
    sql.event.remove(engine, "connect", limit)
    engine.dispose()
    assert ada.post("/attempts", files=files).status_code == 201


def test_an_upload_that_breaks_off_leaves_nothing(site: Site, course: Path) -> None:
    request = site.client().build_request("POST", "/attempts", files=files_of(course / "inbox" / "ada"))
    body = request.read()
    half = site.program("ada").post(
        "/attempts", content=body[: len(body) // 2], headers={"Content-Type": request.headers["content-type"]}
    )
    assert half.status_code == 400
    assert site.left_behind() == []
    assert of_student(site.board.engine, "ada") == []


def test_too_much_is_413_before_it_is_read(site: Site) -> None:
    client: TestClient = site.program("ada")
    length = str(site.board.assignment.limits.submission_bytes * 2)
    answer = client.post("/attempts", content=b"x", headers={"Content-Length": length})
    assert answer.status_code == 413


def test_what_a_killed_process_left_is_swept_at_the_start_and_no_other_upload(site: Site, checks) -> None:
    store = site.board.store
    (store.incoming / "left").mkdir()
    (store.incoming / "left" / "0").write_bytes(b"half")
    store.path("ab" * 32).parent.mkdir()
    store.path("ab" * 32).write_bytes(b"nobody's")
    with store.upload() as living, TestClient(application(site.board, checks)):
        assert site.left_behind() == [living]
    assert (store.left_over / ("ab" * 32)).read_bytes() == b"nobody's"


def test_folder_and_database_are_of_one_board(tmp_path: Path) -> None:
    for name in ("one", "two"):
        for _ in range(2):  # the second time with the id that it has
            open_board(tmp_path / name, SPEC).engine.dispose()
    database = tmp_path / "one" / DATABASE_FILE
    shutil.copyfile(tmp_path / "two" / DATABASE_FILE, database)
    with pytest.raises(InputError, match=r"that of board [0-9a-f]{32}"):
        open_board(tmp_path / "one", SPEC)
    database.unlink()
    with pytest.raises(InputError, match="a new database"):
        open_board(tmp_path / "one", SPEC)
