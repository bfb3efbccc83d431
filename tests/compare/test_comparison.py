"""Comparisons: changes and names of runs, an address that says it all, and links that say nonsense."""

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core import Config
from core.budget import MAX_RUNS
from core.compare.comparison import (
    FIRST,
    MAX_NAME,
    MAX_TEXT,
    SEPARATOR,
    SKIP,
    Comparison,
    Named,
    Variant,
    Waiting,
    columns_label,
    kept,
    label,
    one_line,
    read,
    ready,
)
from core.config import KNOBS
from core.data import Own
from core.lines import BEFORE, LINES, MAX_LINES, USUAL, from_letters, loop_label, part
from core.seeds import MAX_SEED
from tests.helpers.strategies import configs

FLOATS = ("noise", "val_share", "lr", "momentum", "weight_decay")


def max_lines():
    """The longest names that fit one loop."""
    lines: list[str] = []
    for name in sorted(LINES, key=len, reverse=True):
        if len(lines) < MAX_LINES and part(name) not in map(part, lines):
            lines.append(name)
    return tuple(lines)


def change(name, text):
    return Variant(((name, text),))


def possible(variant, baseline):
    try:
        variant.config(baseline)
    except ValueError:
        return False
    return True


@st.composite
def variants(draw):
    """One change to a value that some Config has, a factor, or a kept Config."""
    other = draw(configs())
    if draw(st.booleans()):
        return kept(other)
    if draw(st.booleans()):
        return change(draw(st.sampled_from(FLOATS)), f"x{draw(st.floats(0, 100))!r}")
    name = draw(st.sampled_from(tuple(KNOBS)))
    return change(name, KNOBS[name].text(getattr(other, name)))


@st.composite
def comparisons(draw):
    """A baseline with up to five other runs, possible on it or not; kept runs stand last."""
    baseline = draw(configs())
    chosen = draw(st.lists(variants(), max_size=MAX_RUNS - 1, unique=True))
    return Comparison(baseline, tuple(sorted(chosen, key=lambda variant: variant.kept)))


def names():
    """Any name that a run may have, and none."""
    texts = st.text(max_size=MAX_NAME).map(str.strip).filter(str.isprintable)
    return st.one_of(texts, st.sampled_from(["a~name~b", "~", "-", "none", "keep", "lr~2", "Baseline"]))


@st.composite
def named_comparisons(draw):
    """The same with names of their own."""
    plain = draw(comparisons())
    own = draw(st.lists(names(), min_size=MAX_RUNS, max_size=MAX_RUNS))
    named = [replace(variant, name=name) for variant, name in zip(plain.variants, own, strict=False)]
    return replace(plain, variants=tuple(named))


# -- there and back ------------------------------------------------------------------------


@given(named_comparisons())
@settings(deadline=None)
def test_a_comparison_survives_its_address(comparison):
    again, _ = read(comparison.to_params())
    assert again == comparison
    assert again.to_params() == comparison.to_params()


@given(configs())
@settings(deadline=None)
def test_a_config_survives_being_kept(config):
    comparison = Comparison(Config(), (kept(config),))
    again, notes = read(comparison.to_params())
    assert notes == []
    assert again.variants[0].config(Config())[0] == config


SMALL = 2.2250738585072014e-308  # no number has a longer text
LONGEST = Config(
    dataset="breast_cancer",
    model="mlp_norm",
    hidden=(256, 255, 254, 253, 252, 251),
    activation="sigmoid",
    start=(-SMALL,) * 26,
    loss="weighted",
    loss_arguments=(
        ("ignore_index", -100), ("label_smoothing", SMALL), ("reduction", "mean"), ("weight", (-SMALL,) * 10)
    ),
    optimizer="nadam",
    optimizer_arguments=(
        ("betas", (0.0,) * 10), ("decoupled_weight_decay", True), ("eps", SMALL), ("maximize", True),
        ("momentum_decay", SMALL),
    ),
    schedule=tuple((step, SMALL) for step in range(19000, 19020)),
    batch_size=1024,
    steps=19999,
    seed=MAX_SEED,
    dtype="float64",
    loop=max_lines(),
    before=tuple(BEFORE),
    **dict.fromkeys(FLOATS, SMALL),
)  # fmt: skip


def test_the_longest_run_that_can_be_kept_survives_its_address():
    comparison = Comparison(Config(), (kept(LONGEST),))
    assert 1500 < len(kept(LONGEST).text()) <= MAX_TEXT
    assert read(comparison.to_params()) == (comparison, [])
    named = Comparison(Config(), (replace(kept(LONGEST), name="W" * MAX_NAME),))
    assert len(named.variants[0].text()) <= MAX_TEXT
    assert read(named.to_params()) == (named, [])


def test_a_run_of_good_pairs_is_refused_once_its_text_is_too_long():
    fits, over = (SEPARATOR.join(["lr~0.5"] * count) for count in (MAX_TEXT // 7, MAX_TEXT // 7 + 1))
    assert len(fits) <= MAX_TEXT < len(over)
    assert read({"run": [fits]})[1] == []
    assert read({"run": [over]}) == (
        Comparison(Config(), ()),
        [f"a run: must be at most {MAX_TEXT:,} characters; got {len(over):,}"],
    )


def test_the_first_comparison_has_an_empty_address():
    assert FIRST.to_params() == {}
    assert read({}) == (FIRST, [])


def test_a_comparison_of_one_run_says_so_in_its_address():
    alone = Comparison(Config(), ())
    assert alone.to_params() == {"run": ["none"]}
    assert read(alone.to_params()) == (alone, [])


@given(comparisons())
@settings(deadline=None)
def test_an_address_is_short_and_plain(comparison):
    for name, texts in comparison.to_params().items():
        assert re.fullmatch(r"[a-z_]+", name)
        assert all(re.fullmatch(r"[\w.~+-]*", text, re.ASCII) for text in texts)
        assert sum(map(len, texts)) < 4000


def test_first_shows_the_usual_loop_a_learning_rate_too_high_and_zero_grad_skipped():
    high, skipped = (variant.config(FIRST.baseline)[0] for variant in FIRST.variants)
    assert high.lr == 100 * FIRST.baseline.lr
    assert skipped.loop == ("forward", "loss", "backward", "step")
    assert FIRST.baseline.loop == ("zero_grad", "forward", "loss", "backward", "step")


# -- variants ------------------------------------------------------------------------------


@pytest.mark.parametrize("text, lr", [
    ("x2", 1.0), ("x0.1", 0.05), ("x100", 50.0), ("x1e1", 5.0), ("x1", 0.5), ("x0", 0.0), ("3", 3.0),
])  # fmt: skip
def test_a_factor_multiplies_the_baseline(text, lr):
    assert change("lr", text).config(Config(lr=0.5))[0].lr == lr


def test_a_factor_follows_the_baseline_and_a_kept_run_does_not():
    assert change("lr", "x10").config(Config(lr=0.03))[0].lr == 0.3
    held = Variant((("lr", "x10"),), kept=True)
    assert held.config(Config(lr=0.03))[0].lr == 5.0  # ten times the default


@given(configs(), configs(), configs())
@settings(deadline=None)
def test_a_kept_run_stays_the_same_while_the_baseline_moves(config, one, another):
    held = kept(config)
    assert held.config(one) == held.config(another) == (config, [])


@given(configs(), st.data())
@settings(deadline=None)
def test_a_change_changes_its_field_and_only_what_has_to_give_way(baseline, data):
    variant = data.draw(variants().filter(lambda variant: not variant.kept))
    assume(possible(variant, baseline))
    config, notes = variant.config(baseline)
    ((name, _),) = variant.changes
    different = {knob for knob in KNOBS if getattr(config, knob) != getattr(baseline, knob)}
    follow = {  # sgd_by_hand takes no scheduler, and a scheduler its own line
        "optimizer": {"lr", "loop", "scheduler", "before"},
        "scheduler": {"loop", "gamma"},
        "loop": {"scheduler"},
    }.get(name, set())
    follow |= {"momentum", "loss_arguments", "optimizer_arguments"}
    assert different <= {name, "model", "loss", *follow}
    assert all(note.endswith("is taken") for note in notes)


@pytest.mark.parametrize("field", ["momentum", "val_share", "noise", "weight_decay", "lr"])
def test_a_factor_that_is_too_large_is_refused_in_the_words_of_its_field(field):
    baseline = Config(lr=5e5, momentum=0.5, val_share=0.4, noise=0.5, weight_decay=0.5)
    for factor in ("x3", "x200"):
        with pytest.raises(ValueError, match=rf"^{field} must be a number from 0 to"):
            change(field, factor).config(baseline)


# -- ready changes -------------------------------------------------------------------------


@given(configs())
@settings(deadline=None)
def test_ready_changes_are_one_thing_each_valid_and_different_from_the_baseline(baseline):
    offered = ready(baseline)
    assert len(set(offered)) == len(offered)
    for variant in offered:
        assert len(variant.changes) == 1 and not variant.kept
        assert variant.config(baseline)[0] != baseline


def test_ready_changes_cover_lr_zero_grad_loss_optimizer_seed_and_order():
    changes = [variant.changes[0] for variant in ready(Config())]
    assert {name for name, _ in changes} == {"lr", "loop", "loss", "optimizer", "seed"}
    factors = {float(text[1:]) for name, text in changes if name == "lr"}
    assert min(factors) < 1 < max(factors)
    loops = {from_letters(text) for name, text in changes if name == "loop"}
    assert USUAL[1:] in loops
    assert any(len(loop) == 5 and loop != USUAL for loop in loops)


@pytest.mark.parametrize("baseline", [Config(), Config(dataset="digits", model="lenet", loss="bce")])
def test_a_link_to_a_ready_change_opens_without_a_remark(baseline):
    remarks = {v.text(): read(Comparison(baseline, (v,)).to_params())[1] for v in ready(baseline)}
    assert {text: notes for text, notes in remarks.items() if notes} == {}


def test_where_zero_grad_is_left_out_already_the_usual_loop_is_offered():
    assert change("loop", "ZFLBS") in ready(Config(loop=from_letters("FLBS")))


# -- labels --------------------------------------------------------------------------------


@pytest.mark.parametrize("variant, expected", [
    (SKIP, "No zero_grad"),
    (change("loop", "ZFLBS"), "Usual loop"),
    (change("loop", "FLBSZ"), "Order F L B S Z"),
    (change("loop", "ZFL"), "No backward, step"),
    (change("loop", "none"), "No lines"),
    (change("lr", "x100"), "Learning rate × 100"),
    (change("lr", "x0.1"), "Learning rate ÷ 10"),
    (change("lr", "x0"), "Learning rate × 0"),
    (change("lr", "0.25"), "Learning rate 0.25"),
    (change("loss", "mse"), "MSE"),
    (change("dataset", "xor"), "XOR"),
    (change("optimizer", "adam"), "Adam"),
    (change("hidden", "8-8"), "Hidden sizes 8-8"),
    (change("seed", "1"), "Seed 1"),
    (Variant((("lr", "2.0"), ("seed", "3"))), "Learning rate 2, Seed 3"),
    (kept(Config()), "Kept: same as baseline"),
    (kept(Config(lr=2.0)), "Kept: Learning rate 2"),
])  # fmt: skip
def test_a_label_says_what_differs(variant, expected):
    assert label(variant, Config()) == expected


@given(configs(), st.data())
@settings(deadline=None)
def test_every_possible_variant_has_a_label_of_one_line(baseline, data):
    variant = data.draw(variants())
    assume(possible(variant, baseline))
    words = label(variant, baseline)
    assert words and "\n" not in words and not set(words) & set("<>`[]$")


@given(st.permutations(USUAL), st.integers(0, 5))
@settings(deadline=None)
def test_different_loops_have_different_labels(order, length):
    loop = tuple(order[:length])
    assert (loop_label(loop) == loop_label(USUAL)) == (loop == USUAL)


def test_every_run_has_a_name_of_its_own():
    """Numbers that are shown alike would else be one run of two."""
    close = [change("lr", text) for text in ("0.1000001", "0.1000002", "0.1000003")]
    comparison = Comparison(Config(), (*close, SKIP))
    assert comparison.named() == [
        (0, "Baseline", Config()),
        (1, "Learning rate 0.1", Config(lr=0.1000001)),
        (2, "Learning rate 0.1 (2)", Config(lr=0.1000002)),
        (3, "Learning rate 0.1 (3)", Config(lr=0.1000003)),
        (4, "No zero_grad", Config(loop=USUAL[1:])),
    ]


@given(named_comparisons())
@settings(deadline=None)
def test_no_two_runs_have_one_name_whatever_they_are_called(comparison):
    called = [run.name for run in comparison.runs()]
    assert len(set(called)) == len(called) == len(comparison.variants) + 1
    assert called[0] == "Baseline"


def test_a_name_like_a_number_that_was_given_is_passed_over():
    first, second, third = (replace(change("lr", text), name="A") for text in ("0.1", "0.2", "0.3"))
    comparison = Comparison(Config(), (first, replace(second, name="A (2)"), third))
    assert [run.name for run in comparison.runs()] == ["Baseline", "A", "A (2)", "A (3)"]


# -- names of one's own --------------------------------------------------------------------


@pytest.mark.parametrize("text, name, bare", [
    ("lr~x2~name~Too fast", "Too fast", "lr~x2"),
    ("lr~x2~seed~1~name~Both", "Both", "lr~x2~seed~1"),
    ("keep~name~As it was", "As it was", "keep"),
    ("lr~x2~name~ a~name~b ", "a~name~b", "lr~x2"),
    ("lr~x2~name~", "", "lr~x2"),
    ("lr~x2~name~   ", "", "lr~x2"),
])  # fmt: skip
def test_a_name_stands_last_in_a_link(text, name, bare):
    (variant,) = read({"run": [text]})[0].variants
    assert (variant.name, variant.unnamed.text()) == (name, bare)
    assert label(variant, Config()) == name or not name


def test_a_name_without_a_change_is_no_run():
    assert read({"run": ["name~Mine"]})[1] == ["a run: must be field~value pairs; got 'name?Mine'"]


@pytest.mark.parametrize("name, sentence", [
    ("W" * (MAX_NAME + 1), "name must be at most 40 characters; got 41"),
    ("two\nlines", "name must be printable characters; got 'two?nlines'"),
    ("turned \u202e round", "name must be printable characters; got 'turned ?u202e round'"),
    ("half \ud800", "name must be printable characters; got 'half ?ud800'"),
])  # fmt: skip
def test_a_name_that_is_too_long_or_not_printable_is_refused_and_not_cut(name, sentence):
    with pytest.raises(ValueError) as error:
        Variant((("lr", "x2"),), name=name)
    assert str(error.value) == sentence
    assert read({"run": [f"lr~x2~name~{name}", "seed~1"]}) == (
        Comparison(Config(), (change("seed", "1"),)),
        [f"a run: {sentence}"],
    )


def test_the_same_changes_under_two_names_are_one_run():
    comparison, notes = read({"run": ["lr~x2~name~One", "lr~x2~name~Two", "lr~x2"]})
    assert [v.text() for v in comparison.variants] == ["lr~x2~name~One"] and notes == []
    both = Comparison(Config(), (change("lr", "x2"), change("lr", "x5")))
    with pytest.raises(ValueError, match="must not make the same changes as another run"):
        both.with_run(2, replace(change("lr", "x2"), name="Mine"))


def test_another_run_takes_the_place_of_one_and_leaves_the_others():
    three = Comparison(Config(), (change("lr", "x2"), change("seed", "1"), change("loss", "mse")), (1, 3, 4))
    other = three.with_run(3, change("seed", "2"))
    assert [v.text() for v in other.variants] == ["lr~x2", "seed~2", "loss~mse"]
    assert other.places == three.places


# -- several changes, and those that are not possible for now ------------------------------


def test_a_run_of_several_changes_makes_them_all_and_its_name_lists_them():
    variant = read({"run": ["lr~x2~loop~FLBS~optimizer~adam"]})[0].variants[0]
    assert variant.config(Config())[0] == Config(lr=1.0, loop=USUAL[1:], optimizer="adam")
    assert label(variant, Config()) == "Learning rate × 2, No zero_grad, Adam"


def test_of_a_field_that_is_given_twice_the_last_counts_and_is_named_once():
    (variant,) = read({"run": ["lr~0.1~lr~0.2"]})[0].variants
    assert variant == change("lr", "0.2") and label(variant, Config()) == "Learning rate 0.2"


@pytest.mark.parametrize("baseline, text, name, reason", [
    (Config(lr=2e4), "lr~x100", "Learning rate × 100",
     "Learning rate must be a number from 0 to 1000000; got 2000000.0."),
    (Config(dataset="sine"), "loss~bce", "BCE with logits",
     "Loss must be one of mse, l1, huber, smooth_l1 for sine; got bce."),
    (Config(), "model~lenet", "LeNet", "Model must fit the data set: lenet is for digits; got moons."),
    (Config(optimizer="nesterov"), "momentum~0.0", "Momentum 0",
     "Momentum must be above 0 for nesterov; got 0.0."),
])  # fmt: skip
def test_a_run_that_is_not_possible_waits_in_its_place_with_its_reason(baseline, text, name, reason):
    comparison, notes = read(
        {**{k: [v] for k, v in baseline.to_params().items()}, "run": ["-", text, "seed~1"]}
    )
    assert notes == []
    assert comparison.runs()[1:] == [
        Waiting(2, name, reason),
        Named(3, "Seed 1", replace(baseline, seed=1)),
    ]
    assert [run.place for run in comparison.named()] == [0, 3]
    assert read(comparison.to_params()) == (comparison, [])


def test_a_run_that_waited_comes_back_when_it_is_possible_again():
    comparison = replace(FIRST, baseline=Config(lr=2e4))
    assert comparison.to_params() == {"lr": ["20000.0"], "run": ["lr~x100", "loop~FLBS"]}
    assert read(comparison.to_params()) == (comparison, [])
    again = replace(comparison, baseline=Config(lr=0.2))
    assert again.named()[1] == (1, "Learning rate × 100", Config(lr=20.0))


@pytest.mark.parametrize(
    "text", ["lr~x-1", "lr~2e6", "steps~x2", "keep~lr~x3e6", "loss~mean", "seed~1~lr~xx2"]
)
def test_what_is_possible_on_no_baseline_is_refused_and_does_not_wait(text):
    comparison, notes = read({"run": [text]})
    assert comparison.variants == () and len(notes) == 1


def test_a_run_keeps_its_place_when_others_go_and_its_link_says_so():
    first, second, third = (change("lr", text) for text in ("0.1", "0.2", "0.3"))
    comparison = Comparison(Config(), (first, second, third)).with_runs([third])
    assert comparison.places == (3,)
    assert comparison.to_params()["run"] == ["-", "-", "lr~0.3"]
    assert read(comparison.to_params()) == (comparison, [])
    more = comparison.with_runs([third, second, first])  # new ones take the free places, in their order
    assert dict(zip(more.variants, more.places, strict=True)) == {second: 1, first: 2, third: 3}
    assert read(more.to_params()) == (more, [])


def test_more_free_places_than_there_are_are_given_up():
    comparison, notes = read({"run": ["-"] * 9 + ["lr~0.3"]})
    assert comparison.places == (1,) and notes == []
    assert read({"run": ["-", "-"]}) == (Comparison(Config(), ()), [])


# -- links that say nonsense ---------------------------------------------------------------

LONG = "A" * 100_000
HOSTILE = [
    {"color": ["red"]},
    {"__class__": ["x"], "self": ["y"], "run.": ["z"]},
    {"<script>alert(1)</script>": ["1"]},
    {f"field{i}": ["1"] for i in range(1000)},
    *[{"lr": [text]} for text in (
        "", " ", "nan", "inf", "-inf", "-1", "1e999", "1e308", "-0.0001", "0x10", "1_0", "1,5", "½", "١",
        "１", "+-1", "1e", ".", "True", "None", "lr", "x2", "0.5\n", "0.5\x00", "1" * 41, "9" * 100_000,
        "0." + "1" * 38 + "<b>", "0." + "1" * 38 + "_1",
    )],
    *[{"steps": [text]} for text in (
        "0", "-1", "20001", "1000000000", "1e3", "3.0", "٣٠٠", "³", "9" * 10_000, "", "true",
    )],
    *[{"seed": [text]} for text in ("-1", str(2**63), "nan", "0b1")],
    *[{"hidden": [text]} for text in (
        "", "-", "0", "257", "1-1-1-1-1-1-1", "16--16", "-16", "1-" * 5000, "a-b", "１６", "16-16<img>",
    )],
    *[{"loop": [text]} for text in (
        "", "ZZ", "zflbs", "ZFLBSZ", "ZFLBS" * 1000, "ΖFLBS", "import os", "none ", "\x00",
    )],
    *[{"dataset": [text]} for text in (
        "", "MNIST", "../../etc/passwd", "C:\\data", "file:///etc/passwd", "moons\x00", "__init__", "make",
        "<img src=x onerror=alert(1)>", "javascript:alert(1)", "[a](javascript:b)", "![x](http://y/z.png)",
        "`rm -rf /`", "$\\alpha$", ":red[x]", "%3Cscript%3E", "{{7*7}}", "${7*7}", "' OR 1=1 --", LONG,
    )],
    {"model": ["Module"]},
    {"loss": ["Module"]},
    {"optimizer": ["LBFGS"]},
    {"activation": ["__import__('os')"]},
    {"dtype": ["float16"]},
    {"device": ["meta"]},
    {"lr": ["0.1"] * 1000},
    {"lr": []},
    {"run": []},
    {name: ["nan"] for name in KNOBS},
    {name: [LONG] for name in [*KNOBS, "run"]},
    *[{"run": [text]} for text in (
        "", "~", "~~~~", "~" * 100_000, "lr", "lr~", "~1", "lr~1~", "lr~1~seed", "run~lr", "keep~lr",
        "lr~x", "lr~xx2", "lr~x0", "lr~x-0", "lr~x-1", "lr~xnan", "lr~xinf", "lr~x1e999", "lr~x5e-324",
        "seed~x2", "hidden~x2", "loop~x2", "dataset~<b>", "lr~0.5~lr~0.6", "NONE", "none~none", LONG,
        "momentum~x200", "steps~99999999", "lr~1 ", "__class__~1", "LR~1", "ｌｒ~1",
    )],
    *[{"run": [f"keep~{text}"]} for text in ("", "~", "none", "loss~cross_entropy~dataset~sine")],
    *[{"run": [f"keep~{text}"]} for text in ("model~lenet", LONG)],
    {"run": ["lr~x2"] * 1000},
    {"run": [f"seed~{i}" for i in range(1, 1001)]},
    {"run": ["lr~x2", *(f"keep~seed~{i}" for i in range(100))]},
    {"run": ["none", "none", "lr~x2"]},
]  # fmt: skip


def name_of(params):
    return repr(params)[:50]


@pytest.mark.parametrize("params", HOSTILE, ids=name_of)
def test_any_address_gives_a_comparison_and_one_plain_line(params):
    comparison, notes = read(params)
    assert len(comparison.variants) < MAX_RUNS
    for variant in comparison.variants:
        config, _ = variant.config(comparison.baseline)  # valid, or this would raise
        assert isinstance(config, Config)
        words = label(variant, comparison.baseline)
        assert len(words) < 500 and not set(words) & set("<>`[]$\n")
    line = one_line(notes)
    assert len(line) < 1000
    assert not set(line) & set("<>`[]$\n\x00")
    assert line.isascii()


@pytest.mark.parametrize("params", HOSTILE, ids=name_of)
def test_the_address_after_nonsense_is_clean(params):
    comparison, _ = read(params)
    clean = comparison.to_params()
    assert read(clean)[0] == comparison
    assert all(len(text) <= 400 and text.isascii() for texts in clean.values() for text in texts)


def says_something(params):
    """Whether there is anything in these parameters to be ignored."""
    known_and_empty = all(name in [*KNOBS, "run"] and not texts for name, texts in params.items())
    allowed = (
        {"run": ["lr~x0"]}, {"run": ["lr~x-0"]}, {"run": ["lr~x5e-324"]}, {"run": ["lr~0.5~lr~0.6"]},
        {"run": ["lr~x2"] * 1000}, {"run": ["none", "none", "lr~x2"]}, {"run": ["keep"]},
        {"run": ["momentum~x200"]},
    )  # fmt: skip
    return not known_and_empty and params not in allowed


@pytest.mark.parametrize("params", [p for p in HOSTILE if says_something(p)], ids=name_of)
def test_what_is_ignored_is_said(params):
    assert read(params)[1]


texts = st.lists(st.text(max_size=30), max_size=4)


@given(st.dictionaries(st.one_of(st.sampled_from([*KNOBS, "run"]), st.text(max_size=10)), texts))
@settings(deadline=None)
def test_no_address_raises(params):
    comparison, notes = read(params)
    assert read(comparison.to_params())[0] == comparison
    assert not set(one_line(notes)) & set("<>`[]")


fragments = st.sampled_from([*KNOBS, "~", "x", "1", "0", "0.5", "-", "e", "none", "ZFLBS", "mse", "iris"])


@given(st.lists(st.lists(fragments, max_size=8).map("".join), max_size=8), st.just("run"))
@settings(deadline=None)
def test_no_run_made_of_known_words_raises(runs, name):
    comparison, notes = read({name: runs})
    for variant in comparison.variants:
        assert label(variant, comparison.baseline)
    assert len(one_line(notes)) < 1000


@pytest.mark.parametrize("params, expected, field", [
    ({"dataset": ["sine"], "loss": ["bce"]}, Config(dataset="sine", loss="mse"), "loss"),
    ({"dataset": ["iris"], "model": ["lenet"]}, Config(dataset="iris"), "model"),
    ({"optimizer": ["nesterov"], "momentum": ["0"]}, Config(optimizer="nesterov", momentum=0.9), "momentum"),
    ({"loss": ["l1"], "dataset": ["digits"], "model": ["lenet"]},
     Config(dataset="digits", loss="l1", model="lenet"), None),
])  # fmt: skip
def test_a_pair_that_does_not_fit_takes_the_nearest_choice_and_one_sentence(params, expected, field):
    comparison, notes = read(params)
    assert comparison.baseline == expected
    assert [note.split()[0] for note in notes] == ([field] if field else [])
    assert all(note.endswith("is taken") for note in notes)


def test_one_bad_value_leaves_the_others():
    comparison, notes = read({"lr": ["nan"], "seed": ["3"], "steps": ["40"]})
    assert comparison.baseline == Config(seed=3, steps=40)
    assert len(notes) == 1 and "lr must be a number from 0 to 1000000" in notes[0]


def test_more_runs_than_fit_are_left_out_with_their_number():
    comparison, notes = read({"run": [f"seed~{i}" for i in range(1, 11)]})
    assert [variant.text() for variant in comparison.variants] == [f"seed~{i}" for i in range(1, 6)]
    assert notes == ["runs must be at most 6, with the baseline; got 11"]


def test_one_run_more_than_fits_is_said_and_as_many_as_fit_are_not():
    runs = [f"seed~{i}" for i in range(1, MAX_RUNS + 1)]
    assert read({"run": runs[:-1]})[1] == []
    assert read({"run": runs})[1] == ["runs must be at most 6, with the baseline; got 7"]


def test_a_thousand_bad_runs_are_not_all_read():
    assert len(read({"run": [f"~{i}" for i in range(1000)]})[1]) < 50


def test_four_times_as_many_runs_as_fit_are_read_and_more_are_said():
    """Many that are the same are one; of those that are not read, nobody knows."""
    same = ["lr~x2"] * 4 * MAX_RUNS
    assert read({"run": same}) == (Comparison(Config(), (change("lr", "x2"),)), [])
    comparison, notes = read({"run": [*same, "seed~1"]})
    assert comparison.variants == (change("lr", "x2"),)
    assert notes == [f"runs must be at most 6, with the baseline; got {4 * MAX_RUNS + 2}"]


def test_one_line_counts_what_it_does_not_name():
    line = one_line([f"thing {i}" for i in range(10)])
    assert "thing 2" in line and "thing 3" not in line and "7 more" in line


def test_a_long_value_is_cut_in_the_name_of_a_run_and_nowhere_else():
    weights = "_".join(["0.123456789012345"] * 26)
    variant = Variant((("start", weights),))
    name = label(variant, Config())
    assert name.startswith("Starting weights 0.123456789012345_") and name.endswith("…") and len(name) < 80
    assert variant.text() == f"start~{weights}"


def test_columns_of_an_own_file_are_counted_from_1_and_those_that_follow_each_other_joined():
    own = Own("a.csv", "0123456789abcdef", (0, 1, 2, 5), 4, "regression")
    assert columns_label(own) == "Columns 1–3, 6 → 5"
    listed = ", ".join(str(column) for column in range(1, 17, 2))  # eight at most
    assert columns_label(own._replace(inputs=tuple(range(0, 16, 2)))) == f"Columns {listed} → 5"
    assert columns_label(own._replace(inputs=tuple(range(0, 18, 2)))) == f"Columns {listed}, … → 5"
