"""Config: every choice that determines a run, with its label, help, and limits at the field.

The check, the widget, the address of the page and the exported script derive from the field.
Values come from Python (`Config(lr=0.5)`) or as text from a link (`Config.from_params`);
both go through the same check, whose errors name the field, the limit and the value.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import partial, reduce
from typing import Any

from core import losses, optimizers
from core.data import DATASETS, OWN, OWN_FILE, Own, data_set
from core.fields import (
    MAX_TEXT,
    RATES,
    STEPS,
    Arguments,
    Knob,
    arguments,
    choice,
    hidden_sizes,
    lines_before,
    loop_lines,
    own_file,
    real,
    schedule,
    starting_weights,
    whole,
)
from core.lines import LINES, USUAL, letters, part, put_in, take_out, text_of, with_practice, with_step
from core.losses import LOSSES, Loss, fitting
from core.losses import form as target_form
from core.models import ACTIVATIONS, MODELS, tensor_count
from core.optimizers import OPTIMIZERS, SCHEDULERS, Optimizer
from core.seeds import MAX_SEED
from core.words import shown


def usual_scheduler(loop: tuple[str, ...]) -> str:
    """The one that a loop asks for by its lines."""
    if "scheduler_step_loss" in loop:
        return "plateau"
    return "cosine" if "scheduler_step" in map(part, loop) else "none"


def _titles(table: Mapping[str, Any]) -> dict[str, str]:
    return {name: row.title for name, row in table.items()}


@dataclass(frozen=True)
class Config:
    """Everything that decides a run, and so its every bit on one machine."""

    dataset: str = choice(
        "moons",
        "Data set",
        _titles({**DATASETS, OWN: OWN_FILE}),
        ("The rows to train on; the held-out share is for validation."),
    )
    own: Own = own_file(  # noqa: RUF009  (it makes a field)
        "Own file", "Which file, which columns of it, and what is predicted from them."
    )
    noise: float = real(
        0.2,
        "Noise",
        (0.0, 1.0),
        ("Standard deviation of the noise in generated data sets (Two spirals: a quarter of it)."),
    )
    val_share: float = real(
        0.2,
        "Validation share",
        (0.0, 0.5),
        (
            "Share of the rows held out for validation; 0 trains on all. Data sets with fewer than "
            "20 rows are never split."
        ),
    )
    model: str = choice("mlp", "Model", _titles(MODELS), "The network to train.")
    hidden: tuple[int, ...] = hidden_sizes(
        (16, 16), "Hidden sizes", "Units of each hidden layer of the MLP, such as 16-16."
    )
    activation: str = choice(
        "relu",
        "Activation",
        {name: module.__name__ for name, module in ACTIVATIONS.items()},
        "The function after each hidden layer of the MLP.",
    )
    start: tuple[float, ...] | tuple[str] = starting_weights(
        "Starting weights",
        "How they are drawn from the seed, usually as PyTorch does; or one number for every tensor; or one "
        "per tensor, such as 5_2 for weight 5, bias 2.",
    )
    loss: str = choice(
        lambda values: fitting(values["dataset"], values["own"])[0],
        "Loss",
        _titles(LOSSES),
        "The number that training minimizes.",
    )
    loss_arguments: tuple[tuple[str, Any], ...] = arguments(
        "Loss arguments",
        "Arguments of the loss's class, such as reduction_sum or delta_2; PyTorch says which it takes.",
        lambda: (row.offered for row in LOSSES.values()),
    )
    optimizer: str = choice(
        "sgd", "Optimizer", _titles(OPTIMIZERS), "The rule by which gradients update the weights."
    )
    lr: float = real(
        lambda values: OPTIMIZERS[values["optimizer"]].lr,
        "Learning rate",
        RATES,
        ("Scales each update: plain SGD subtracts this times the gradient from every weight."),
    )
    schedule: tuple[tuple[int, float], ...] = schedule(
        "Learning rate changes",
        ("Steps, each with the learning rate from there on, such as 120_0.1__200_0.01."),
    )
    momentum: float = real(
        lambda values: OPTIMIZERS[values["optimizer"]].momentum,
        "Momentum",
        (0.0, 1.0),
        "How much of the previous update direction is carried into the next one.",
    )
    weight_decay: float = real(0.0, "Weight decay", (0.0, 1.0), "Pulls every weight toward 0 at every step.")
    optimizer_arguments: tuple[tuple[str, Any], ...] = arguments(
        "Optimizer arguments",
        "Arguments of the optimizer's class that have no field of their own, such as "
        "betas_0.9_0.99__amsgrad_1; PyTorch says which it takes.",
        lambda: (row.offered for row in OPTIMIZERS.values()),
    )
    batch_size: int = whole(0, "Batch size", (0, 1024), "Rows per step; 0 takes all rows at every step.")
    steps: int = whole(300, "Steps", STEPS, "How many times the body of the loop runs.")
    seed: int = whole(
        0,
        "Seed",
        (0, MAX_SEED),
        "Determines generated data, the split, starting weights, batches, and dropout. PyTorch takes its "
        "lowest 32 bits.",
    )
    dtype: str = choice(
        "float32",
        "Precision",
        {"float32": "float32", "float64": "float64"},
        "The dtype of weights and data.",
    )
    loop: tuple[str, ...] = loop_lines(
        lambda values: with_step(USUAL, OPTIMIZERS[values["optimizer"]].step),
        "Loop",
        "Z zero_grad, F forward, L loss, B backward, S step. Choose an order, or type any; a letter left out "
        "leaves its line out.",
    )
    before: tuple[str, ...] = lines_before(
        "Before the loop", "Lines that run once, after the optimizer is made; most of them are mistakes."
    )
    max_norm: float = real(
        1.0,
        "Largest norm",
        (0.0, 1e6),
        "clip_grad_norm_ shrinks all gradients together to this length where they are longer.",
    )
    clip_value: float = real(
        1.0,
        "Largest entry",
        (0.0, 1e6),
        "clip_grad_value_ cuts every entry of a gradient to this size.",
    )

    accumulate: int = whole(
        4,
        "Passes per update",
        (1, 64),
        "k: gradients of so many passes through the loop add up before the weights move.",
    )

    scheduler: str = choice(
        lambda values: usual_scheduler(values["loop"]),
        "Scheduler",
        _titles(SCHEDULERS),
        "How scheduler.step() changes the learning rate. "
        + " ".join(f"{row.title}: {row.about}" for row in SCHEDULERS.values()),
    )
    gamma: float = real(
        lambda values: 0.99 if values["scheduler"] == "exponential" else 0.1,
        "Gamma",
        (0.0, 1.0),
        "What StepLR, ExponentialLR and ReduceLROnPlateau multiply the learning rate by.",
    )

    autocast: str = choice(
        "bfloat16",
        "Autocast to",
        {"bfloat16": "bfloat16", "float16": "float16"},
        "The dtype in which autocast computes matrix products of float32; float64 stays as it is.",
    )

    dropout: float = real(
        0.5, "Dropout", (0.0, 0.9), "Probability that a forward in training mode switches a hidden unit off."
    )
    penalty: float = real(
        0.01,
        "Penalty",
        (0.0, 10.0),
        "The second loss is this times the sum of the squares of all weights and biases.",
    )

    def __post_init__(self) -> None:
        for name, knob in KNOBS.items():
            given = getattr(self, name)
            try:
                value = usual(name, vars(self)) if given is None else knob.check(given)
                object.__setattr__(self, name, value)
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None
        for conflict in conflicts(vars(self)):
            raise ValueError(f"{conflict.field} {conflict.sentence}")

    def to_params(self) -> dict[str, str]:
        """The choices that differ from the defaults, as text: the address of this run."""
        return {
            name: knob.text(getattr(self, name))
            for name, knob in KNOBS.items()
            if getattr(self, name) != usual(name, vars(self))
        }

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> "Config":
        """The inverse of to_params; raises ValueError that names the field and its limit."""
        unknown = [name for name in params if name not in KNOBS]
        if unknown:
            raise ValueError(f"field must be one of {', '.join(KNOBS)}; got {shown(unknown[0])}")
        return cls(**{name: parse(name, text) for name, text in params.items()})


KNOBS: dict[str, Knob] = {f.name: f.metadata["knob"] for f in fields(Config)}
DEFAULTS: dict[str, Any] = {f.name: f.default for f in fields(Config)}


def usual(name: str, values: Mapping[str, Any]) -> Any:
    """The default of a field, given the other values."""
    knob = KNOBS[name]
    return knob.usual(values) if knob.usual else DEFAULTS[name]


def parse(name: str, text: str) -> Any:
    """The value of a field from text; raises ValueError that names field, limit and value."""
    knob = KNOBS[name]
    if len(text) > MAX_TEXT:
        raise ValueError(f"{name} must be at most {MAX_TEXT} characters; got {len(text):,}")
    try:
        value = knob.parse(text)
    except (ValueError, KeyError):
        value = text  # not readable: the check refuses it in words
    return checked(name, value)


def checked(name: str, value: Any) -> Any:
    """The value of a field as it is stored; raises ValueError that names field, limit and value."""
    try:
        return KNOBS[name].check(value)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


@dataclass(frozen=True)
class Conflict:
    """Two choices that do not go together: the field to change, why, and to what."""

    field: str
    sentence: str
    nearest: Any


def conflicts(values: Mapping[str, Any]) -> Iterable[Conflict]:
    """Every pair of choices that does not fit, each with the nearest choice that does."""
    dataset, own, model, loss = (values[name] for name in ("dataset", "own", "model", "loss"))
    only_for = MODELS[model].only_for
    if only_for not in (None, dataset):
        yield Conflict("model", f"must fit the data set: {model} is for {only_for}; got {dataset}", "mlp")
    if target_form(loss, dataset, own) is None:
        offered = fitting(dataset, own)
        yield Conflict("loss", f"must be one of {', '.join(offered)} for {dataset}; got {loss}", offered[0])
    start, tensors = values["start"], tensor_count(model, values["hidden"]) if values["start"] else 0
    if len(start) > 1 and len(start) != tensors:
        sentence = f"must be one number, or {tensors} for this model, one per tensor; got {len(start)}"
        yield Conflict("start", sentence, ())
    if values["before"] and values["optimizer"] == "sgd_by_hand":  # they need an optimizer of PyTorch's
        yield Conflict("before", "must be none for sgd_by_hand; got other lines", ())
    yield from _scheduler_conflicts(values)
    yield from _step_conflicts(values)
    if values["optimizer"] == "nesterov" and values["momentum"] == 0:
        yield Conflict("momentum", "must be above 0 for nesterov; got 0.0", usual("momentum", values))
    if given := values["loss_arguments"]:
        yield from _of_arguments("loss_arguments", given, LOSSES[loss], partial(losses.refusal, loss))
    if given := values["optimizer_arguments"]:
        name, fixed = values["optimizer"], (values["lr"], values["momentum"], values["weight_decay"])
        refusal = partial(optimizers.refusal, name, *fixed)
        yield from _of_arguments("optimizer_arguments", given, OPTIMIZERS[name], refusal)


def _of_arguments(
    field: str, given: Arguments, row: Loss | Optimizer, refusal: Callable[[Arguments], str | None]
) -> Iterable[Conflict]:
    """Arguments that a class does not have, or that PyTorch refuses, with its own words."""
    fit = tuple((name, value) for name, value in given if name in row.offered)
    if fit != given:
        names = ", ".join(name for name, _ in given if name not in row.offered)
        yield Conflict(
            field, f"must be of {', '.join(row.offered) or 'none'} for {row.title}; got {names}", fit
        )
    elif sentence := refusal(given):
        taken: Arguments = ()
        for pair in given:
            taken = taken if refusal((*taken, pair)) else (*taken, pair)
        yield Conflict(field, f"must be what PyTorch takes, which says {sentence}", taken)


def _scheduler_conflicts(values: Mapping[str, Any]) -> Iterable[Conflict]:
    """A scheduler needs an optimizer of PyTorch's, and the loop the line that this scheduler takes."""
    name, loop = values["scheduler"], values["loop"]
    if name != "none" and values["optimizer"] == "sgd_by_hand":
        yield Conflict("scheduler", f"must be none for sgd_by_hand; got {name}", "none")
    paces = ("scheduler_step", "scheduler_step_every")
    takes = () if name == "none" else ("scheduler_step_loss",) if SCHEDULERS[name].by_loss else paces
    for line in loop:
        if part(line) == "scheduler_step" and line not in takes:
            nearest = put_in(loop, takes[0]) if takes else tuple(other for other in loop if other != line)
            wanted = text_of(takes[0]) if takes else "no scheduler.step()"
            yield Conflict("loop", f"must have {wanted} for scheduler {name}; got {text_of(line)}", nearest)
    if name == "plateau" and values["gamma"] == 1:
        yield Conflict("gamma", "must be below 1 for plateau; got 1.0", usual("gamma", values))


NO_SCALER = {  # optimizers that torch.amp.GradScaler cannot step
    "sgd_by_hand": "it has no param_groups",
    "lbfgs": "scaler.step takes no closure",
}


def _step_conflicts(values: Mapping[str, Any]) -> Iterable[Conflict]:
    """L-BFGS steps by a closure alone, and not every optimizer goes with a scaler."""
    name, loop, step = values["optimizer"], values["loop"], OPTIMIZERS[values["optimizer"]].step
    scaled = [line for line in loop if "scaler" in LINES[line].uses]
    if scaled and name in NO_SCALER:
        sentence = f"must have no scaler for {name}, since {NO_SCALER[name]}; got {text_of(scaled[0])}"
        yield Conflict("loop", sentence, with_step(reduce(take_out, scaled, loop), step))
    if step != "step" and any(part(line) == "step" and LINES[line].letter for line in loop):
        nearest = put_in(with_practice(loop, "accumulate", False), step)
        yield Conflict("loop", f"must step with a closure for {name}; got {letters(loop)}", nearest)


def with_changes(
    config: Config, changes: Mapping[str, Any], firm: Collection[str] = ()
) -> tuple[Config, list[str]]:
    """A Config with some fields changed, and a sentence for each choice that had to give way.

    What stood at its default keeps to the default, which may be another one now. firm: fields that must not
    give way; raises ValueError if one would have to.
    """
    values = vars(config)
    follow = {n: None for n, knob in KNOBS.items() if knob.usual and values[n] == usual(n, values)}
    return nearest({**values, **follow, **changes}, firm)


def suiting(config: Config, dataset: str) -> dict[str, Any]:
    """The learning rate and the model that another data set brings along, as changes.

    Only where the present ones are those that suit the present data set: others were chosen, and stay.
    """
    old, new = data_set(config.dataset), data_set(dataset)
    brings = ((name, getattr(old, name), getattr(new, name)) for name in ("lr", "model"))
    return {name: value for name, before, value in brings if getattr(config, name) == before}


def nearest(values: Mapping[str, Any], firm: Collection[str] = ()) -> tuple[Config, list[str]]:
    """The Config of these values, and a sentence for each that had to change to fit the others.

    None stands for a default that depends on the other values. Raises ValueError if a firm one had to.
    """
    given: dict[str, Any] = {}
    for name, value in values.items():
        given[name] = usual(name, given) if value is None else value
    sentences = []
    while conflict := next(iter(conflicts(given)), None):
        if conflict.field in firm:
            raise ValueError(f"{conflict.field} {conflict.sentence}")
        given[conflict.field] = conflict.nearest
        text = KNOBS[conflict.field].text(conflict.nearest)
        sentences.append(f"{conflict.field} {conflict.sentence}; {text} is taken")
    return Config(**given), sentences
