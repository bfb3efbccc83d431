"""The path for someone who has just met the loop: one question, one view and one sentence at each stop."""

from dataclasses import dataclass, replace

from core.compare.comparison import Comparison, Variant
from core.config import Config
from core.lines import USUAL, letters
from core.start.address import Address, address
from core.watch.examples import PRESETS


@dataclass(frozen=True)
class Stop:
    """A view, and what is asked and said there.

    answers: to guess from before the view is shown, the first of them right; none where the view itself
    asks. sentence: to take away. All three are empty in a sequence that somebody puts together. Raises
    ValueError if a question has nothing to take away, or only one answer.
    """

    address: Address
    question: str = ""
    sentence: str = ""
    answers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.question) != bool(self.sentence):
            raise ValueError(f"a stop must have a question and a sentence, or neither; got {self.question!r}")
        if len(set(self.answers)) != len(self.answers) or len(self.answers) == 1:
            raise ValueError(f"answers must be different, and several or none; got {self.answers}")

    @property
    def right(self) -> str:
        """The answer that is right."""
        return self.answers[0]


_SKIPPED = PRESETS["skipped"].config  # four deliveries, from 0, zero_grad left out
_USUAL = replace(_SKIPPED, loop=USUAL)


def _moment(config: Config, place: str, panel: str) -> Address:
    return address("watch", {**config.to_params(), "at": place, "look": panel})


STOPS = (
    Stop(
        _moment(PRESETS["backward"].config, "0.4", "tensors"),
        "Weight 5, bias 5, and every output is 3 too large. What does `loss.backward()` change?",
        "`backward` changes `.grad` only: 15.0 for the weight and 6.0 for the bias, from a loss of 9.0. "
        "Weight and bias are still 5.0; moving them is the job of `step`.",
        ("`.grad` of weight and bias", "Weight and bias", "The loss"),
    ),
    Stop(
        address(
            "compare",
            Comparison(_USUAL, (Variant((("loop", letters(_SKIPPED.loop)),)),)).to_params(),
        ),
        "Leave out `zero_grad`. What does the loss do?",
        "No error, no warning: the loss falls from 242.4 to 4.302 in three steps, and is back at 252.2 in "
        "step 7. It swings and never settles.",
        ("It falls, and swings back up again and again", "It falls as before", "PyTorch raises an error"),
    ),
    Stop(
        _moment(_SKIPPED, "8.0", "ledger"),
        "Nothing clears `.grad`. What is in it when `step` comes?",
        "`.grad` is fresh plus leftover: in step 5 this batch says 55.6, −188.1 is left over, and `step` "
        "uses their sum, −132.5. It moves the weight the wrong way.",
        ("The sum of all gradients so far", "The gradient of this batch", "The mean of all gradients so far"),
    ),
    Stop(
        address(
            "sweep",
            {
                **replace(_USUAL, steps=400).to_params(),
                "x": "lr~0.01..1..25",
                "y": "loop~ZFLBS",
            },
        ),
        "How large may the learning rate be on these four deliveries?",
        "The limit is 2 / 16.70 = 0.1198, two divided by the curvature of the loss: 0.1 learns, and "
        "0.121, the next one, diverges.",
        ("A bit more than 0.1", "A bit more than 0.01", "A bit more than 1"),
    ),
    Stop(
        address("losses", {"view": "softmax", "classes": "3", "right": "-10", "rival": "10"}),
        "A softmax stands before cross-entropy, and the model is sure and wrong. What breaks?",
        "The gradient: its length is 2.338e−5 where it should be 1.414, so the model hardly learns from "
        "its worst mistakes. Nothing raises. With three classes the loss cannot fall below 0.5514 either.",
        ("The gradient nearly vanishes", "The loss becomes nan", "PyTorch raises an error"),
    ),
    Stop(
        address("traps", {"view": "momentum", "on": "linear", "lr": "0.2"}),
        "At a learning rate of 0.2 the right loop diverges; without `zero_grad` it stays bounded. Why?",
        "Never clearing `.grad` is SGD with momentum 1: every loss and weight is equal, to the last bit. Its "
        "limit is 4 / 16.70 = 0.2395, twice that of the usual loop.",
        ("It is momentum 1", "PyTorch clears `.grad` itself", "Its gradients are smaller"),
    ),
    Stop(
        address("traps", {"view": "diagnosis", "series": "7"}),
        "Five broken loops, no code. Which line is wrong?",
        "Ask in this order: does it raise, do the weights move, does `.grad` belong to this batch, and how "
        "low can this loss get?",
    ),
)
