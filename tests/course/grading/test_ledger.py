"""The ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sql

from cnnkit.course.grading.canonical_json import canonical, digest
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_database import RECORDS, SEALS
from cnnkit.course.grading.ledger_key import LedgerKey, key_at, key_beside, read_key
from cnnkit.course.grading.ledger_records import ORIGIN, Draft, Verification
from cnnkit.errors import DataError, InputError


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where an empty ledger can be."""
    if request.param == "sqlite":
        yield str(tmp_path / "grades" / "ledger.sqlite")
        return
    url = request.getfixturevalue("postgresql")
    yield url
    engine = sql.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sql.text("DROP TABLE IF EXISTS cnnkit_ledger, cnnkit_ledger_seals"))
    engine.dispose()


def draft(number: int, **content: object) -> Draft:
    return Draft("decision", digest(number), {"number": number, "name": "Zoë, “née” O'Neil\x00", **content})


def forge(ledger: Ledger, statement: str) -> None:
    """Changes a record as someone who owns the database can: triggers off first."""
    with ledger._engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(sql.text("DROP TRIGGER cnnkit_ledger_no_UPDATE"))
            connection.execute(sql.text("DROP TRIGGER cnnkit_ledger_no_DELETE"))
        else:
            connection.execute(sql.text("ALTER TABLE cnnkit_ledger DISABLE TRIGGER cnnkit_ledger_final"))
        connection.exec_driver_sql(statement)


def test_records_come_back_in_order_and_the_chain_holds(place: str) -> None:
    with Ledger.open(place) as ledger:
        assert ledger.head == ORIGIN
        assert ledger.append([draft(1), draft(2)]) == 2
    with Ledger.open(place) as ledger:
        assert ledger.append([Draft("snapshot", digest("s"), {"points": "5/2"})]) == 1
        records = list(ledger.records())
        assert [record.sequence for record in records] == [1, 2, 3]
        assert [record.previous for record in records] == [ORIGIN, records[0].hash, records[1].hash]
        assert records[0].content == draft(1).content
        assert [record.kind for record in ledger.records(kind="snapshot")] == ["snapshot"]
        assert [record.sequence for record in ledger.records(keys=[digest(2)])] == [2]
        found = ledger.verify()
        assert (found.records, found.head, found.broken) == (3, records[2].hash, None)
        assert ledger.head == records[2].hash


def test_a_hash_is_the_sha256_of_the_record_in_one_line_of_json(place: str) -> None:
    with Ledger.open(place) as ledger:
        ledger.append([Draft("grade", "k", {"b": 1, "a": "é"})])
        record = next(ledger.records())
    line = f'[1,"grade","k","{{\\"a\\":\\"\\\\u00e9\\",\\"b\\":1}}","{record.created}","{ORIGIN}"]'
    assert record.hash == hashlib.sha256(line.encode()).hexdigest()


def test_a_key_is_appended_once(place: str) -> None:
    with Ledger.open(place) as ledger:
        assert ledger.append([draft(1), draft(1), draft(2)]) == 2
        assert ledger.append([draft(2, again=True), draft(3)]) == 1
        assert [record.content["number"] for record in ledger.records()] == [1, 2, 3]
        assert ledger.append([]) == 0
        assert [record.key for record in ledger.records()] == [digest(number) for number in (1, 2, 3)]


def test_the_database_refuses_to_change_or_delete(place: str) -> None:
    with Ledger.open(place) as ledger:
        ledger.append([draft(1)])
        for statement in ("UPDATE cnnkit_ledger SET content = '{}'", "DELETE FROM cnnkit_ledger"):
            with pytest.raises(sql.exc.DBAPIError, match="append-only"), ledger._engine.begin() as connection:
                connection.execute(sql.text(statement))
        assert ledger.verify().broken is None


@pytest.mark.parametrize(
    ("statement", "broken", "reason"),
    [
        ("UPDATE cnnkit_ledger SET content = '{\"number\":99}' WHERE sequence = 3", 3, "content"),
        ("UPDATE cnnkit_ledger SET created = '2020-01-01' WHERE sequence = 5", 5, "content"),
        ("UPDATE cnnkit_ledger SET hash = repeat_a WHERE sequence = 2", 2, "content"),
        ("DELETE FROM cnnkit_ledger WHERE sequence = 4", 4, "missing"),
        ("DELETE FROM cnnkit_ledger WHERE sequence = 1", 1, "missing"),
    ],
)
def test_the_first_broken_record_is_named(place: str, statement: str, broken: int, reason: str) -> None:
    with Ledger.open(place) as ledger:
        ledger.append(draft(number) for number in range(1, 8))
        forge(ledger, statement.replace("repeat_a", "'" + "a" * 64 + "'"))
        found = ledger.verify()
        assert found.broken == broken
        assert reason in found.reason


def test_a_forger_who_computes_hashes_anew_breaks_the_next_record(place: str) -> None:
    with Ledger.open(place) as ledger:
        ledger.append(draft(number) for number in range(1, 5))
        second = list(ledger.records())[1]
        content = canonical({"number": 2, "points": 20})
        forged = digest([2, second.kind, second.key, content, second.created, second.previous])
        forge(ledger, f"UPDATE cnnkit_ledger SET content = '{content}', hash = '{forged}' WHERE sequence = 2")  # noqa: S608
        found = ledger.verify()
        assert (found.broken, found.reason) == (3, "it does not follow record 2")


def test_records_cut_off_at_the_end_are_missed_by_who_knows_the_head(place: str) -> None:
    with Ledger.open(place) as ledger:
        ledger.append(draft(number) for number in range(1, 5))
        head = ledger.head
        assert ledger.verify(head=head).broken is None
        forge(ledger, "DELETE FROM cnnkit_ledger WHERE sequence > 2")
        assert ledger.verify().broken is None
        assert ledger.verify(head=head).broken == 3


def test_writers_at_the_same_time_make_one_chain(place: str) -> None:
    def write(part: int) -> None:
        with Ledger.open(place) as ledger:
            for number in range(10):
                ledger.append([draft(part * 100 + number), draft(number)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(1, 5)))
    with Ledger.open(place) as ledger:
        assert ledger.verify().broken is None
        assert len(list(ledger.records())) == 4 * 10 + 10


def test_a_transaction_is_whole_or_absent(place: str) -> None:
    def failing():
        yield draft(1)
        raise RuntimeError("in the middle")

    with Ledger.open(place) as ledger:
        with pytest.raises(RuntimeError, match="middle"):
            ledger.append(failing())
        with pytest.raises(TypeError, match="JSON"):
            ledger.append([draft(1), draft(2, value=object())])
        assert list(ledger.records()) == []


def test_a_process_killed_while_it_appends_leaves_a_whole_chain(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    code = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from cnnkit.course.grading.canonical_json import digest
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_records import Draft
ledger = Ledger.open({str(place)!r})
for number in range(100_000):
    ledger.append(Draft("decision", digest([number, part]), {{"n": number}}) for part in range(20))
    print(number, flush=True)
"""
    for lines in (1, 7, 20):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(lines):
                process.stdout.readline()
            process.kill()
    with Ledger.open(place) as ledger:
        found = ledger.verify()
        assert found.broken is None
        assert found.records % 20 == 0
        assert found.records >= 20 * 20


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), [1.0, {"x": float("nan")}]])
def test_any_number_can_be_recorded(tmp_path: Path, value: object) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.append([draft(1, value=value), draft(2, text="\udcff \u202e \x00")]) == 2
        assert ledger.verify().broken is None
        first, second = ledger.records()
    assert first.content["value"] in ("nan", "inf", "-inf", [1.0, {"x": "nan"}])
    assert second.content["text"] == "\udcff \u202e \x00"


def appended(place: str, content: dict[str, object]) -> None:
    """A record slipped in at the end by somebody who can write and computes the hash as it has to be."""
    with Ledger.open(place) as ledger, ledger._engine.begin() as connection:
        sequence, previous = ledger._last(connection)
        row = [sequence + 1, "decision", digest("forged"), canonical(content), "2099-01-01", previous]
        connection.execute(RECORDS.insert(), dict(zip(RECORDS.c.keys(), [*row, digest(row)], strict=True)))


def test_what_is_appended_without_the_key_does_not_hold(place: str) -> None:
    key = LedgerKey(b"k" * 32)
    with Ledger.open(place, key=key) as ledger:
        ledger.append(draft(number) for number in range(1, 4))
        assert ledger.verify() == Verification(3, ledger.head)
    with Ledger.open(place, read_only=True) as ledger:
        (note,) = ledger.verify().notes
        assert "needs the key" in note
    with Ledger.open(place) as ledger, pytest.raises(InputError, match="no key"):
        ledger.append([draft(4)])
    with Ledger.open(place, key=LedgerKey(b"x" * 32)) as ledger, pytest.raises(InputError, match="the key"):
        ledger.append([draft(4)])
    appended(place, {"student": "eve", "points": 20})
    for known in (None, key):
        with Ledger.open(place, key=known, read_only=True) as ledger:
            found = ledger.verify()
            assert (found.broken, "no seal" in found.reason) == (4, True)


def test_a_seal_of_another_key_does_not_hold(place: str) -> None:
    key, forgers = LedgerKey(b"k" * 32), LedgerKey(b"f" * 32)
    with Ledger.open(place, key=key) as ledger:
        ledger.append([draft(1)])
    appended(place, {"student": "eve"})
    with Ledger.open(place, key=key) as ledger, ledger._engine.begin() as connection:
        forged = ledger._last(connection)[1]
        connection.execute(SEALS.insert(), {"sequence": 2, "key": key.name, "seal": forgers.seal(forged)})
    with Ledger.open(place, key=key, read_only=True) as ledger:
        found = ledger.verify()
        assert (found.broken, found.reason) == (2, "its seal was not made with the key")


def test_a_ledger_whose_seals_were_all_removed_does_not_hold(place: str) -> None:
    with Ledger.open(place) as ledger:
        ledger.append([draft(1)])
    with Ledger.open(place, key=LedgerKey(b"k" * 32), read_only=True) as ledger:
        assert ledger.verify().broken == 1
        assert ledger.verify(unsealed=True).broken is None


def test_a_seal_is_the_hmac_of_the_hash() -> None:
    """RFC 4231, test case 1."""
    key = LedgerKey(b"\x0b" * 20)
    assert key.seal("Hi There") == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    assert "0b" not in repr(key)


def test_a_key_is_made_once_and_is_its_owners_only(tmp_path: Path) -> None:
    place = key_beside(tmp_path / "labels.parquet")
    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(lambda _: key_at(place), range(8)))
    assert keys == {read_key(place)}
    assert place.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.key"]
    place.chmod(0o600)
    place.write_text("not a key")
    with pytest.raises(DataError, match="a ledger's key in"):
        key_at(place)
    with pytest.raises(DataError, match="a place for the ledger's key"):
        key_at(tmp_path / "nowhere" / "ledger.key")


def test_a_clock_that_went_back_is_noticed(place: str) -> None:
    with Ledger.open(place) as ledger:
        ledger.append([draft(1)])
    appended(place, {"student": "late"})  # of 2099
    with Ledger.open(place) as ledger:
        ledger.append([draft(2)])
        assert "the clock went back: record 3 says" in ledger.verify().notes[0]


def test_reading_writes_nothing(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    with Ledger.open(place) as ledger:
        ledger.append([draft(1)])
    assert place.stat().st_mode & 0o777 == 0o600
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with Ledger.open(place, read_only=True) as ledger:
        assert ledger.verify().records == 1
        with pytest.raises(InputError, match="open to be read"):
            ledger.append([draft(2)])
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("waiting", [False, True])
def test_a_read_only_copy_can_be_verified(waiting: bool) -> None:
    """Not by root, whom no permission stops: the child gives that up first. `waiting`: changes still lie in `-wal`."""
    folder = Path(tempfile.mkdtemp(prefix="cnnkit-copy-", dir="/tmp"))
    source = folder / "source"
    source.mkdir()
    ledger = Ledger.open(source / "ledger.sqlite")
    ledger.append([draft(1), draft(2)])
    if not waiting:
        ledger.close()
    copy = folder / "copy"
    copy.mkdir()
    for file in source.glob("*" if waiting else "*.sqlite"):
        if not file.name.endswith("-shm"):
            (copy / file.name).write_bytes(file.read_bytes())
            (copy / file.name).chmod(0o444)
    for each in (copy, folder):
        each.chmod(0o555)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            with Ledger.open(copy / "ledger.sqlite", read_only=True) as read:
                status = 0 if read.verify().records == 2 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    ledger.close()
    for each in (folder, copy):
        each.chmod(0o755)
    shutil.rmtree(folder)


def test_sqlite_writes_ahead(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger, ledger._engine.connect() as connection:
        assert connection.execute(sql.text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(sql.text("PRAGMA synchronous")).scalar() == 2


def test_no_other_database_is_taken_for_a_ledger(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    with sqlite3.connect(tmp_path / "other.sqlite") as database:
        database.execute("CREATE TABLE songs (title TEXT)")
    before = (tmp_path / "other.sqlite").read_bytes()
    for name, received in (("empty.sqlite", "an empty database"), ("other.sqlite", "songs")):
        with pytest.raises(DataError, match=received):
            Ledger.open(tmp_path / name, read_only=True)
    with pytest.raises(DataError, match="songs"):
        Ledger.open(tmp_path / "other.sqlite")
    with pytest.raises(DataError, match="no such file"):
        Ledger.open(tmp_path / "nowhere.sqlite", read_only=True)
    assert (tmp_path / "other.sqlite").read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["empty.sqlite", "other.sqlite"]


def test_a_full_disk_is_told_and_keeps_nothing(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        with ledger._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=20")  # as if no more room were there
        with pytest.raises(DataError, match="full"):
            ledger.append(draft(number, text="x" * 1_000) for number in range(200))
        assert list(ledger.records()) == []


def test_what_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mysql"):
        Ledger.open("mysql://host/x")
    (tmp_path / "grades.txt").write_text("these are not the grades you are looking for" * 30)
    with pytest.raises(DataError, match="not a database"):
        Ledger.open(tmp_path / "grades.txt")
    with pytest.raises(DataError, match=r"nowhere"):
        Ledger.open(f"postgresql://grader:secret@/nowhere?host={tmp_path}")
    with pytest.raises(DataError) as failed:
        Ledger.open(f"postgresql://grader:secret@/nowhere?host={tmp_path}")
    assert "secret" not in str(failed.value)
