"""The app without a browser, as the tests of all pages use it."""

import json
from pathlib import Path

import pyarrow as pa
from streamlit.testing.v1 import AppTest

from core import Config

APP = str(Path(__file__).parents[2] / "app.py")


def opened(page, /, **params):
    """A page as somebody sees it who opens this address."""
    app = AppTest.from_file(APP, default_timeout=120)
    if page != "compare":  # the first one
        app.switch_page(f"pages/{page}.py")
    for name, value in params.items():
        app.query_params[name] = value
    return sound(app.run())


def sound(app):
    assert not app.exception, app.exception
    return app


def baseline(app) -> Config:
    return app.session_state.comparison.baseline


def widget(app, key):
    kinds = ("selectbox", "button_group", "number_input", "slider", "select_slider", "text_input", "toggle")
    for kind in (*kinds, "multiselect"):
        for element in app.get(kind):
            if element.key and element.key.partition(".")[0] == key:  # the number of one that was replaced
                return element
    raise AssertionError(f"no control {key}")


def press(app, label):
    return sound(next(button for button in app.main.button if button.label == label).click().run())


def choose(app, label, value):
    """Choose in the widget of this label."""
    every = [*app.main.selectbox, *app.main.radio, *app.main.button_group, *app.main.select_slider]
    return sound(next(one for one in every if one.label == label).set_value(value).run())


def address(app):
    """Every field of the address with its first value."""
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def charts(app):
    """(spec, data) of each chart, as the browser gets them: it computes with all numbers in double."""
    found = []
    for chart in app.get("vega_lite_chart"):
        data = chart.proto.datasets[0].data.data if chart.proto.datasets else chart.proto.data.data
        frame = pa.ipc.open_stream(data).read_pandas()
        frame = frame.astype(dict.fromkeys(frame.select_dtypes("float32"), "float64"))
        found.append((json.loads(chart.proto.spec), frame))
    return found


def texts(app):
    """Everything that is written on the page, tables included."""
    main = app.main
    boxes = (main.info, main.success, main.warning)
    kinds = (main.markdown, main.text, main.code, main.caption, *boxes, main.header)
    written = [element.value for kind in kinds for element in kind]
    return "\n".join([*written, *(table.value.to_string() for table in [*main.table, *main.dataframe])])
