"""Config: checks that name field, limit and value; defaults that fit; text form and back."""

import dataclasses
import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import Config
from core.config import KNOBS, conflicts, nearest, parse, suiting, with_changes
from core.data import DATASETS
from core.fields import arguments_in_words
from core.lines import from_letters
from core.words import shown
from tests.helpers.strategies import configs

HUGE = pytest.param(10**400, id="huge")
FLOATS = ("noise", "val_share", "lr", "momentum", "weight_decay")
WHOLES = ("batch_size", "steps", "seed")
NAMES = ("dataset", "model", "activation", "loss", "optimizer", "dtype")

OUT_OF_RANGE = [  # field, value, the limit in words
    ("own", "iris.csv", "none, or hash_inputs_target_task_name of a file"),
    ("noise", -0.1, "from 0 to 1"),
    ("noise", 1.1, "from 0 to 1"),
    ("val_share", 0.6, "from 0 to 0.5"),
    ("lr", -1.0, "from 0 to 1000000"),
    ("lr", 1000001.0, "from 0 to 1000000"),
    ("momentum", 1.5, "from 0 to 1"),
    ("weight_decay", 2.0, "from 0 to 1"),
    ("batch_size", -1, "from 0 to 1024"),
    ("batch_size", 1025, "from 0 to 1024"),
    ("steps", 0, "from 1 to 20000"),
    ("steps", 20001, "from 1 to 20000"),
    ("seed", 2**63, "from 0 to 9223372036854775807"),
    ("hidden", (16, 0), "1 to 6 layers of 1 to 256 units"),
    ("hidden", (257,), "1 to 6 layers of 1 to 256 units"),
    ("hidden", (1, 2, 3, 4, 5, 6, 7), "1 to 6 layers of 1 to 256 units"),
    ("loop", ("forward", "forward"), "each at most once"),
    ("loop", ("zero_grad", "zero_grad_zeros"), "each at most once"),
    ("start", (1001.0,), "from -1000 to 1000"),
    ("start", (float("nan"),), "from -1000 to 1000"),
    ("start", ("glorot",), "from -1000 to 1000"),
    ("start", "5_2", "one for all tensors or one for each"),
    ("start", (1.0,) * 27, "one for all tensors or one for each"),  # six layers and the last have 26 at most
    ("start", (1.0, 2.0, 3.0), "one number, or 6 for this model"),
    ("schedule", ((3, 1000001.0),), "from 0 to 1000000"),
    ("schedule", ((0, 0.1),), "from 1 to 20000"),
    ("schedule", ((3, 0.1), (3, 0.2)), "each step once"),
    ("schedule", ((4, 0.1), (3, 0.2)), "each step once"),
    ("schedule", tuple((step, 0.1) for step in range(1, 22)), "at most 20 pairs"),
    ("loop", ("backward", "backward_retained"), "each at most once"),
    ("before", ("dead_relu", "dead_relu"), "each at most once"),
    ("before", ("eval",), "lines of optimizer_of_a_copy, "),
    ("loop", ("forward", "eval"), "known lines, each at most once"),
    ("dataset", "mnist", "one of deliveries, "),
    ("model", "Module", "one of linear, mlp, mlp_norm, mlp_dropout"),
    ("activation", "softmax", "one of tanh, relu, sigmoid, gelu"),
    ("loss", "Module", "one of mse, l1, huber, cross_entropy, bce"),
    ("optimizer", "LBFGS", "one of sgd, sgd_by_hand"),
    ("loss_arguments", (("reduction", "none"),), "one of mean, sum, batchmean for reduction"),
    ("loss_arguments", (("size_average", True),), "names of arguments with their values, each once"),
    ("optimizer_arguments", (("foreach", True),), "names of arguments with their values, each once"),
    (
        "optimizer_arguments",
        (("eps", 1e-8), ("eps", 1e-7)),
        "names of arguments with their values, each once",
    ),
    ("optimizer_arguments", (("eps", float("nan")),), "1 to 10 numbers of at most 1e+09 for eps"),
    ("optimizer_arguments", (("betas", (1,) * 11),), "1 to 10 numbers of at most 1e+09 for betas"),
    ("optimizer_arguments", (("amsgrad", 1),), "1 or 0 for amsgrad"),
    ("optimizer_arguments", (("max_iter", 101),), "a whole number up to 100 for max_iter"),
    ("dtype", "float16", "one of float32, float64"),
    ("max_norm", -1.0, "must be a number from 0 to 1000000"),
    ("accumulate", 0, "must be a whole number from 1 to 64"),
    ("scheduler", "linear", "must be one of none, step, exponential"),
    ("autocast", "float8", "must be one of bfloat16, float16"),
    ("dropout", 1.0, "must be a number from 0 to 0.9"),
    ("penalty", -1.0, "must be a number from 0 to 10"),
    ("gamma", 1.5, "must be a number from 0 to 1"),
    ("clip_value", -0.5, "must be a number from 0 to 1000000"),
]


@given(configs())
@example(Config(start=("he",)))
def test_address_and_back_is_the_identity(config):
    assert Config.from_params(config.to_params()) == config


@given(configs())
def test_an_address_is_short_plain_text(config):
    params = config.to_params()
    lists = {"start": 240, "schedule": 600}  # up to ten and twenty numbers; others are short
    for name, text in params.items():
        assert isinstance(text, str) and len(text) <= lists.get(name, 40)
        assert re.fullmatch(r"[\w.+-]+", text)  # nothing that a link would have to escape, but +


def test_the_default_config_has_an_empty_address():
    assert Config().to_params() == {}


@settings(deadline=None)
@given(st.sampled_from(list(KNOBS)), st.text(max_size=60))
def test_any_text_is_read_or_refused_in_a_sentence(name, text):
    try:
        value = parse(name, text)
    except ValueError as error:
        assert str(error).startswith(f"{name} must be ")
        assert "; got " in str(error)  # the text, or the number that it was read as
    else:
        assert KNOBS[name].check(value) == value


@pytest.mark.parametrize(("name", "value", "limit"), OUT_OF_RANGE)
def test_errors_name_field_limit_and_value(name, value, limit):
    with pytest.raises(ValueError) as caught:
        Config(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"{name} must be ")
    assert limit in message
    got = message.rsplit("; got ")[1]
    assert got == repr(value) or (isinstance(value, tuple) and got in (repr(value)[:40], *parts_of(value)))


def parts_of(value):
    """The texts of a tuple's length and of all numbers in it."""
    inner = [part for item in value for part in (item if isinstance(item, tuple) else (item,))]
    return [str(len(value)), *map(repr, inner)]


def test_every_field_has_a_refused_value_above():
    assert {name for name, _, _ in OUT_OF_RANGE} == {f.name for f in dataclasses.fields(Config)}


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), True, "0.1", HUGE, (0.1,)])
def test_a_number_must_be_a_finite_number(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a number from"):
        Config(**{name: value})


@pytest.mark.parametrize("name", WHOLES)
@pytest.mark.parametrize("value", [float("nan"), 3.0, False, "3", HUGE])
def test_a_whole_number_must_be_whole(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a whole number from"):
        Config(**{name: value})


@pytest.mark.parametrize("name", ["lr", "steps"])
def test_a_number_too_long_to_print_is_refused_with_the_limit(name):
    # Python refuses to turn more than 4,300 digits into text
    with pytest.raises(ValueError, match=rf"^{name} must be a .* from \d"):
        Config(**{name: 10**5000})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [True, 3, ("sgd",), "", "__class__", "../../etc/passwd"])
def test_a_name_must_be_in_its_table(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be one of"):
        Config(**{name: value})


@pytest.mark.parametrize("value", [16, "16-16", (), (True,), (16.0,), None, ((16,),)])
def test_hidden_sizes_must_be_whole_numbers(value):
    if value is None:  # None stands for the default
        assert Config(hidden=None).hidden == (16, 16)
        return
    with pytest.raises(ValueError, match=r"^hidden must be 1 to 6 layers"):
        Config(hidden=value)


UNREADABLE = [
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "NaN",
    "1e999",
    pytest.param("9" * 5000, id="huge"),
    "<b>",
    "None",
]


@pytest.mark.parametrize("name", KNOBS)
@pytest.mark.parametrize("text", UNREADABLE)
def test_a_link_with_such_text_is_refused_for_every_field(name, text):
    with pytest.raises(ValueError, match=f"^{name} must be "):
        Config.from_params({name: text})


@pytest.mark.parametrize("name", FLOATS + WHOLES + ("hidden",))
@pytest.mark.parametrize("text", ["١", "１", "²", "0x1", "1_0", " 1", "1\n", "1,5", "0." + "0" * 38 + "١"])
def test_only_plain_digits_are_numbers(name, text):
    with pytest.raises(ValueError, match=f"^{name} must be "):
        Config.from_params({name: text})


@pytest.mark.parametrize("text", [".5", "0.5", "5e-1", "+0.5", "0.50"])
def test_the_usual_ways_to_write_a_number_are_read(text):
    assert Config.from_params({"lr": text}).lr == 0.5


def test_loops_are_letters_in_links():
    assert Config.from_params({"loop": "FLBS"}).loop == ("forward", "loss", "backward", "step")
    assert Config(loop=("step", "zero_grad")).to_params() == {"loop": "SZ"}
    assert Config.from_params({"loop": "none"}).loop == ()
    for text in ("ZZ", "zflbs", "ZFLBSZFLBS", "X"):
        with pytest.raises(ValueError, match=r"^loop must be known lines"):
            Config.from_params({"loop": text})


@pytest.mark.parametrize("name, text", [
    ("lr", "1e999"), ("start", "5_1e999"), ("schedule", "3_1e999"),
    ("steps", "12345678901234567890"), ("seed", "+3"),
])  # fmt: skip
def test_what_cannot_be_read_is_quoted_as_it_stands_in_the_link(name, text):
    """Not as the inf or the whole number that Python would make of it."""
    with pytest.raises(ValueError) as caught:
        Config.from_params({name: text})
    assert str(caught.value).endswith(f"; got {shown(text)}")


def test_a_text_longer_than_any_that_a_field_writes_is_refused_by_its_length():
    longest = "_".join(["0." + "1" * 39] * 26)  # as many numbers as there may be, each as long as it may be
    with pytest.raises(ValueError, match=r"^start must be at most 800 characters; got 1,091$"):
        Config.from_params({"start": longest})


def test_a_label_is_a_few_words_and_the_help_is_sentences():
    for knob in KNOBS.values():
        assert len(knob.label) < 30 and knob.label[-1] != "." and knob.help[-1] == "."


def test_arguments_are_written_as_in_a_call():
    assert arguments_in_words(()) == "usual arguments"
    assert arguments_in_words((("amsgrad", True), ("betas", (0.9, 0.5)))) == "amsgrad=True, betas=(0.9, 0.5)"


def test_an_unknown_field_of_a_link_is_named():
    with pytest.raises(ValueError, match=r"^field must be one of dataset, .*; got 'learning_rate'$"):
        Config.from_params({"learning_rate": "1"})


USUAL_LOSS = {
    **dict.fromkeys(("deliveries", "line", "sine", "diabetes"), "mse"),
    **dict.fromkeys(("xor", "moons", "spirals", "breast_cancer"), "bce"),
    **dict.fromkeys(("iris", "digits"), "cross_entropy"),
}


@pytest.mark.parametrize(("dataset", "loss"), USUAL_LOSS.items())
def test_each_data_set_has_its_usual_loss(dataset, loss):
    assert Config(dataset=dataset).loss == loss
    assert Config.from_params({"dataset": dataset}).loss == loss


def test_nesterov_has_momentum_unless_told_otherwise():
    assert Config(optimizer="nesterov").momentum == 0.9
    assert Config(optimizer="sgd").momentum == 0.0
    assert Config(optimizer="nesterov", momentum=0.5).momentum == 0.5


@pytest.mark.parametrize("name", [name for name, knob in KNOBS.items() if knob.choices])
def test_every_choice_of_a_field_has_a_title_of_its_own(name):
    titles = list(KNOBS[name].choices.values())
    assert all(titles) and len(set(titles)) == len(titles)


CONFLICTS = [  # choices that do not go together, the field to change and what it becomes
    ({"dataset": "moons", "model": "lenet"}, "model", "mlp"),
    ({"dataset": "diabetes", "loss": "cross_entropy"}, "loss", "mse"),
    ({"dataset": "diabetes", "loss": "bce"}, "loss", "mse"),
    ({"optimizer": "nesterov", "momentum": 0.0}, "momentum", 0.9),
    ({"optimizer": "lbfgs", "loop": from_letters("FLBSZ")}, "loop", from_letters("FLB.step_closure.Z")),
    ({"scheduler": "step", "loop": from_letters("ZFLBSP")}, "loop", from_letters("ZFLBSR")),
    ({"scheduler": "plateau", "loop": from_letters("ZFLBSR")}, "loop", from_letters("ZFLBSP")),
    ({"scheduler": "none", "loop": from_letters("ZFLBSR")}, "loop", from_letters("ZFLBS")),
]


@pytest.mark.parametrize(("values", "name", "near"), CONFLICTS)
def test_choices_that_do_not_fit_are_refused_in_words(values, name, near):
    with pytest.raises(ValueError, match=f"^{name} must .*; got "):
        Config(**values)


@pytest.mark.parametrize(("values", "name", "near"), CONFLICTS)
def test_nearest_changes_only_the_field_that_does_not_fit(values, name, near):
    given_values = vars(Config()) | {"loss": None, "momentum": None} | values
    config, sentences = nearest(given_values)
    assert getattr(config, name) == near
    assert len(sentences) == 1 and sentences[0].startswith(name) and sentences[0].endswith("is taken")
    kept = {k: v for k, v in given_values.items() if k != name and v is not None}
    assert {k: getattr(config, k) for k in kept} == kept


def test_a_firm_field_does_not_give_way():
    sine = Config(dataset="sine")
    with pytest.raises(
        ValueError, match=r"^loss must be one of mse, l1, huber, smooth_l1 for sine; got bce$"
    ):
        with_changes(sine, {"loss": "bce"}, firm=["loss"])
    assert with_changes(Config(loss="l1"), {"dataset": "iris"}, firm=["dataset"])[0].loss == "l1"


def test_a_data_set_brings_the_learning_rate_and_the_model_that_suit_it():
    moons, digits = DATASETS["moons"], DATASETS["digits"]
    assert (Config().lr, Config().model) == (moons.lr, moons.model)
    assert suiting(Config(), "deliveries") == {"lr": 0.05, "model": "linear"}
    assert suiting(Config(lr=0.3), "deliveries") == {"model": "linear"}
    assert suiting(Config(model="mlp_norm"), "digits") == {"lr": digits.lr}
    assert suiting(Config(lr=0.3, model="mlp_norm"), "digits") == {}
    brought = replace(Config(), dataset="deliveries", loss="mse", **suiting(Config(), "deliveries"))
    assert suiting(brought, "moons") == {"lr": moons.lr, "model": moons.model}


def test_nearest_resolves_several_conflicts_at_once():
    values = vars(Config()) | {"dataset": "iris", "model": "lenet", "optimizer": "nesterov", "momentum": 0.0}
    config, sentences = nearest(values)
    assert (config.model, config.momentum, len(sentences)) == ("mlp", 0.9, 2)


@given(configs())
def test_a_valid_config_is_its_own_nearest(config):
    assert list(conflicts(vars(config))) == []
    assert nearest(vars(config)) == (config, [])


def test_a_config_is_frozen_and_hashable():
    config = Config(hidden=[8, 8], loop=["forward"])  # lists are taken as tuples
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.lr = 1.0
    twin = dataclasses.replace(config)
    assert twin == config and hash(twin) == hash(config) and len({config, twin}) == 1
    assert dataclasses.replace(config, lr=0.25) != config


def test_whole_numbers_become_floats_where_floats_are_meant():
    assert isinstance(Config(lr=1).lr, float)
