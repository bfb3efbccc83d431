"""Hypothesis strategies shared by the tests."""

from functools import reduce

from hypothesis import strategies as st

from core import Config
from core.config import NO_SCALER
from core.data import DATASETS
from core.fields import MAX_LAYERS, MAX_WIDTH, RATES, STEPS
from core.lines import LETTERED, LINES, USUAL, part, put_in, take_out
from core.losses import LOSSES, fitting
from core.models import ACTIVATIONS, MODELS, STARTS
from core.optimizers import OPTIMIZERS, SCHEDULERS
from core.seeds import MAX_SEED

NAMES = tuple(DATASETS)


VERSIONS = {name: [n for n in LETTERED if part(n) == name] for name in USUAL}
BETWEEN = list(dict.fromkeys(part(name) for name in LINES if part(name) not in USUAL))


@st.composite
def mistaken_loops(draw):
    """Any lines that a loop may have, mistakes among them."""
    order = draw(st.permutations([*USUAL, *draw(st.sets(st.sampled_from(BETWEEN), max_size=4))]))
    left_out = draw(st.sets(st.sampled_from(USUAL), max_size=2))
    lines = [[n for n in LINES if part(n) == name] for name in order if name not in left_out]
    return tuple(draw(st.sampled_from(versions)) for versions in lines)


@st.composite
def loops(draw):
    """Any of the five lines, in any order, any of them left out."""
    order = draw(st.permutations(USUAL))
    kept = draw(st.sets(st.sampled_from(USUAL)))
    return tuple(draw(st.sampled_from(VERSIONS[name])) for name in order if name in kept)


@st.composite
def schedules(draw):
    """Mostly one learning rate; else up to three changes."""
    steps = sorted(draw(st.one_of(st.just([]), st.sets(st.integers(*STEPS), max_size=3))))
    return tuple((step, draw(st.floats(*RATES))) for step in steps)


ARGUMENTS = [(), (), (("maximize", True),), (("betas", (0.5, 0.75)),), (("alpha", 0.5),)]
ARGUMENTS += [(("dampening", 0.25),), (("max_iter", 3),), (("amsgrad", True),)]
OF_LOSSES = [
    (),
    (),
    (("reduction", "sum"),),
    (("delta", 2.0),),
    (("label_smoothing", 0.25),),
    (("gamma", 1.0),),
]


def that_fit(pairs, row):
    """Those of these arguments that a class has."""
    return tuple(pair for pair in pairs if pair[0] in row.offered)


def that_goes_with(optimizer, loop):
    """These lines, as far as an optimizer takes them."""
    scaled = [name for name in loop if "scaler" in LINES[name].uses]
    loop = reduce(take_out, scaled, loop) if optimizer in NO_SCALER else loop
    step = OPTIMIZERS[optimizer].step
    return loop if step == "step" or "step" not in map(part, loop) else put_in(loop, step)


@st.composite
def configs(draw, max_steps=5000, max_width=MAX_WIDTH, datasets=NAMES, loop=None):
    """Every valid Config, or those within the given bounds. loop: a strategy for that field."""
    dataset = draw(st.sampled_from(datasets))
    models = [name for name, row in MODELS.items() if row.only_for in (None, dataset)]
    optimizer = draw(st.sampled_from(tuple(OPTIMIZERS)))
    share = st.floats(0.0, 1.0)
    weight = st.floats(-2.0, 2.0)
    loss = draw(st.sampled_from(fitting(dataset)))
    given = that_fit(draw(st.sampled_from(ARGUMENTS)), OPTIMIZERS[optimizer])
    lines = draw(loops() if loop is None else loop)
    schedulers = [n for n in SCHEDULERS if n != "plateau"] if optimizer != "sgd_by_hand" else ["none"]
    starts = st.one_of(
        st.just(()), st.just(()), st.tuples(weight), st.tuples(st.sampled_from(tuple(STARTS)))
    )  # mostly drawn from the seed
    return Config(
        dataset=dataset,
        noise=draw(share),
        val_share=draw(st.floats(0.0, 0.5)),
        model=draw(st.sampled_from(models)),
        hidden=tuple(draw(st.lists(st.integers(1, max_width), min_size=1, max_size=MAX_LAYERS))),
        activation=draw(st.sampled_from(tuple(ACTIVATIONS))),
        loss=loss,
        loss_arguments=that_fit(draw(st.sampled_from(OF_LOSSES)), LOSSES[loss]),
        optimizer_arguments=given if optimizer != "nesterov" else (),
        start=draw(starts),
        optimizer=optimizer,
        schedule=draw(schedules()),
        lr=draw(st.floats(0.0, 100.0)),
        momentum=draw(st.floats(0.0, 1.0, exclude_min=optimizer == "nesterov")),
        weight_decay=draw(share),
        batch_size=draw(st.integers(0, 1024)),
        steps=draw(st.integers(1, max_steps)),
        seed=draw(st.integers(0, MAX_SEED)),
        dtype=draw(st.sampled_from(("float32", "float64"))),
        loop=that_goes_with(optimizer, lines),
        autocast=draw(st.sampled_from(("bfloat16", "float16"))),
        dropout=draw(st.floats(0.0, 0.9)),
        penalty=draw(share),
        scheduler=draw(st.sampled_from(schedulers)),
        gamma=draw(share),
        max_norm=draw(st.floats(0.0, 10.0)),
        clip_value=draw(st.floats(0.0, 10.0)),
        accumulate=draw(st.integers(1, 5)),
    )
