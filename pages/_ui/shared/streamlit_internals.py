"""Everything the app uses of Streamlit that is not its public interface; look here first after an update.

What it relies on in Streamlit's HTML is in `style`.
"""

from streamlit.runtime.scriptrunner import RerunException, StopException, get_script_run_ctx

Ended = RerunException | StopException  # what Streamlit ends a run of the page with
ENDED = (RerunException, StopException)  # the same, for `except`


def is_history_navigation() -> bool:
    """Whether the browser's Back or Forward asked for this run of the page."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
