"""Addresses of every page: usual values, extremes and nonsense in every field, alone and mixed."""

from hypothesis import strategies as st

from core.autograd.examples import EXAMPLES
from core.compare import looks
from core.compare.comparison import MAX_NAME, MAX_TEXT, NAME, SEPARATOR
from core.compare.curves import QUANTITIES
from core.config import KNOBS
from core.data import FORMS
from core.lines import BEFORE, LINES, USUAL, letters, part
from core.loss_lessons.choice import TASKS
from core.losses import LOSSES
from core.models import STARTS
from core.notes.claim import JUDGEMENTS
from core.notes.notes import NOTES
from core.start.symptoms import SYMPTOMS
from core.sweep.axes import FIELDS as AXES
from core.sweep.measures import MEASURES
from core.sweep.sweep import SEEDS
from core.traps.accumulation import CUTS
from core.traps.orders import all_orders
from core.traps.table import TRAPS
from pages._ui.watch.body import PANELS

HOST = "elsewhere.example"  # where no page may lead
MARKUP = (
    f"[Session expired: sign in](https://{HOST}/a)",
    f"![x](https://{HOST}/x.png)",
    f"<img src=https://{HOST}/y>",
    f"https://{HOST}",
    f"www.{HOST}",
    f" WWW.{HOST} ",
    f"a@{HOST}",
    *(":red[x]", ":smile:", ":material/home:", "$x$", "__init__", "`x`", "**x**"),
)
# Good texts of 800 and 400 characters, where they were cut once: what stood behind them became a run's name.
RATE_CHANGES = "__".join(f"{step:04d}_0.{'1' * 31}" for step in range(1, 21)) + "11"
WEIGHTS = "_".join(f"{'0' * 40}.{'1' * digits}" for digits in (25, 25, 25, 25, 25, 24))
LONG = "A" * (MAX_TEXT + 1)
NONSENSE = (
    *("", " ", "nan", "inf", "-1", "x2", "1e999", "0x10", "ZZ", "~", "~~", ".", "..", "_", "__", "-"),
    *("none", "None", "\x00", "٣", "9" * 41, LONG, "constructor", *MARKUP),
)


def _ends(knob):
    """Texts of a field that are good with some baseline: all choices; or both ends, and numbers between."""
    if knob.choices:
        return list(knob.choices)
    low, high = knob.between
    if isinstance(low, int):
        return [str(low), str(high), str((low + high) // 3)]
    return [repr(low), repr(high), repr(high / 3), "1e-12", "1e-300", "5e-324"]


def _with(line):
    """The usual loop with this line in its place, or at the end."""
    loop = [line if part(line) == name else name for name in USUAL]
    return letters(tuple(loop if line in loop else [*loop, line]))


CONFIG = {
    "hidden": ["1", "4-4", "32-32-32", "8-8-8-8-8-8", "016"],
    "start": [
        *("drawn", "0", "5_2", "1000", "-1000", "_".join(["-1.2345678901234567e-05"] * 26)),
        *STARTS,
    ],
    "schedule": [
        "none",
        "1_0",
        "1_100__2_0.1",
        "20000_1e-300",
        "__".join(f"{n}_{n / 7}" for n in range(1, 21)),
    ],
    "loop": ["none", "FLBS", "SBLFZ", *map(_with, LINES)],
    "before": ["none", *BEFORE, ".".join(BEFORE)],
    "own": [
        "none",
        "0123456789abcdef_0-3_4_classes_iris.csv",
        "0123456789abcdef_0.2.4_1_binary_a (1)_b.tsv",
        "fedcba9876543210_1-199_0_regression_x",
        f"fedcba9876543210_{'.'.join(map(str, range(1, 200, 2)))}_0_regression_{'ü' * 80}",
        f"0123456789abcdef_0_1_binary_www.{HOST}",
    ],
    "steps": ["1", "2", "4"],  # few: what is looked for does not need many
}
CONFIG["optimizer_arguments"] = [
    "none",
    "betas_0.9_0.99__amsgrad_1",
    "maximize_1",
    "dampening_0.5",
    "nesterov_1",
    "betas_0.9_1.5",
    "centered_1__alpha_0.5",
    "max_iter_2__line_search_fn_strong_wolfe",
    "history_size_-1",
    "ns_steps_100",
    "adjust_lr_fn_original",
    "eps_none_0.001",
    "eps_1e-300",
    "t0_1e9",
]
CONFIG["loss_arguments"] = [
    "none",
    "reduction_sum",
    "reduction_batchmean",
    "delta_2",
    "beta_0",
    "weight_3_1",
    "weight_1e9_-1e9_0",
    "pos_weight_2",
    "label_smoothing_0.1__reduction_sum",
    "label_smoothing_2",
    "ignore_index_0",
    "gamma_-5",
    "log_target_1",
]
CONFIG |= {name: _ends(knob) for name, knob in KNOBS.items() if name not in CONFIG}


def _texts(good):
    """Mostly these, now and then nonsense."""
    good = st.sampled_from(good) if isinstance(good, list) else good
    return st.one_of(good, good, good, st.sampled_from(NONSENSE))


def _joined(pairs):
    return SEPARATOR.join(text for pair in pairs for text in pair)


CHANGES = st.sampled_from(list(CONFIG)).flatmap(lambda name: st.tuples(st.just(name), _texts(CONFIG[name])))
FACTORS = st.tuples(st.sampled_from(["lr", "momentum", "steps"]), _texts(["x0", "x100", "x0.1", "x5e-324"]))
OWN_NAMES = ["", "Mine", "Größer ✓", "a~name~b", "-", "W" * MAX_NAME, "W" * (MAX_NAME + 1), "two\nlines"]
RUNS = st.builds(
    lambda begin, pairs, name: begin + _joined(pairs) + name,
    st.sampled_from(["", f"keep{SEPARATOR}"]),
    st.lists(st.one_of(CHANGES, FACTORS), max_size=2),
    st.one_of(st.just(""), _texts(OWN_NAMES).map(f"{SEPARATOR}{NAME}{SEPARATOR}{{}}".format)),
)
RATES = ["lr~0.1~7~1e-12", "lr~5e-324~100", "lr~1e-30..100..64", "lr~0.1..0.1000001..9", "lr~0.5", "lr~0~1"]
AXIS = st.one_of(
    st.sampled_from([*RATES, *AXES, "steps", "dataset"]),
    st.sampled_from(list(AXES)).flatmap(
        lambda name: st.lists(_texts(CONFIG[name]), max_size=3).map(
            lambda texts: SEPARATOR.join([name, *texts])
        )
    ),
)
NUMBERS = ["0", "1", "-2", "10", "-10", "0.5", "0.1", "200", "-0.25"]
TYPED = [
    "a = tensor([3.0], requires_grad=True)\n_b_ = a * 2\n__c__ = _b_.exp()\n__c__.backward()",
    *("x = 1 / 0", "import os", "a = tensor([1.0])\na", f"print('{MARKUP[1]}')", "\n\n"),
]
COMPARING = ("compare", "watch", "sweep")  # pages whose address holds a baseline
OWN = {  # page -> its fields beside those of a baseline -> their texts
    "compare": {
        "curve": list(looks.LOSS_COLUMNS),
        "show": list(QUANTITIES),
        "of": ["0.weight", "weight", "2.bias", "no.such"],
        "scale": list(looks.SCALES),
        "smooth": list(looks.SMOOTH),
        "pin": ["0", "1", "5000"],
        "zoom": ["0..2", "1..5000"],
        "fit": ["0", "2", "5000"],
        "hide": ["0", "1.2", "0.1.2.3.4.5"],
    },
    "watch": {"at": ["0.0", "1.0", "1.3", "4.0", "9999.9"], "look": list(PANELS)},
    "sweep": {
        "x": AXIS,
        "y": AXIS,
        "seeds": list(map(str, SEEDS[:2])),
        "measure": list(MEASURES),
        "along": ["row", "column"],
        "goal": ["0.1", "1e-300", "100", "-1"],
        "cell": ["0.001~FLBS", "100.0~ZFLBS"],
    },
    "start": {"view": ["path", "symptoms", "sequence", "words"], "symptom": list(SYMPTOMS)},
    "traps": {
        "view": ["traps", "orders", "momentum", "accumulation", "diagnosis"],
        "trap": list(TRAPS),
        "model": ["linear", "mlp"],
        "loop": ["FLBS", "S", *map(letters, all_orders()[::17])],
        "on": ["linear", "mlp"],
        "lr": CONFIG["lr"],
        "cut": list(CUTS),
        "series": ["0", "7", "9999"],
    },
    "losses": {
        "view": ["one", "cross_entropy", "softmax", "outlier", "stability", "which"],
        "loss": list(LOSSES),
        "over": [".".join(list(LOSSES)[n : n + 6]) for n in range(7)],
        "class": ["0", "2"],
        "rows": ["1", "4"],
        "classes": ["2", "10"],
        "label": ["0", "1"],
        "dtype": ["float32", "float64"],
        "task": list(TASKS),
        "form": list(FORMS),
        "last": ["none", "Sigmoid", "LogSoftmax"],
        **dict.fromkeys(("target", "at", "z0", "z1", "z2", "smoothing", "right", "rival", "y", "z"), NUMBERS),
    },
    "autograd": {
        "example": list(EXAMPLES),
        "text": TYPED,
        "line": ["1", "2", "9999"],
        "root": ["a", "_b_", "__c__"],
    },
    "notes": {
        "judgement": ["all", *JUDGEMENTS, "open"],
        "note": ["all", *NOTES],
        "upto": ["20", "40", "400"],
        "lines": ["all", "shown"],
    },
}


def fields(page):
    """Strategies for the texts of a page's fields."""
    found = {name: _texts(texts) for name, texts in OWN[page].items()}
    if page in COMPARING:
        found |= {name: _texts(texts) for name, texts in CONFIG.items()} | {"run": _texts(RUNS)}
    return found


FOREIGN = {name: texts for page in OWN for name, texts in fields(page).items()}
FOREIGN |= dict.fromkeys(("color", "__class__", MARKUP[0], f"www.{HOST}"), st.just("1"))


@st.composite
def addresses(draw, page):
    """Fields of a page, and now and then one of another page or of none, or one twice: name -> texts."""
    own = fields(page)
    names = draw(st.lists(st.sampled_from(list(own)), max_size=5, unique=True))
    params = {name: [draw(own[name])] for name in names}
    if draw(st.integers(0, 4)) == 4:
        name = draw(st.sampled_from(list(FOREIGN)))
        params.setdefault(name, []).append(draw(FOREIGN[name]))
    if "run" in params:
        params["run"] += draw(st.lists(RUNS, max_size=6))
    if page in COMPARING:
        params.setdefault("steps", ["2"])
    return params
