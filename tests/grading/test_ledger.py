"""The ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sql

from cnnkit.errors import DataError, InputError
from cnnkit.grading.ledger import ORIGIN, Draft, Ledger, canonical, digest


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
        connection.execute(sql.text("DROP TABLE IF EXISTS cnnkit_ledger"))
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
        with pytest.raises(ValueError, match="JSON"):
            ledger.append([draft(1), draft(2, value=float("nan"))])
        assert list(ledger.records()) == []


def test_a_process_killed_while_it_appends_leaves_a_whole_chain(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    code = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from cnnkit.grading.ledger import Draft, Ledger, digest
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


def test_sqlite_writes_ahead(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger, ledger._engine.connect() as connection:
        assert connection.execute(sql.text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(sql.text("PRAGMA synchronous")).scalar() == 2


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
