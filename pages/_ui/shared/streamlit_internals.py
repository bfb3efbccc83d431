"""Everything the app uses of Streamlit that is not its public interface; look here first after an update.

What it relies on in Streamlit's HTML is in `style`.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import count
from typing import Any

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import RerunException, StopException, get_script_run_ctx
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import SessionState
from streamlit.runtime.uploaded_file_manager import UploadedFile

Ended = RerunException | StopException  # what Streamlit ends a run of the page with
ENDED = (RerunException, StopException)  # the same, for `except`


def is_history_navigation() -> bool:
    """Whether the browser's Back or Forward asked for this run of the page."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def taken(file: UploadedFile) -> bytes:
    """The content of an uploaded file, of which Streamlit keeps nothing from now on.

    It would until the session ends, even where the uploader is gone. Where it stays, it is empty after this.
    """
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    return file.getvalue()


class Taken:
    """Of a session: who takes what its browser sent, and the newest request of which that was taken."""

    def __init__(self) -> None:
        self.lock, self.number = threading.RLock(), 0


def _numbered(begin: Callable[..., None]) -> Callable[..., None]:
    """SafeSessionState.__init__, which also notes in which order the browser's requests came."""

    @wraps(begin)
    def begun(state: Any, *args: Any, **more: Any) -> None:
        begin(state, *args, **more)
        object.__setattr__(state, "number", next(_NUMBERS))

    return begun


def _whole(take: Callable[..., None]) -> Callable[..., None]:
    """SafeSessionState.on_script_will_rerun, which takes what the browser sent and calls the callbacks.

    As Streamlit has it, a newer click, which has a thread of its own, ends it half-way or before it begins.
    Then a choice is lost, while the browser goes on showing it. Whole, it keeps the newer one waiting for no
    time that could be noticed: callbacks store a choice and train nothing. Only what comes too late, after a
    newer one, is dropped.
    """

    @wraps(take)
    def taken_whole(state: Any, *args: Any, **more: Any) -> None:
        look_up, number = state._yield_callback, vars(state).get("number", 0)  # 0 where this was imported
        with _of_session(state._state) as taken:
            if number < taken.number:
                look_up()
            taken.number = number
            object.__setattr__(state, "_yield_callback", lambda: None)
            try:
                take(state, *args, **more)
            finally:
                object.__setattr__(state, "_yield_callback", look_up)

    return taken_whole


@contextmanager
def _of_session(session: SessionState) -> Iterator[Taken]:
    with _FIRST:
        if _KEY not in session:
            session[_KEY] = Taken()
        taken = session[_KEY]
    with taken.lock:
        yield taken


_KEY, _NUMBERS, _FIRST = "taken", count(1), threading.Lock()
SafeSessionState.__init__ = _numbered(SafeSessionState.__init__)  # type: ignore[method-assign]
SafeSessionState.on_script_will_rerun = _whole(SafeSessionState.on_script_will_rerun)  # type: ignore[method-assign]
