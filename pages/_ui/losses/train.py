"""Links to Compare, where a loss trains beside the usual one: on a data set of the table, on an own file."""

from core.data import NO_FILE, OWN
from core.loss_lessons.choice import shown_on
from core.losses import form
from pages._ui.shared import links, own_data
from pages._ui.shared.badges import plain


def draw(label: str, loss: str, task: str = "") -> None:
    """One link, and another where the session has a file with a target that this loss takes.

    task: "" for the one that the loss is made for.
    """
    links.compare(label, shown_on(loss, task))
    own = own_data.chosen()
    if own != NO_FILE and form(loss, OWN, own) and task in ("", own.task):
        links.compare(f"{label} on {plain(own.name)}", shown_on(loss, own=own))
