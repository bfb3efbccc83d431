"""Values that no widget of the page offers: a client of another making can send them, to its own session."""

import pytest

from tests.helpers.app import opened, sound

MARKUP = "![x](https://x.example) <script>alert(1)</script>"
PAGES = ("compare", "start", "watch", "traps", "sweep", "losses", "autograd", "notes")
FORGED = {  # kind of value on the wire -> values that are of this kind and of no use
    "bool_value": (True, False, True),
    "int_value": (-1, 2**40, 7),
    "double_value": (1e308, -5.0, 0.123),
    "string_value": (MARKUP, "x" * 100_000, ""),
    "json_value": ("[1,", '{"selection": {"__proto__": [{"step": "NaN"}]}}', "9" * 5000),
    "int_array_value": ([-1], [99] * 50, []),
    "double_array_value": ([-1e308], [1e308, -1e308], [0.3, 0.3]),
    "string_array_value": ([MARKUP], ["lr~x5"] * 99, []),
    "trigger_value": (True, True, True),
}


def forged(app, number):
    """All widgets of the page at once, each with the value of this number."""
    states = app._tree.get_widget_states()
    for state in states.widgets:
        kind = state.WhichOneof("value")
        if kind is None:  # a list of nothing
            continue
        value = FORGED[kind][number]
        if isinstance(value, list):
            getattr(state, kind).data[:] = value
        else:
            setattr(state, kind, value)
    return states


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("page", PAGES)
def test_values_that_no_widget_offers_raise_nothing(page, number):
    app = opened(page)
    states = forged(app, number)
    assert states.widgets
    app._run(states)
    sound(app)
    sound(app.run())
