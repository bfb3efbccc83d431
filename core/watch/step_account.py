"""Which weights step moved, from where to where and by which arithmetic, or why none moved."""

from collections.abc import Mapping, Sequence

import pandas as pd
from torch import Tensor

from core.graph.tensor_state import same
from core.watch.line_effect import ALL_TERMS, Executed, Said, entry_name, total_norm
from core.watch.optimizer_rules import update
from core.words import digits_apart, grad_in_words, norm, signed


def step_account(done: Executed) -> Said:
    """The weights before and after, and the optimizer's arithmetic for those that are shown."""
    changes = {
        name: two.values.cpu().double() - one.values.cpu().double() for name, (one, two) in done.pairs.items()
    }
    moved = [name for name, (one, two) in done.pairs.items() if not same(one.values, two.values)]
    if not moved:
        return f"No weight changed: {_why_unmoved(done)}.", [], None
    few = done.entries <= ALL_TERMS
    most = {name: int(changes[name].abs().argmax()) for name in moved}
    if few:
        worked = [(name, i) for name in moved for i in range(changes[name].numel())]
    else:
        name = max(moved, key=lambda n: float(changes[n].abs().max()))
        worked = [(name, most[name])]
    rows = [(*_moved(done, name, i), signed(norm(changes[name]))) for name, i in most.items()]
    columns = ["the entry that moved most", "before", "after", "change of the tensor (norm)"]
    numbers = None if few else pd.DataFrame(rows, columns=columns)
    return _moves_in_words(done, changes, moved), _workings(done, worked), numbers


def _why_unmoved(done: Executed) -> str:
    looked = done.before.parameters.values()
    kinds = dict.fromkeys(grad_in_words(held.grad) for held in looked)
    if kinds.keys() <= {"None", "zeros"}:
        return f"every .grad is {' or '.join(kinds)}"
    if done.before.lr == 0:
        return "the learning rate is 0"
    if not all(held.values.isfinite().all() for held in looked):
        return "weights that are not finite stay that way"
    return "every update is too small for the precision of its weight"


def _moved(done: Executed, name: str, index: int) -> tuple[str, str, str]:
    """Name, old value and new value of an entry, with digits enough to differ."""
    one, two = (float(held.values.flatten()[index]) for held in done.pairs[name])
    digits = digits_apart(one, two)
    return entry_name(name, done.pairs[name][0].values, index), signed(one, digits), signed(two, digits)


def _moves_in_words(done: Executed, changes: Mapping[str, Tensor], moved: Sequence[str]) -> str:
    skipped = [name for name, (one, _) in done.pairs.items() if one.grad is None]
    who = " and ".join(skipped) if len(skipped) <= 2 else f"{len(skipped)} parameters"
    rest = f"; {who} stayed, since .grad is None there" if skipped else ""
    if done.few_numbers:
        entries = [_moved(done, name, 0) for name in moved]
        went = ", ".join(f"{name} from {one} to {two}" for name, one, two in entries)
        return f"{went.replace(' from', ' went from', 1)}{rest}."
    total = total_norm(changes.values())
    return f"{len(moved)} of {len(changes)} parameters moved; the norm of the whole change is {total}{rest}."


def _workings(done: Executed, worked: Sequence[tuple[str, int]]) -> list[str]:
    """The optimizer's rule, then its arithmetic for these entries; the last number is the real one."""
    rule: tuple[str, ...] = ()
    formulas = []
    for parameter, index in worked:
        found = update(done.before, parameter, index, done.config)
        name, old, new = _moved(done, parameter, index)
        if found is None:
            formulas.append(f"{name}: {old} → {new}")
            continue
        rule = found.rule
        value = float(done.pairs[parameter][1].values.flatten()[index])
        formulas += [f"{name}: {working}" for working in found.workings]
        formulas.append(f"{name}: {found.change} = {signed(value, found.digits)}")
    return [*rule, *formulas]
