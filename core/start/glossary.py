"""What the words of the pages mean.

It stands above all that it explains, so that a rule quotes the constants that are applied, and a letter
the line that is executed.
"""

from dataclasses import dataclass

from core.data import DATASETS
from core.lines import LINES, USUAL
from core.verdict import RULES


@dataclass(frozen=True)
class Term:
    """title: as on the page. text: one to three sentences, as Markdown."""

    title: str
    text: str


_RAW = [row.title for row in DATASETS.values() if row.scale == "raw"]

TERMS = {
    **{word: Term(word.capitalize(), rule) for word, rule in RULES.items()},
    "fresh": Term(
        "fresh",
        "What this backward added to `.grad`: the gradient of this batch alone, scaled or divided as its "
        "loss was.",
    ),
    "leftover": Term(
        "leftover",
        "What was in `.grad` before this backward: gradients of earlier steps that no zero_grad has cleared.",
    ),
    "as_used": Term(
        "as used",
        "`.grad` as step finds it. In the usual order that is fresh plus leftover, unless a line in between, "
        "such as clipping, has changed it.",
    ),
    "update_ratio": Term(
        "update ratio",
        "Length of the change that step made to the weights, divided by the length of the weights before.",
    ),
    "curvature": Term(
        "curvature",
        "How fast the gradient changes along the direction in which it changes most: λ, the largest "
        "eigenvalue of the loss's second derivatives (the Hessian). Plain gradient descent on a quadratic "
        "multiplies the error in that direction by 1 − learning rate × λ at every step.",
    ),
    "limit": Term(
        "limit of stability",
        "The largest learning rate at which plain SGD stays bounded, where every step sees all rows and the "
        "loss is a quadratic: 2/λ for the usual loop, 1/λ on the gradient of the step before, 4/λ without "
        "zero_grad, which then swings and does not converge. On other losses it holds near the weights it "
        "was taken at.",
    ),
    "logits": Term(
        "logits",
        "What a classifier puts out before softmax or sigmoid: any real numbers. CrossEntropyLoss and "
        "BCEWithLogitsLoss take these and apply softmax or sigmoid themselves.",
    ),
    "letters": Term(
        "the letters of an order",
        ", ".join(f"{LINES[name].letter} is `{LINES[name].text}`" for name in USUAL) + ".",
    ),
    "standardized": Term(
        "standardized",
        "Inputs, and targets of a regression, less their mean and divided by their standard deviation over "
        "the training rows. So an MSE of 1 is what a model scores that always predicts the mean. "
        f"{' and '.join(_RAW)} stay as they are: their MSE is in squared minutes.",
    ),
}

VERDICTS = tuple(RULES)  # terms that are verdicts
