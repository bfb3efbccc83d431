"""Everything the app uses of Streamlit that is not its public interface; look here first after an update.

What it relies on in Streamlit's HTML is in `style`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import RerunException, StopException, get_script_run_ctx
from streamlit.runtime.state.safe_session_state import SafeSessionState
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


def whole(act: Callable[..., Any]) -> Callable[..., Any]:
    """Of Streamlit's: take what the browser sent and call the callbacks, without being ended half-way.

    Any look at the session's state lets Streamlit end what runs, for a newer click. Where that happens before
    a callback or in one, its choice is lost, while the browser goes on showing it. So it does not look up
    until all are done, which takes no time: callbacks store a choice and train nothing.
    """

    @wraps(act)
    def undisturbed(state: Any, *args: Any, **more: Any) -> None:
        look_up = state._yield_callback
        object.__setattr__(state, "_yield_callback", lambda: None)
        try:
            act(state, *args, **more)
        finally:
            object.__setattr__(state, "_yield_callback", look_up)

    return undisturbed


SafeSessionState.on_script_will_rerun = whole(SafeSessionState.on_script_will_rerun)  # type: ignore[method-assign]
