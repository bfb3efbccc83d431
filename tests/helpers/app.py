"""The app without a browser, as the tests of all pages use it."""

from pathlib import Path

from core import Config

APP = str(Path(__file__).parents[2] / "app.py")


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


def texts(app):
    """Everything that is written on the page, tables included."""
    main = app.main
    kinds = (main.markdown, main.code, main.caption, main.info, main.success, main.warning, main.header)
    written = [element.value for kind in kinds for element in kind]
    return "\n".join([*written, *(table.value.to_string() for table in [*main.table, *main.dataframe])])
