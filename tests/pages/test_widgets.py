"""What the browser is told of widgets, on every page: to begin with what is chosen, and to drop nothing."""

import pytest

from tests.helpers.app import opened, sound

VIEWS = [
    ("compare", {}),
    (
        "compare",
        {"dataset": "moons", "hidden": "8.8", "batch_size": "64", "optimizer": "adam", "run": "lr~0.3"},
    ),
    ("compare", {"dataset": "deliveries", "model": "linear", "loss": "huber", "loop": "FLBS", "keep": "1"}),
    ("watch", {"look": "memory", "at": "3.2", "lr": "0.02"}),
    ("traps", {"trap": "relu_on_logits"}),
    ("traps", {"view": "orders", "on": "mlp", "map": "whole"}),
    ("traps", {"view": "momentum", "on": "mlp", "lr": "0.037"}),
    ("traps", {"view": "diagnosis"}),
    ("sweep", {"x": "lr~0.01~0.2", "y": "loss", "measure": "reached", "goal": "0.3", "steps": "20"}),
    ("sweep", {"x": "momentum~0~0.5", "y": "loop", "steps": "20", "along": "column", "cell": "0.5~FLBS"}),
    ("losses", {}),
    ("losses", {"view": "entropy"}),
    ("autograd", {}),
    ("notes", {"judgement": "wrong"}),
]


def begins(widget):
    """The place or value that the browser draws a widget with when it first comes to it."""
    proto = widget.proto
    if widget.type in ("selectbox", "radio"):
        return proto.default if proto.HasField("default") else None
    return proto.default if isinstance(proto.default, int | float | str) else list(proto.default)


def chosen(widget):
    """The same of what the session has."""
    if widget.type in ("selectbox", "radio"):
        return widget.index
    if widget.type == "multiselect":
        return list(widget.indices)
    if widget.type == "button_group":  # a badge may stand in a field of its own
        options = [f"{one.content_icon} {one.content}".strip() for one in widget.proto.options]
        values = widget.value if isinstance(widget.value, list) else [widget.value]
        return [options.index(widget.format_func(value)) for value in values]
    if widget.type == "select_slider":
        return [widget.options.index(widget.format_func(widget.value))]
    return [widget.value] if widget.type == "slider" else widget.value


@pytest.mark.parametrize(("page", "params"), VIEWS)
def test_a_run_that_changes_nothing_sets_no_widget_and_says_what_each_begins_with(page, params):
    app = opened(page, **params)
    sound(app.run())
    widgets = [node for place in (app.main, app.sidebar) for node in place if hasattr(node, "proto")]
    widgets = [widget for widget in widgets if hasattr(widget.proto, "set_value")]
    assert widgets
    assert [widget.key for widget in widgets if widget.proto.set_value] == []
    for widget in widgets:
        assert begins(widget) == chosen(widget), (widget.key, widget.type)
