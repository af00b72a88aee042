"""A script's text as the grader's own Python can parse it, whichever Python and whichever editor it was written for.

Later versions of Python have grammar that this one may lack, Colab writes a notebook's magics into its scripts, and
Windows has encodings of its own. None of it tells anything of the work: it is replaced by what every version reads.
"""

from __future__ import annotations

import codecs
import re

from cnnkit.course.submissions.findings import RefusedError, shown

MOST_TOKENS = 250_000  # 0.6 KB of a parser's memory each; 480 KB of ordinary code have 120,000
DEPTH = 150  # f-strings and brackets within one another, as Python itself has it
FALLBACK = "cp1252"  # what Windows writes where nothing is said
_NAMES = (
    "utf-8 utf-8-sig ascii latin-1 koi8-r koi8-u mac-roman cp437 cp850 cp852 cp866 cp874 cp932 cp949 cp950 "
    "cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 "
    "iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11 "
    "iso8859-13 iso8859-14 iso8859-15 iso8859-16 gbk gb2312 gb18030 big5 shift_jis euc_jp euc_kr"
)
# Looked up with this module: a throw-away process cannot open the files that they lie in.
ENCODINGS = {codecs.lookup(name).name for name in _NAMES.split()}

_CODING = re.compile(rb"[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")  # PEP 263
_EMPTY = re.compile(rb"[ \t\f]*(?:#[^\n]*)?\r?\n?\Z")
_TOKEN = re.compile(r"\w++|[^\w\s]")
_CODE_LINE = re.compile(r"^\s*+[^\s#]", re.MULTILINE)

# What code consists of where it is not plain: comments, strings, and lines that IPython reads.
_PIECE = re.compile(
    r"""
      \#[^\n]*+
    | (?P<prefix>\b[A-Za-z]{1,2})?(?P<quote>\"\"\"|'''|"|')
    | (?P<open>[([{]) | (?P<close>[)\]}])
    | (?P<magic>(?:^|(?<=\n))[ \t]*+(?P<sign>%%|[!%])[^\n]*+)
    """,
    re.VERBOSE,
)
_STRING_ENDS = {
    '"': re.compile(r'(?:[^\\\n"]++|\\.)*+"', re.DOTALL),
    "'": re.compile(r"(?:[^\\\n']++|\\.)*+'", re.DOTALL),
    '"""': re.compile(r'(?:[^\\"]++|\\.|"(?!""))*+"""', re.DOTALL),
    "'''": re.compile(r"(?:[^\']++|\\.|'(?!''))*+'''", re.DOTALL),
}
_IN_TEXT = re.compile(r"\{\{|\}\}|\{|\\.|\"\"\"|'''|[\"'}]", re.DOTALL)
_IN_FIELD = re.compile(r"#[^\n]*+|(?P<prefix>\b[A-Za-z]{1,2})?(?P<quote>\"\"\"|'''|\"|')|[()\[\]{}]|:=|:")

_BRACKETS = r"\[(?:[^\[\]]|\[(?:[^\[\]]|\[[^\[\]]*+\])*+\])*+\]"
# Grammar of later versions → the same in that of the oldest.
_LATER = (
    (re.compile(rf"^([ \t]*+)type[ \t]++(\w++)[ \t]*+(?:{_BRACKETS})?[ \t]*+=", re.MULTILINE), r"\1\2 ="),  # PEP 695
    (re.compile(rf"\b((?:def|class)[ \t]++\w++)[ \t]*+{_BRACKETS}"), r"\1"),  # PEP 695
    (
        re.compile(r"^([ \t]*+except\*?+)[ \t]++([\w.]++(?:[ \t]*+,[ \t]*+[\w.]++)++)[ \t]*+:", re.MULTILINE),
        r"\1 (\2):",
    ),
)


def decode_source(data: bytes) -> tuple[str, bool]:
    """The text of a script, and whether its encoding is the one that Python takes it for.

    Args:
        data: The whole file.

    Raises:
        RefusedError: `script-syntax`: it names an encoding that is none.
    """
    marked = data.startswith(codecs.BOM_UTF8)
    declared = _declared(data)
    try:
        name = "utf-8" if declared is None else codecs.lookup(declared).name
        if name not in ENCODINGS:
            raise LookupError(name)
    except (LookupError, ValueError) as error:
        raise RefusedError(
            "script-syntax", "text in UTF-8", f"an encoding that is called {shown(declared)}", "Save it as UTF-8."
        ) from error
    try:
        return data.decode("utf-8-sig" if marked else name), True
    except UnicodeDecodeError:
        return data.decode(FALLBACK, errors="replace"), False


def _declared(data: bytes) -> str | None:
    first, _, rest = data[:4_000].removeprefix(codecs.BOM_UTF8).partition(b"\n")
    for line in (first, rest.partition(b"\n")[0]):
        if match := _CODING.match(line):
            return match[1].decode("ascii", errors="replace")
        if not _EMPTY.match(line):
            return None
    return None


def has_code(text: str) -> bool:
    """Whether anything but comments is there."""
    return _CODE_LINE.search(text) is not None


def plain_source(text: str) -> tuple[str, bool]:
    """The script with its formatted strings empty and without IPython's lines; as many lines as before.

    Args:
        text: The script.

    Returns:
        The text, and whether a whole cell in another language is part of it (`%%bash`), whose end nobody knows.

    Raises:
        RefusedError: `script-size` or `script-depth`.

    >>> plain_source('print(f"{names["a"]}")')
    ("print('')", False)
    """
    parts: list[str] = []
    place = depth = 0
    cells = False
    while match := _PIECE.search(text, place):
        parts.append(text[place : match.start()])
        place = match.end()
        piece = match[0]
        if match["quote"]:
            end = _string_end(text, match)
            if end is None:  # nor does Python read what follows
                place = match.start()
                break
            place = end
            piece = text[match.start() : place]
            if _formatted(match["prefix"]):
                piece = "''" if "\n" not in piece else "'''" + "\n" * piece.count("\n") + "'''"
        elif match["magic"] and depth == 0:
            cells = cells or match["sign"] == "%%"
            piece = match["magic"].partition(match["sign"])[0] + "pass"
        elif match["magic"]:  # within brackets % is an operator
            piece = text[match.start() : match.start("sign") + 1]
            place = match.start("sign") + 1
        else:
            depth = max(0, depth + bool(match["open"]) - bool(match["close"]))
        parts.append(piece)
    plain = "".join((*parts, text[place:]))
    if (count := sum(1 for _ in _TOKEN.finditer(plain))) > MOST_TOKENS:
        raise RefusedError(
            "script-size", f"at most {MOST_TOKENS:,} words and signs", f"{count:,}", "Keep data in files of their own."
        )
    return plain, cells


def older_source(text: str) -> str:
    r"""The same code with the grammar of later Pythons written as earlier ones have it.

    >>> older_source("type Pair[T] = tuple[T, T]\ndef first[T](pair: Pair[T]) -> T: ...")
    'Pair = tuple[T, T]\ndef first(pair: Pair[T]) -> T: ...'
    """
    for pattern, replacement in _LATER:
        text = pattern.sub(replacement, text)
    return text


def _formatted(prefix: str | None) -> bool:
    return prefix is not None and not set("fFtT").isdisjoint(prefix)


def _string_end(text: str, match: re.Match[str]) -> int | None:
    """Where the string ends that begins here; None where it has no end."""
    if _formatted(match["prefix"]):
        return _formatted_end(text, match.end(), match["quote"])
    end = _STRING_ENDS[match["quote"]].match(text, match.end())
    return end.end() if end else None


def _formatted_end(text: str, place: int, first: str) -> int | None:
    """Where a formatted string ends (PEP 701): its fields hold any code, strings with the same quotes included."""
    # What is open: (a quote, True) is text up to it, ("{", True) a format, (a bracket, False) code up to its end.
    waiting = [(first, True)]
    while waiting:
        opened, is_text = waiting[-1]
        match = (_IN_TEXT if is_text else _IN_FIELD).search(text, place)
        if match is None or len(waiting) > DEPTH:
            return None
        piece, place = match[0], match.end()
        if is_text:
            if piece == "{":
                waiting.append(("{", False))
            elif piece == "}" and opened == "{":
                del waiting[-2:]  # the format, and its field
            elif piece == opened:
                waiting.pop()
            elif piece.startswith(opened):  # one of three quotes ends it
                waiting.pop()
                place = match.start() + len(opened)
        elif match["quote"]:
            if _formatted(match["prefix"]):
                waiting.append((match["quote"], True))
            else:
                end = _string_end(text, match)
                if end is None:
                    return None
                place = end
        elif piece in ("(", "[", "{"):
            waiting.append((piece, False))
        elif piece in (")", "]", "}"):
            waiting.pop()
        elif piece == ":" and opened == "{" and len(waiting) > 1 and waiting[-2][1]:
            waiting.append(("{", True))
    return place
