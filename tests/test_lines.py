"""The table of lines: what stands in it is Python that runs, and its letters read back."""

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lines import (
    BEFORE,
    EVERYDAY,
    FIVE,
    LETTERED,
    LINES,
    MISTAKES,
    PRACTICES,
    USUAL,
    Line,
    check,
    from_letters,
    letters,
    loop_label,
    part,
    parts,
    plain,
    practices_in,
    put_in,
    take_out,
    with_practice,
    without_zero_grad,
)
from tests.helpers.strategies import loops, mistaken_loops


@pytest.mark.parametrize(("name", "line"), [*LINES.items(), *BEFORE.items()])
def test_every_line_is_python_of_its_own(name, line):
    assert ast.dump(ast.parse(line.text))
    assert line.compiled(name).co_filename == f"<{name}>"
    assert line.text == line.text.strip()
    assert line.about


FORBIDDEN = ("rand", "seed", "set_", "print", "import", "__", "open", "exec", "eval(", "global", "cuda")


@pytest.mark.parametrize(("name", "line"), [*LINES.items(), *BEFORE.items()])
def test_no_line_touches_what_others_share(name, line):
    words = line.text.replace("set_to_none", "").replace("model.eval()", "")
    assert not [word for word in FORBIDDEN if word in words]


def test_the_usual_five_are_those_of_the_torch_optim_page():
    assert letters(USUAL) == "ZFLBS"


def test_letters_are_single_and_differ():
    known = [LINES[name].letter for name in LETTERED]
    assert len(set(known)) == len(known)
    assert letters(LETTERED) == "ZFLBS0zDwfladUAGpWCVRPTEsxrcvugy"
    assert all(len(letter) == 1 for letter in known)


@given(mistaken_loops())
def test_any_loop_reads_back_from_its_text(loop):
    assert from_letters(letters(loop)) == loop
    assert plain(loop) == ("." not in letters(loop))


@given(loops())
def test_letters_read_back_as_the_loop(loop):
    assert from_letters(letters(loop)) == loop


@pytest.mark.parametrize(
    "text", ["X", "ZFLBq", "Z F", "Ｚ", "Z.F", ".zero_grad.", ".loss_squeezed", "F.eval.B"]
)
def test_a_letter_that_no_line_has_is_refused(text):
    with pytest.raises(KeyError):
        from_letters(text)


def test_a_version_is_counted_as_the_line_it_stands_in_for():
    assert part("zero_grad_zeros") == "zero_grad"
    assert parts(("zero_grad_zeros", "step")) == ("zero_grad", "step")
    assert all(part(line.version_of) == line.version_of for line in LINES.values() if line.version_of)


@given(mistaken_loops())
def test_without_zero_grad_nothing_else_is_left_out(loop):
    assert without_zero_grad(loop) == tuple(n for n in loop if not n.startswith("zero_grad"))
    assert letters(without_zero_grad(USUAL)) == "FLBS"


WRONG = {
    "another name": (Line("pass", "nothing"), "line another name must have a name like that of a variable"),
    "x": (Line("pass", "nothing"), "line 'x' must have a name like that of a variable"),
    "two": (Line("pass", "nothing", "XY"), "line two must have one letter or none; got 'XY'"),
    "same_letter": (
        Line("pass", "nothing", "F"),
        "line same_letter must have its own letter; F is that of ",
    ),
    "version": (
        Line("pass", "nothing", version_of="optimizer"),
        "line version must be a version of zero_grad, forward, loss, backward, step, unscale, scaler_update, "
        "backward_penalty, clip, clip_value, scheduler_step; got 'optimizer'",
    ),
    "late": (
        Line("pass", "nothing", after="clip"),
        "line late must come after one of zero_grad, forward, loss, backward, step; got 'clip'",
    ),
    "unused": (
        Line("optimizer.step()", "nothing", uses=("max_norm",)),
        "line unused must call max_norm by name, since it uses it",
    ),
    "no_python": (Line("loss = = 1", "nothing"), "line no_python must be Python: invalid syntax"),
    "read_grad": (Line("pass", "nothing"), "line read_grad must have a name of its own; it is in MISTAKES"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_entry_is_refused_by_name(name):
    line, sentence = WRONG[name]
    with pytest.raises(ValueError, match=re.escape(sentence.removeprefix("line another name "))):
        check({"FIVE": FIVE, "MISTAKES": MISTAKES, "BEFORE": {name: line}})


def test_the_sections_are_the_whole_table():
    sections = {"FIVE": FIVE, "EVERYDAY": EVERYDAY, "MISTAKES": MISTAKES, "BEFORE": BEFORE}
    check(sections)
    assert {name: line for s in (FIVE, EVERYDAY, MISTAKES) for name, line in s.items()} == LINES
    assert tuple(FIVE) == USUAL
    assert EVERYDAY.keys() == {
        "zero_grad_zeros",
        "zero_grad_every",
        "backward_divided",
        "backward_by_rows",
        "step_every",
        "step_scaled_every",
        "clip_every",
        "clip_value_every",
        "unscale_every",
        "backward_penalty_every",
        "scaler_update_every",
        "backward_scaled_divided",
        "forward_autocast",
        "loss_autocast",
        "backward_scaled",
        "unscale",
        "step_scaled",
        "scaler_update",
        "train_mode",
        "eval_mode",
        "loss_penalty",
        "backward_penalty",
        "clip",
        "clip_value",
        "step_closure",
        "scheduler_step",
        "scheduler_step_loss",
        "scheduler_step_every",
        "look_in_eval_mode",
    }


@given(mistaken_loops(), st.sampled_from([*FIVE, *EVERYDAY]))
def test_a_line_is_put_in_once_and_everything_else_keeps_its_order(loop, name):
    found = put_in(loop, name)
    assert found.count(name) == 1 and put_in(found, name) == found
    assert [n for n in found if part(n) != part(name)] == [n for n in loop if part(n) != part(name)]
    assert part(name) not in map(part, take_out(found, name)) or LINES[name].version_of


def test_everyday_lines_stand_at_their_usual_places():
    assert letters(put_in(put_in(USUAL, "clip_value"), "clip")) == "ZFLBCVS"
    assert letters(put_in(USUAL, "zero_grad_zeros")) == "0FLBS"
    assert take_out(put_in(USUAL, "zero_grad_zeros"), "zero_grad_zeros") == USUAL
    assert take_out(put_in(USUAL, "clip"), "clip") == USUAL
    assert letters(put_in(from_letters("FLBSZ"), "clip")) == "FLBCSZ"


def test_practices_come_and_go_with_all_their_lines():
    both = with_practice(with_practice(USUAL, "schedule"), "accumulate")
    assert both == with_practice(with_practice(USUAL, "accumulate"), "schedule") == from_letters("zFLDsr")
    assert set(practices_in(both)) == {"accumulate", "schedule"}
    assert letters(with_practice(both, "accumulate", False)) == "ZFLBSR"
    assert with_practice(with_practice(both, "accumulate", False), "schedule", False) == USUAL
    scaled = with_practice(USUAL, "scaler")
    assert letters(scaled) == "ZFLaUAG" and practices_in(scaled) == ("scaler",)
    assert letters(with_practice(with_practice(scaled, "clip"), "schedule")) == "ZFLaUCAGR"
    assert "schedule" in practices_in(from_letters("ZFLBSP"))
    assert with_practice(from_letters("ZFLBSP"), "schedule", False) == USUAL


@given(st.permutations(list(PRACTICES)), st.permutations(list(PRACTICES)))
def test_all_practices_go_together_whichever_comes_first(order, back):
    loop = USUAL
    for number, name in enumerate(order):
        loop = with_practice(loop, name)
        assert {*practices_in(loop)} == {*order[: number + 1]}
    assert letters(loop) == "TzflduycvxgrE"
    for name in back:
        loop = with_practice(loop, name, False)
        assert name not in practices_in(loop)
    assert loop == USUAL


@pytest.mark.parametrize(("loop", "practice", "found"), [
    ("zFLws", "clip", "zFLwcs"),  # weights by rows stay, and the clip waits like the step
    ("zFLws", "scaler", "zFLduxg"),
    ("zFLBs", "clip", "zFLBcs"),  # a mistake stays one
    ("zFLDS", "clip", "zFLDCS"),
    ("ZFLBSP", "accumulate", "zFLDsP"),  # a rate that looks at the loss looks at each
])  # fmt: skip
def test_a_practice_leaves_other_lines_as_they_are(loop, practice, found):
    assert letters(with_practice(from_letters(loop), practice)) == found


@pytest.mark.parametrize("text, label", [
    ("ZFLBCS", "Clip by norm"),
    ("FLBCS", "No zero_grad, clip by norm"),
    ("zFLDs", "Accumulate"),
    ("zFLDcs", "Clip by norm, accumulate"),
    ("zFLDCs", "Clip by norm, accumulate"),
    ("zFLduxg", "Accumulate, loss scaling"),
    ("zFLDsr", "Scheduler, accumulate"),
    ("ZFLDs", "Loss divided by k, step every k passes"),
    ("0FLBS", "zero_grad(set_to_none=False)"),
    ("ZFLB.backward_again.S", "Backward a second time"),
    ("ZF.loss_nll.BS", "NLL that takes log-probabilities"),
    ("ZFLB", "No step"),
    ("FLSB", "Order F L S B"),
    ("", "No lines"),
])  # fmt: skip
def test_a_loop_has_a_short_name(text, label):
    assert loop_label(from_letters(text)) == label
