"""What a run takes of a Table: proposed from its columns, and changed one choice at a time."""

from core.data import Own
from core.own.table import LEFT_OUT, NUMBERS, Table, tasks

FEW = 10  # different whole numbers that are rather classes than amounts
MOST_EMPTY = 0.2  # of a column that is proposed as an input


def proposal(table: Table) -> Own:
    """The last column that can be predicted, from all others that are numbers and mostly filled."""
    numbers = inputs(table)
    target = next(n for n in reversed(targets(table)) if {*numbers} - {n})
    others = [n for n in numbers if n != target]
    filled = [n for n in others if table.columns[n].missing <= MOST_EMPTY * table.count]
    chosen = tuple(filled or others)
    return Own(table.name, table.digest, chosen, target, task(table, target), table.token)


def task(table: Table, target: int) -> str:
    """What a target is for, by its values."""
    column = table.columns[target]
    possible, again = tasks(column), 2 * column.different <= table.count - column.missing
    few = column.kind != NUMBERS or (column.whole and column.different <= FEW and again)
    if "binary" in possible:
        return "binary"
    return "classes" if few and "classes" in possible else possible[0]


def inputs(table: Table) -> list[int]:
    """Columns that can be inputs."""
    return [place for place, column in enumerate(table.columns) if column.kind == NUMBERS]


def targets(table: Table) -> list[int]:
    """Columns that can be the target."""
    return [place for place, column in enumerate(table.columns) if column.kind != LEFT_OUT]


def with_target(own: Own, table: Table, target: int) -> Own:
    """Another target, with the task it proposes. Where it was the only input, the old one takes its place."""
    chosen = [place for place in own.inputs if place != target]
    if not chosen:
        chosen = [place for place in inputs(table) if place != target and place == own.target]
    chosen = chosen or [place for place in inputs(table) if place != target]
    return own._replace(inputs=tuple(chosen), target=target, task=task(table, target))
