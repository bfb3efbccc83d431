"""What is sent to where training happens? Configs and what to do with them; plain data comes back."""

from dataclasses import dataclass

from core.blocks import SLICE_S, Tell, train
from core.brief import Brief, brief
from core.config import Config
from core.loop import Run
from core.results import Result, result


@dataclass(frozen=True)
class Block:
    """Runs of a sweep that train together; called, it gives each in short."""

    configs: tuple[Config, ...]
    device: str

    def __call__(self, tell: Tell) -> list[Brief]:
        return [brief(one) for one in train(self.configs, self.device, tell)]


@dataclass(frozen=True)
class Whole:
    """One run with everything that the page Compare shows."""

    config: Config
    device: str

    def __call__(self, tell: Tell) -> Result:
        run = Run(self.config, self.device, full=False)
        while not run.done:
            run.advance(budget_s=SLICE_S)
            if not tell(run.step):
                break
        return result(run)
