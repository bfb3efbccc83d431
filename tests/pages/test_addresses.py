"""Every page, opened with any address: nothing raises, what is ignored is said, nothing of it is Markdown.

With `--hypothesis-profile=thorough` it is forty times as many addresses, and every pair of pages with every
preset.
"""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import Config, budget
from core.compare.comparison import (
    FIRST,
    MAX_NAME,
    Comparison,
    Variant,
    first_runs,
    kept,
    label,
    one_line,
    read,
    ready,
)
from core.config import KNOBS, parse
from core.lines import BEFORE, LINES, MAX_LINES, part
from core.sweep.sweep import read as read_sweep
from core.watch.examples import PRESETS
from pages._ui.shared.badges import JOINER, plain
from tests.helpers.addresses import (
    COMPARING,
    HOST,
    LONG,
    MARKUP,
    OWN,
    RATE_CHANGES,
    WEIGHTS,
    addresses,
    fields,
)
from tests.helpers.app import opened, sound

PAGES = list(OWN)
MANY = settings().max_examples
THOROUGH = MANY > 1000
FEW = settings(max_examples=MANY // 12)  # a page takes a tenth of a second to a second


@pytest.fixture(scope="module", autouse=True)
def little_work():
    """Runs may stay unfinished: it is about addresses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "TIME_LIMIT_S", 0.2)
        yield


def went(app, page):
    return sound(app.switch_page(f"pages/{page}.py").run())


def markdown(app):
    """All that Streamlit draws as Markdown, and may have got from an address."""
    kinds = ("markdown", "caption", "warning", "info", "error", "success", "expander", "popover")
    for kind in kinds:
        for element in app.get(kind):
            yield getattr(element, "value", None) or getattr(element, "label", "")
    for element in app.get("button_group"):
        yield from element.options


LEADS_AWAY = re.compile(
    rf"(https?://|www\.)\S*{re.escape(HOST)}|(?<!\\)!?\[[^\]]*\]\(|<img|<a ", re.IGNORECASE
)


# -- reading, without a page ---------------------------------------------------------------


@given(addresses("compare"))
@settings(max_examples=4 * MANY)
def test_a_comparison_of_any_address_is_whole_and_its_names_are_of_checked_values(params):
    comparison, notes = read(params)
    for _, name, config in comparison.named():
        assert isinstance(config, Config) and name.isprintable()
    for variant in comparison.variants:
        derived = label(variant.unnamed, comparison.baseline)
        assert len(derived) < 500 and not set(derived) & set("<>`[]$*\n") and HOST not in derived
        assert len(variant.name) <= MAX_NAME
    assert not set(one_line(notes)) & set("<>`[]\n")
    again, said = read(comparison.to_params())
    assert again == comparison
    assert {*said} <= {*notes}  # a run whose change gives way says so each time; nothing is ignored


@given(addresses("sweep"))
@settings(max_examples=2 * MANY)
def test_a_sweep_of_any_address_is_whole(params):
    baseline = read({name: texts for name, texts in params.items() if name in KNOBS})[0].baseline
    sweep, notes = read_sweep({name: texts[0] for name, texts in params.items()}, baseline)
    assert all(cell.configs or cell.refused for cell in sweep.cells)
    assert not set("".join(map(str, [*sweep.x.labels, *sweep.y.labels, *notes]))) & set("<>`[]\n")
    own = {name: texts[0] for name, texts in sweep.to_params().items()}
    assert read_sweep(own, baseline) == (sweep, [])


@pytest.mark.parametrize("field", KNOBS)
def test_a_text_that_is_too_long_is_refused_and_not_cut(field):
    begin = KNOBS[field].text(getattr(Config(), field))
    for text in (f"{begin}{' ' * 1000}", f"120_0.1__{'0' * 791}[x](https://{HOST})", "16-" * 400, "0_" * 600):
        with pytest.raises(ValueError, match=rf"^{field} must be at most 800 characters; got "):
            parse(field, text)


@pytest.mark.parametrize("good", [f"schedule~{RATE_CHANGES}", f"start~{WEIGHTS}"])
def test_what_stands_behind_a_good_text_is_no_longer_cut_off_and_in_the_name(good):
    assert len(read({"run": [good]})[0].variants) == 1
    comparison, notes = read({"run": [f"{good}{MARKUP[0]}"]})
    assert comparison.variants == () and len(notes) == 1


def test_a_run_that_is_too_long_is_refused_with_its_limit():
    assert read({"run": [LONG]})[1] == ["a run: must be at most 4,000 characters; got 4,001"]


def test_the_longest_run_of_all_is_read_again():
    number = -1.2345678901234567e-105
    taken = {part(name): name for name in sorted(LINES, key=len)}  # of each part its longest name
    loop = sorted(taken.values(), key=len)[-MAX_LINES:]
    reals = dict.fromkeys(("noise", "val_share", "lr", "momentum", "weight_decay"), -number)
    longest = Config(
        dataset="deliveries_exact",
        hidden=(256, 256, 256),
        activation="tanh",
        start=(number,) * 8,
        loss="smooth_l1",
        schedule=tuple((4981 + place, -number) for place in range(20)),
        batch_size=1024,
        steps=5000,
        seed=999999,
        dtype="float64",
        loop=tuple(loop),
        before=tuple(BEFORE),
        **reals,
    )
    comparison = Comparison(Config(), (kept(longest),))
    assert len(kept(longest).text()) > 1000
    assert read(comparison.to_params()) == (comparison, [])


@given(st.floats(10000.001, 1e6))
def test_first_runs_that_are_not_possible_are_left_out_with_a_sentence(lr):
    variants, (sentence,) = first_runs(Config(lr=lr))
    assert variants == FIRST.variants[1:]
    assert sentence.startswith(
        "The run lr~x100 of the first page is left out: lr must be a number from 0 to 1000000"
    )
    assert first_runs(Config(lr=10000.0)) == (FIRST.variants, [])


@pytest.mark.parametrize("variant, name", [
    (Variant((("hidden", "016-4"),)), "Hidden sizes 16-4"),
    (Variant((("schedule", "007_0.50"),)), "Learning rate changes 7_0.5"),
    (Variant((("lr", "x5e-324"),)), "Learning rate × 4.94066e-324"),
])  # fmt: skip
def test_a_name_is_made_of_the_value_and_not_of_the_text(variant, name):
    assert label(variant, Config()) == name


# -- as text -------------------------------------------------------------------------------


@pytest.mark.parametrize("text, drawn", [
    ("Learning rate ÷ 10, loss.item() 0.5", "Learning rate ÷ 10, loss.item() 0.5"),
    ("zero_grad", "zero_grad"),
    ("__x_", r"\_\_x\_"),
    ("[a](b) ![c](d)", r"\[a\](b) \!\[c\](d)"),
    ("`a` *b* $c$ ~d~ <e> &f;", r"\`a\` \*b\* \$c\$ \~d\~ \<e\> \&f;"),
    ("www.a.b", f"www{JOINER}.a.b"),
    ("https://a.b", f"http{JOINER}s:{JOINER}//a.b"),
    ("a@b.c", f"a{JOINER}@b.c"),
    (":material/home: :red[x]", rf":{JOINER}material/home: :{JOINER}red\[x\]"),
])  # fmt: skip
def test_what_is_drawn_as_text_has_no_markup_left(text, drawn):
    assert plain(text) == drawn


# -- pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_any_address_opens_a_page(page):
    @given(addresses(page))
    @FEW
    def holds(params):
        app = opened(page, **params)
        assert [text for text in markdown(app) if LEADS_AWAY.search(text)] == []
        again = opened(page, **{name: app.query_params[name] for name in app.query_params})
        assert not again.warning, again.warning

    holds()


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_ignores_is_said(page):
    fields_of = [name for name in fields(page) if (page, name) not in SAID_ELSEWHERE]

    @given(st.sampled_from([*fields_of, "color"]), st.sampled_from([LONG, *UNREADABLE]))
    @FEW
    def holds(name, text):
        app = opened(
            page, **{name: [text]} | ({"steps": ["2"]} if page in COMPARING and name != "steps" else {})
        )
        assert app.warning

    holds()


SAID_ELSEWHERE = {("autograd", "text"), ("watch", "look")}
UNREADABLE = ("![x](y)", "~~", "\x00", "www.x.y")


@pytest.mark.parametrize("address, said", [
    ({"lr": ["20000"]}, "page is left out: lr must be a number from 0 to 1000000; got 2000000.0"),
    ({"lr": ["1e6"], "dataset": ["sine"]}, "lr~x100 of the first page is left out"),
])  # fmt: skip
def test_a_learning_rate_above_10000_opens_the_first_page_with_one_sentence(address, said):
    app = opened("compare", **address | {"steps": ["2"]})
    assert len(app.warning) == 1 and said in app.warning[0].value.replace("\\", "")
    assert [variant.text() for variant in app.session_state.comparison.variants] == ["loop~FLBS"]


def test_watching_the_run_with_a_large_learning_rate_and_going_back_has_one_sentence():
    app = opened("watch", **Config(lr=50000.0, steps=2).to_params() | {"at": "0.0"})
    assert not app.warning  # there are no runs to be left out
    app.query_params.clear()
    went(app, "compare")
    assert len(app.warning) == 1 and "lr must be a number from 0 to 1000000" in app.warning[0].value
    went(app, "sweep")


def test_rates_far_below_the_usual_ones_can_be_swept():
    app = opened("sweep", **{"y": ["lr~0.1~7~1e-12"], "x": ["loss~bce"], "steps": ["2"]})
    assert not app.warning
    assert next(one for one in app.number_input if one.label == "Lowest").value == 1e-12


def _changes():
    """What a session may have: every example of the Watch page, and every ready change as a baseline."""
    presets = [preset.config for preset in PRESETS.values()]
    first = Config(steps=2)
    return [*presets, *(variant.config(first)[0] for variant in ready(first)), Config(lr=100.0, steps=2)]


def _circuit(names):
    """Every page after every other one, without a break: the circuit through all ordered pairs."""
    left = {name: [other for other in names if other != name] for name in names}
    stack, way = [names[0]], []
    while stack:
        if left[stack[-1]]:
            stack.append(left[stack[-1]].pop())
        else:
            way.append(stack.pop())
    return way[::-1]


def test_the_circuit_has_every_ordered_pair_once():
    way = _circuit(PAGES)
    pairs = list(pairwise(way))
    assert len(pairs) == len(set(pairs)) == len(PAGES) * (len(PAGES) - 1)


def test_every_page_is_reached_from_every_other_one_with_every_preset():
    """Unless thorough, presets take turns: every other page goes on with what the session has."""
    chosen, circuit = _changes(), _circuit(PAGES)
    for config in chosen if THOROUGH else chosen[:1]:
        app = opened("compare", **config.to_params())
        for number, page in enumerate(circuit[1:]):
            app.query_params.clear()  # the navigation leads to a page without an address
            if page in COMPARING and number % 2 and not THOROUGH:
                baseline = replace(chosen[number % len(chosen)], steps=2)
                for name, text in baseline.to_params().items():
                    app.query_params[name] = text
            went(app, page)
