"""The settings of a run in a few words, as badges and lists show them."""

from core.compare.comparison import columns_label
from core.config import DEFAULTS, KNOBS, Config
from core.data import NO_FILE, OWN, data_set
from core.fields import arguments_in_words
from core.lines import USUAL, loop_label
from core.losses import LOSSES
from core.models import MODELS
from core.optimizers import OPTIMIZERS
from core.words import counted

# Fields that are said only where they are not the default; the others stand among the facts always, or in
# the sidebar and the code.
WHERE_UNUSUAL = ("momentum", "weight_decay", "batch_size", "hidden", "activation", "noise", "seed", "dtype")


def facts(config: Config) -> list[str]:
    """The choices of a run in short: the main ones always, others where they are not the default."""
    changed = config.to_params()
    own = config.own if config.dataset == OWN else NO_FILE
    said = [
        *([own.name, columns_label(own)] if own.digest else [data_set(config.dataset).title]),
        LOSSES[config.loss].title,
        *([MODELS[config.model].title] if config.model != DEFAULTS["model"] else []),
        OPTIMIZERS[config.optimizer].title,
        f"learning rate {config.lr:g}",
        "zero_grad each step" if config.loop == USUAL else loop_label(config.loop),
        counted(config.steps, "step"),
    ]
    said += [
        arguments_in_words(given) for given in (config.loss_arguments, config.optimizer_arguments) if given
    ]
    return said + [
        f"{KNOBS[name].label.lower()} {changed[name]}" for name in WHERE_UNUSUAL if name in changed
    ]
