"""Filling cells of CSV files without touching the rest."""

from __future__ import annotations

import codecs
import csv
import io

import numpy as np
import pytest

from cnnkit.course.grading.gradebooks.sheet import Sheet, column, like, written
from cnnkit.errors import DataError

MESSY = (
    b'\xef\xbb\xbfStudent,ID ,"Note, if ""any""",Grade\r\n'
    b'"Doe, Jane",1,"two\r\nlines",\r\n'
    b"\r\n"
    b'O\'Neil Zo\xc3\xab,2,,"7"\n'
    b" plain ,3,x, 5"
)


def test_what_is_not_filled_stays_byte_for_byte() -> None:
    sheet = Sheet.parse(MESSY)
    assert sheet.filled({}) == MESSY
    values = [[cell.value for cell in row] for row in sheet.rows]
    assert values == [
        ["Student", "ID ", 'Note, if "any"', "Grade"],
        ["Doe, Jane", "1", "two\r\nlines", ""],
        ["O'Neil Zoë", "2", "", "7"],
        [" plain ", "3", "x", " 5"],
    ]
    filled = sheet.filled({sheet.rows[1][3]: "20.00", sheet.rows[2][3]: "7.5", sheet.rows[3][3]: "1, or 2"})
    expected = MESSY.replace(b'lines",', b'lines",20.00').replace(b'"7"', b'"7.5"').replace(b", 5", b',"1, or 2"')
    assert filled == expected


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("seed", range(5))
def test_the_parser_agrees_with_the_csv_module(separator: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    letters = ["a", "é", '"', ",", ";", "\t", "\n", "\r\n", " ", ""]
    table = [["h1", "h2", "h3"]]
    table += [["x", *("".join(generator.choice(letters, 5)) for _ in range(2))] for _ in range(30)]
    for ends in ("\n", "\r\n"):
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=separator, lineterminator=ends).writerows(table)
        sheet = Sheet.parse(text.getvalue().encode())
        assert sheet.separator == separator
        assert [[cell.value for cell in row] for row in sheet.rows] == table


def test_utf_16_as_moodle_and_excel_write_it() -> None:
    data = codecs.BOM_UTF16_LE + "Name\tGrade\r\nZoë\t\r\n".encode("utf-16-le")
    sheet = Sheet.parse(data)
    filled = sheet.filled({sheet.rows[1][1]: "5"})
    assert filled == codecs.BOM_UTF16_LE + "Name\tGrade\r\nZoë\t5\r\n".encode("utf-16-le")


@pytest.mark.parametrize("data", [b"a,b\n\xff,1\n", b'a,b\n"open,1\n'])
def test_what_is_no_csv(data: bytes) -> None:
    with pytest.raises(DataError):
        Sheet.parse(data)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1+1", "'+1+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("\r=1", '"\'\r=1"'),
        ("-2.50", "-2.50"),
        ("20.00", "20.00"),
        ("jane@example.edu", "jane@example.edu"),
        ('say "hi"', '"say ""hi"""'),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(value: str, cell: str) -> None:
    assert written(value) == cell


def test_headings_and_decimal_commas() -> None:
    top = Sheet.parse(b"Student, ID ,Note\n").rows[0]
    assert [column(top, names) for names in (["id"], ["x", "NOTE"], ["y"])] == [1, 2, None]
    assert [like(example, "7.50") for example in ("20,00", "20.00", "", "(read only)", "1,000.00")] == [
        "7,50",
        "7.50",
        "7.50",
        "7.50",
        "7.50",
    ]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t=", " ="])
def test_no_cell_begins_as_a_formula(sign: str) -> None:
    assert written(f"{sign}1+1").lstrip('"').startswith("'")
