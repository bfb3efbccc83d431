"""Where does one begin? A path, symptoms, a sequence of one's own, saved runs, and the words."""

from pages._ui.shared import guard

guard.through_app()

from pages._ui.shared import views  # noqa: E402  (the guard comes first)
from pages._ui.start import my_runs, path, sequence, symptoms, words  # noqa: E402

VIEWS = {  # name in the address -> title, panel
    "path": ("A path", path),
    "symptoms": ("My loss explodes", symptoms),
    "sequence": ("A sequence of yours", sequence),
    "runs": ("My runs", my_runs),
    "words": ("The words", words),
}

sequence.take()
views.draw("start", "Start here", VIEWS)
