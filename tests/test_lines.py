"""The table of lines: what stands in it is Python that runs, and its letters read back."""

import ast

import pytest
from hypothesis import given
from strategies import loops

from core.lines import LINES, USUAL, from_letters, letters, part, parts


@pytest.mark.parametrize("name", LINES)
def test_every_line_is_python_of_its_own(name):
    assert ast.unparse(ast.parse(LINES[name].text)) == LINES[name].text
    assert LINES[name].compiled(name).co_filename == f"<{name}>"


def test_the_usual_five_are_those_of_the_torch_optim_page():
    assert letters(USUAL) == "ZFLBS"


def test_letters_are_single_and_differ():
    known = [line.letter for line in LINES.values()]
    assert len(set(known)) == len(known)
    assert all(len(letter) == 1 for letter in known)


@given(loops())
def test_letters_read_back_as_the_loop(loop):
    assert from_letters(letters(loop)) == loop


@pytest.mark.parametrize("text", ["X", "ZFLBs", "Z F", "Ｚ"])
def test_a_letter_that_no_line_has_is_refused(text):
    with pytest.raises(KeyError):
        from_letters(text)


def test_a_version_is_counted_as_the_line_it_stands_in_for():
    assert part("zero_grad_zeros") == "zero_grad"
    assert parts(("zero_grad_zeros", "step")) == ("zero_grad", "step")
    assert all(part(line.version_of) == line.version_of for line in LINES.values() if line.version_of)
