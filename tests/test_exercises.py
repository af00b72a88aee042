from __future__ import annotations

import pytest

from cnnkit.exercises import explained


@explained
def check(solution: object) -> None:
    """Says whether a function doubles."""
    print("Right." if solution(2) == 4 else "Not yet.")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: 2 * x, "Right."),
        (lambda x: x, "Not yet."),
        (lambda x: x + "2", "TypeError"),
        (lambda x: [][x], "IndexError"),
        (lambda: 4, "TypeError"),
        (..., "TypeError"),
    ],
)
def test_a_check_survives_every_answer(answer: object, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    check(answer)
    assert said in capsys.readouterr().out


def test_the_line_of_a_notebook_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    import linecache

    source = "def answer(x):\n    return x.nothing\n"
    name = "<ipython-input-2>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    cell: dict[str, object] = {}
    exec(compile(source, name, "exec"), cell)  # noqa: S102  (as a notebook runs a cell)
    check(cell["answer"])
    assert "in the line: return x.nothing" in capsys.readouterr().out


def test_the_teacher_can_stop_it() -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(interrupted)
