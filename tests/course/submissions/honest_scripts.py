"""Scripts as honest students write them, with editors and Pythons of their own; what the gate may advise about them."""

from __future__ import annotations

# Name → (bytes, advice). None is refused, whichever Python the grader has.
HONEST_SCRIPTS: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "windows_1252": ("# -*- coding: cp1252 -*-\nname = 'Zoë €'\n".encode("cp1252"), ()),
    "latin_9_behind_a_shebang": (
        "#!/usr/bin/python3\n# vim: set fileencoding=iso-8859-15 :\nname = 'œ €'\n".encode("iso8859-15"),
        (),
    ),
    "latin_1_by_its_other_name": ("# coding=ISO_8859-1\nname = 'é'\n".encode("latin-1"), ()),
    "japanese": ("# -*- coding: shift_jis -*-\nname = '猫'\n".encode("shift_jis"), ()),
    "windows_1252_that_does_not_say_so": ("name = 'Zoë €'\n".encode("cp1252"), ("script-encoding",)),
    "byte_order_mark_and_windows_lines": (b"\xef\xbb\xbf# coding: utf-8\r\nx = 1\r\nif x:\r\n    x = 2\r\n", ()),
    "old_mac_lines": (b"x = 1\ry = 2\r", ()),
    "form_feeds": (b"x = 1\n\x0c\ndef f():\n    pass\n\x0c\nclass A: pass\n", ()),
    "same_quotes_in_an_f_string": (b'd = {"a": 1}\nprint(f"{d["a"]} {"\\n".join(["x"])}")\n', ()),
    "f_strings_in_f_strings": (b'print(f"{f"{f"{1 + 1}"}"}")\n', ()),
    "comments_and_lines_in_an_f_string": (b'print(f"{\n    3  # a note with a }\n}")\nx = 1\n', ()),
    "formats_in_an_f_string": (b"print(f'{x!r:>{width}} {day:%Y-%m-%d} {{}} {z=} {(a:=3)} {x[1:2]}')\n", ()),
    "raw_f_string": (b"import re\nre.compile(rf'\\d{{2}}{x}\\'')\n", ()),
    "f_string_of_several_lines": (b'print(f"""{a["b"]:{c}.{d}}\n\'\n{e}""")\n', ()),
    "template_string": (b"page = t'hello {name}'\n", ()),
    "type_parameters": (
        b"type Pair[T: (int, str), *Ts] = tuple[T, T]\n"
        b"def first[T: list[int]](pair: Pair[T]) -> T:\n    return pair[0]\n"
        b"class Box[T = int](Base[T]):\n    type Inner = dict[str, T]\n",
        (),
    ),
    "type_as_a_name": (b"type = 3\nprint(type, match)\n", ()),
    "exceptions_without_parentheses": (b"try:\n    pass\nexcept ValueError, OSError:\n    pass\n", ()),
    "magics_as_colab_exports_them": (
        b"%matplotlib inline\n!pip install -q 'cnnkit\nif True:\n    !ls -l\n    %time f()\nx = (5\n % 3)\n",
        (),
    ),
    "a_cell_of_bash": (b"x = 1\n%%bash\nls -l | grep 'x\n", ("script-unread",)),
    "patterns": (b"match x:\n    case {'a': [1, *_]}:\n        pass\n", ()),
    "strings_of_all_kinds": (
        b"x = 'it''s' \"a\\\"b\" '''a'b''' \"\"\"a\"\"b\\\\\"\"\"\ny = b'\\xff' + Rb'\\d'\n",
        (),
    ),
}
