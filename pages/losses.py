"""The page Losses: values, gradients, and refusals of each loss, by PyTorch's own modules."""

from pages._ui.shared import guard

guard.through_app()

from pages._ui.losses import cross_entropy, one, outlier, softmax_twice, stability, which  # noqa: E402
from pages._ui.shared import views  # noqa: E402

VIEWS = {  # name in the address -> title, panel
    "one": ("One loss", one),
    "cross_entropy": ("Cross-entropy", cross_entropy),
    "softmax": ("Softmax twice", softmax_twice),
    "outlier": ("Outlier", outlier),
    "stability": ("Stability", stability),
    "which": ("Which loss?", which),
}
QUESTION = "Which loss goes with these targets, and how hard does it push where the model is wrong?"

views.draw("losses", "Losses", VIEWS, question=QUESTION)
