"""Jobs that are sent to where training happens: Configs and what to do with them; plain data comes back."""

from dataclasses import dataclass, field

from core.config import Config
from core.data import OWN
from core.loop import Run
from core.result import Result, result
from core.run_summary import Brief, brief
from core.stacked.blocks import SLICE_S, Tell, Training


@dataclass
class Block:
    """Runs of a sweep that train together; called, it gives each in short.

    Stopped and called again, it goes on where it was; sent elsewhere, it begins anew.
    """

    configs: tuple[Config, ...]
    device: str
    _training: Training | None = field(default=None, init=False, repr=False, compare=False)

    def __call__(self, tell: Tell) -> list[Brief]:
        training = self._training or Training(self.configs, self.device)
        results = training.advance(tell).results()
        self._training = None if training.done else training
        return [brief(one) for one in results]

    @property
    def stays(self) -> bool:
        """Whether it has to run in this process: an own file goes nowhere else."""
        return any(config.dataset == OWN for config in self.configs)

    def __reduce__(self) -> tuple[type["Block"], tuple[tuple[Config, ...], str]]:
        return Block, (self.configs, self.device)


@dataclass(frozen=True)
class Whole:
    """One run with everything that the page Compare shows."""

    config: Config
    device: str

    @property
    def stays(self) -> bool:
        """As of a Block."""
        return self.config.dataset == OWN

    def __call__(self, tell: Tell) -> Result:
        run = Run(self.config, self.device, full=False)
        while not run.done:
            run.advance(budget_s=SLICE_S)
            if not tell(run.step):
                break
        return result(run)
