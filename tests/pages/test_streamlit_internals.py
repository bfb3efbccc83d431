"""What the app takes from inside Streamlit stands in one module, and still does what the app takes it for."""

import ast
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner import StopException
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import SessionState
from streamlit.testing.v1 import AppTest

import pages._ui.shared.streamlit_internals  # noqa: F401  (what it changes in Streamlit)

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]
PUBLIC = {"streamlit", "streamlit.delta_generator"}  # the latter for its one class, as a type
INSIDE = "pages/_ui/shared/streamlit_internals.py"


def names(source):
    """Every module of Streamlit that is imported, and every name of it that begins with an underscore."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "st":
            yield f"streamlit.{node.attr}" if node.attr.startswith("_") else "streamlit"


@pytest.mark.parametrize("source", SOURCES, ids=[str(one.relative_to(ROOT)) for one in SOURCES])
def test_only_one_module_reaches_into_streamlit(source):
    inside = {name for name in names(source) if name.split(".")[0] == "streamlit"} - PUBLIC
    assert bool(inside) == (str(source.relative_to(ROOT)) == INSIDE), inside


def test_css_stands_in_one_module():
    found = [str(one.relative_to(ROOT)) for one in SOURCES if "<style" in one.read_text()]
    assert found == ["pages/_ui/shared/style.py"]


def ran(script):
    app = AppTest.from_function(script).run()
    assert not app.exception, app.exception
    return [element.value for element in app.text]


def test_a_run_of_the_page_is_ended_with_what_is_caught():
    """RerunException and StopException: a job that is under way is told to return before they go on."""

    def script():
        import streamlit as st

        from pages._ui.shared.streamlit_internals import ENDED

        seen = st.session_state.setdefault("seen", [])
        for end in (st.rerun, st.stop)[len(seen) :]:
            try:
                end()
            except ENDED as ended:
                seen.append(type(ended).__name__)

    assert AppTest.from_function(script).run().session_state.seen == ["RerunException", "StopException"]


def test_a_run_of_the_page_knows_whether_back_or_forward_asked_for_it():
    """ScriptRunContext.is_history_navigation: without it, Back changes the address and not the page."""

    def script():
        import streamlit as st
        from streamlit.runtime.scriptrunner import get_script_run_ctx

        from pages._ui.shared.streamlit_internals import is_history_navigation

        st.text(is_history_navigation())
        get_script_run_ctx().is_history_navigation = True
        st.text(is_history_navigation())

    assert ran(script) == ["False", "True"]


def test_outside_an_app_nothing_was_asked_for_by_back():
    from pages._ui.shared.streamlit_internals import is_history_navigation

    assert is_history_navigation() is False


def test_callbacks_are_called_and_done_whole_though_another_click_has_come():
    """SafeSessionState._yield_callback ends what runs at its next look at the state: its choice is lost."""

    def script():
        import streamlit as st
        from streamlit.runtime.scriptrunner import get_script_run_ctx
        from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

        def act():
            get_script_run_ctx().script_requests.request_rerun(RerunData())  # the click that comes meanwhile
            st.session_state["half"] = True
            st.session_state["done"] = True

        st.button("whole", on_click=act)

    app = AppTest.from_function(script).run()
    app.button[0].click().run()
    assert not app.exception
    assert app.session_state.done


def test_only_what_comes_after_a_newer_click_is_ended_before_its_callbacks():
    """Each click has a thread and a SafeSessionState of its own; the last to begin has the newest choices."""
    session, said = SessionState(), []

    def runs(name):
        def ended():
            said.append(name)
            raise StopException

        return SafeSessionState(session, ended)

    older, newer = runs("older"), runs("newer")
    older.on_script_will_rerun(None)
    newer.on_script_will_rerun(None)
    assert said == []
    with pytest.raises(StopException):
        older.on_script_will_rerun(None)
    with pytest.raises(StopException):
        newer["a"]
    newer.on_script_will_rerun(None)
    assert said == ["older", "newer"]


def test_of_a_file_that_was_taken_streamlit_keeps_nothing():
    """MemoryUploadedFileManager.remove_file: without it, a file is in memory until the session ends."""

    def script():
        import streamlit as st
        from streamlit.runtime.scriptrunner import get_script_run_ctx

        from pages._ui.shared.streamlit_internals import taken

        file, context = st.file_uploader("File"), get_script_run_ctx()
        if file:
            for _ in range(2):
                st.text(len(context.uploaded_file_mgr.get_files(context.session_id, [file.file_id])))
                st.text(taken(file))

    app = AppTest.from_function(script).run()
    app.file_uploader[0].set_value(("a.csv", b"a,b", "text/csv")).run()
    assert [element.value for element in app.text] == ["1", "b'a,b'", "0", "b'a,b'"]
