"""The page "Autograd" through app.py, without a browser: question, lines, tables, graph, links."""

from functools import partial

import pytest

from core.autograd.examples import EXAMPLES
from core.autograd.syntax import MAX_TEXT
from tests.helpers.app import address, press, sound
from tests.helpers.app import opened as open_page

FIRST = next(iter(EXAMPLES.values()))


opened = partial(open_page, "autograd")


def written(app):
    """All that is interpreted: Markdown, captions, boxes, headers."""
    main = app.main
    kinds = (main.markdown, main.caption, main.info, main.success, main.warning, main.header, main.title)
    return "\n".join(element.value for kind in kinds for element in kind)


def plain(app):
    """All that is shown as it is: code and text."""
    return "\n".join(element.value for kind in (app.main.code, app.main.text) for element in kind)


def typed(app, text):
    """Type these lines and run them."""
    app.main.text_area[0].set_value(text)
    return press(app, "Run")


def headers(app):
    return [header.value for header in app.main.header]


def cells(app):
    return app.main.dataframe[0].value.set_index("name")


def slider(app):
    return app.main.select_slider[0]


def test_a_first_visitor_is_asked_before_anything_is_shown():
    app = opened()
    assert app.title[0].value == "Autograd"
    assert app.main.text_area[0].value == FIRST.text
    assert app.main.radio[0].label == f"**{FIRST.question}**"
    assert app.main.radio[0].options == FIRST.offered and app.main.radio[0].value is None
    assert headers(app) == [] and FIRST.why not in written(app) and "AddBackward0" not in plain(app)
    assert address(app) == {"example": "five"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (0, f"Right. {FIRST.answers[0]}."),
        (1, f"Not this time. {FIRST.answers[0]}."),
        (None, FIRST.answers[0]),
    ],
)
def test_the_answer_is_held_against_what_is_so(answer, said):
    app = opened()
    if answer is not None:
        app.main.radio[0].set_value(FIRST.answers[answer])
    press(app, "Run")
    assert said in written(app) and FIRST.why in written(app)
    assert not app.main.radio
    assert headers(app) == ["Line by line", "Look inside"]
    assert "E is new: 40, of shape (1,), by AddBackward0." in plain(app)
    assert "A.grad: None → 2." in plain(app) and "tensor([2.])" in plain(app)
    assert cells(app)[".grad"]["A"] == "2"


def test_an_answer_stays_given_and_the_next_example_asks_again():
    app = press(opened(), "Run")
    press(app, "Next")
    second = list(EXAMPLES.values())[1]
    assert app.main.radio[0].label == f"**{second.question}**" and headers(app) == []
    assert app.main.text_area[0].value == second.text and address(app) == {"example": "variance"}
    sound(app.main.selectbox[0].set_value("five").run())
    assert headers(app) == ["Line by line", "Look inside"]


def test_next_goes_from_the_last_to_the_first():
    app = press(opened(example=list(EXAMPLES)[-1]), "Next")
    assert app.main.selectbox[0].value == "five"


@pytest.mark.parametrize("name", ["twice", "broadcast", "update", "uncounted", "results"])
def test_errors_and_warnings_are_pytorchs_own_at_their_line(name):
    app = press(opened(example=name), "Run")
    said = {
        "twice": "RuntimeError: Trying to backward through the graph a second time",
        "broadcast": "Using a target size (torch.Size([10, 1]))",
        "update": "RuntimeError: a leaf Variable that requires grad is being used in an in-place operation.",
        "uncounted": "version still 0: autograd does not know",
        "results": "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed.",
    }[name]
    assert said in plain(app) and said not in written(app)
    assert EXAMPLES[name].why in written(app)


def test_own_lines_are_run_at_once_and_kept_beside_the_examples():
    app = typed(opened(), "x = tensor([2.], requires_grad=True)\ny = x ** 3\ny.backward()\nx.grad")
    assert "x.grad: None → 12." in plain(app)
    assert app.main.selectbox[0].value == "own"
    assert address(app)["text"].startswith("x = tensor([2.]")
    press(app, "Next")
    assert address(app) == {"example": "five"}
    sound(app.main.selectbox[0].set_value("own").run())
    assert app.main.text_area[0].value.startswith("x = tensor([2.]") and "x.grad: None → 12." in plain(app)


def test_an_example_that_is_changed_is_no_longer_asked_about():
    app = typed(opened(), FIRST.text.replace("5.0", "7.0"))
    assert "A is new: 7" in plain(app) and not app.main.radio


def test_going_back_over_the_lines_shows_what_was_there():
    app = press(opened(), "Run")
    assert slider(app).value == 7
    press(app, "Back")
    assert slider(app).value == 6 and cells(app)["changed"]["A"] == ".grad" and address(app)["line"] == "6"
    sound(slider(app).set_value(2).run())
    assert list(cells(app).index) == ["A", "B"]
    assert "Autograd has recorded nothing" in app.main.info[-1].value
    assert not app.main.get("graphviz_chart")
    press(app, "Forward")
    assert list(cells(app).index) == ["A", "B", "C"] and len(app.main.get("graphviz_chart")) == 1
    sound(slider(app).set_value(7).run())
    assert address(app) == {"example": "five"}  # the last line is what one sees without being asked


def dot(app):
    return app.main.get("graphviz_chart")[0].proto.spec


def test_the_graph_behind_another_tensor():
    app = press(opened(), "Run")
    pills = app.main.button_group[0]
    assert (pills.label, pills.options) == ("Graph behind", ["E", "C"])
    assert "AddBackward" not in dot(app) and '"E\\n' in dot(app) and "freed" in dot(app)
    sound(pills.set_value("C").run())
    assert '"E\\n' not in dot(app) and address(app) == {"example": "five", "root": "C"}


def test_a_link_restores_lines_place_and_tensor():
    text = "a = tensor([1.], requires_grad=True)\nb = a * 2\nc = b * 3\nc.backward()"
    app = opened(text=text, line="3", root="b")
    assert app.main.text_area[0].value == text and slider(app).value == 3
    assert '"b\\n' in dot(app) and '"c\\n' not in dot(app)
    assert address(app) == {"text": text, "line": "3", "root": "b"}
    assert not app.main.warning
    app = opened(example="twice", line="3")
    assert not headers(app)  # the question comes first, whatever the link says
    press(app, "Run")
    assert slider(app).value == 3


HOSTILE = [
    ({"example": "<b>x</b>"}, "There is no example of that name."),
    ({"example": "five", "line": "-1"}, "A line is a number"),
    ({"example": "five", "line": "²"}, "A line is a number"),
    ({"example": "five", "line": "00003"}, "A line is a number"),
    ({"text": "a = 1", "line": "9" * 400}, "A line is a number from 1 to 9,999"),
    ({"text": "a = 1\nb = 2", "line": "7"}, "No statement that was run ends in line 7"),
    ({"example": "five", "root": "<script>"}, "root is the name of a tensor"),
    ({"example": "five", "root": "a" * 9000}, "root is the name of a tensor"),
    ({"text": "a = 1\n" * 9000}, "at most 2,000 characters"),
    ({"foo": "![x](http://x)"}, "Ignored in this link: 1 unknown field."),
]


@pytest.mark.parametrize(("params", "said"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_link_that_is_not_valid_gets_a_sentence(params, said):
    app = opened(**params)
    assert any(said in warning.value for warning in app.main.warning)
    assert not set("<>[]`") & set("".join(warning.value for warning in app.main.warning))
    assert app.main.text_area[0].value


def test_lines_that_are_too_long_are_refused_and_neither_run_nor_kept():
    """Streamlit would cut them, and other lines than those that were typed would be run."""
    app = typed(opened(), "x = tensor([2.])")
    typed(app, "y = 1 " + "#" * MAX_TEXT)
    assert any(f"At most {MAX_TEXT:,} characters are run" in warning.value for warning in app.main.warning)
    assert "x is new: 2" in plain(app) and "y is" not in plain(app)
    assert address(app) == {"text": "x = tensor([2.])"}
    typed(app, "y = tensor([3.])")
    assert "y is new: 3" in plain(app) and not app.main.warning


def test_a_link_whose_lines_print_each_other_is_shown_as_python_would():
    app = opened(text="c=print(1)\n" + "\n".join(["c=print(c,c,c,c)"] * 15))
    assert plain(app).count("\nNone None None None\n") == 15 and "c is None." in plain(app)


REFUSED = [
    ("import os\nos.system('x')", "Nothing was run: line 1 is refused."),
    ("a = tensor([1.])\nwhile True: pass", "Nothing was run: line 2 is refused."),
    ("é = 1", "Nothing was run: line 1 is refused."),
    ("a" * MAX_TEXT, "Nothing was run."),
    ("\x00", "Nothing was run: line 1 is refused."),
    ("", "There is nothing to run yet."),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused_gets_a_sentence_and_can_be_mended(text, said):
    app = typed(opened(), text)
    assert said in written(app)
    assert headers(app) == ["Line by line"] and not app.main.expander  # nothing of it is offered to Python
    assert app.main.text_area[0].value == text
    typed(app, "a = tensor([1.])")
    assert "a is new: 1" in plain(app)
    assert app.main.expander[0].label == "In your own Python"


def test_a_statement_that_is_not_allowed_is_not_offered_to_python():
    app = typed(opened(), "a = tensor([1.])\na.numpy()")
    assert "Methods here are those of tensors" in plain(app) and "not allowed" in written(app)
    assert "In your own Python" not in [one.label for one in app.main.expander]


def test_what_is_typed_is_never_interpreted_as_markdown_or_html():
    marks = "# ![x](http://example.org/x.png) <img src=x> `code` $x$ :red[x]"
    app = typed(opened(), f"a = tensor([1.]) {marks}\na.nothing {marks}\n")
    for mark in ("![x]", "<img", "$x$"):
        assert mark in plain(app) and mark not in written(app)
    assert all("<img" not in html.value for html in app.main.get("html") if hasattr(html, "value"))


def test_the_lines_outlive_a_visit_to_another_page():
    app = typed(opened(), "x = tensor([2.])")
    app.switch_page("pages/traps.py")
    app.query_params.clear()
    sound(app.run())
    app.switch_page("pages/autograd.py")
    app.query_params.clear()
    sound(app.run())
    assert app.main.text_area[0].value == "x = tensor([2.])" and "x is new: 2" in plain(app)


def links(app):
    return {link.proto.label: link.proto for link in app.main.get("page_link")}


def test_examples_lead_to_the_same_mistake_in_a_training_loop_and_back_and_to_their_loss():
    found = links(press(opened(example="broadcast"), "Run"))
    assert found["In a training loop"].query_string == "trap=broadcast"
    assert found["Loss: MSE"].query_string == "view=one&loss=mse"
    assert len(found) == 3
    app = open_page("traps", trap="broadcast")
    app.session_state.guesses = {"broadcast": ""}
    assert links(sound(app.run()))["In a few lines"].query_string == "example=broadcast"
