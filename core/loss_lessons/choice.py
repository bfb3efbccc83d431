"""Which losses fit: by what is predicted, the form of the targets, and what the model ends in.

Everything is read off the tables of data sets and losses.
"""

from core.compare.comparison import Comparison, Variant
from core.config import Config
from core.data import FORMS_OF_TASK, NO_FILE, OWN, Own
from core.losses import LOSSES, fitting

TASKS = {
    "regression": "A number",
    "binary": "One of two classes",
    "classes": "One of several classes",
}
NO_LAYER = "none"  # the model ends in a linear layer: values or logits
SHOWN_ON = {"regression": "line", "binary": "moons", "classes": "iris"}  # data sets
MADE_FOR = {"values": "regression", "zero_one": "binary", "one_hot": "classes", "class_index": "classes"}


def last_layer(loss: str) -> str:
    """The name of the layer that the model ends in, NO_LAYER if there is none."""
    last = LOSSES[loss].last
    return type(last()).__name__ if last else NO_LAYER


def last_layers(task: str, target_form: str) -> list[str]:
    """What a model can end in, where some loss takes it with targets of this form."""
    return list(dict.fromkeys(last_layer(name) for name in _taking(task, target_form)))


def candidates(task: str, target_form: str, last: str) -> list[str]:
    """The losses that go with all three; the task's usual one first."""
    return [name for name in _taking(task, target_form) if last_layer(name) == last]


def made_for(loss: str) -> str:
    """The task of the form of target that a loss is made for."""
    return MADE_FOR[LOSSES[loss].takes[0]]


def _taking(task: str, target_form: str) -> list[str]:
    """Losses that take a form of target that the task offers; those made for other tasks last."""
    assert target_form in FORMS_OF_TASK[task]
    found = [name for name in fitting(SHOWN_ON[task]) if target_form in LOSSES[name].takes]
    return sorted(found, key=lambda name: (task == "regression") != (made_for(name) == "regression"))


def shown_on(loss: str, task: str = "", own: Own = NO_FILE) -> Comparison:
    """A run with this loss beside one with the task's usual loss.

    task: "" for the one it is made for. own: an own file that the loss fits, in place of the task's data set.
    """
    dataset = SHOWN_ON[task or made_for(loss)] if own == NO_FILE else OWN
    config = Config(dataset=dataset, own=own, loss=loss, lr=0.1)
    usual = fitting(dataset, own)[0]
    return Comparison(config, (Variant((("loss", usual),)),) if usual != loss else ())
