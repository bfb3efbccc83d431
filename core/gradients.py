"""What is in .grad: what this backward adds, what was left over before it, what step uses."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from core.history import Row
from core.lines import LINES
from core.vectors import Vector

ZERO_BACKWARD_STEP, BACKWARD_STEP_ZERO = ["zero_grad", "backward", "step"], ["backward", "step", "zero_grad"]


class Gradients:
    """The .grad of every parameter, looked at around the lines `backward` and `step`.

    watched: whether other lines may write into .grad at any time; then it is read, and copied, each time.
    written: whether everyday lines do, in a way that is known.

    left: what the last backward has left in .grad, None if none has been there. fresh: what it
    has computed itself.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], loop: tuple[str, ...], watched: bool = False):
        self.parameters = parameters
        self.left: Vector | None = None
        self.fresh: Vector | None = None
        self.watched = watched
        self.accumulates = watched or "zero_grad" not in loop  # else .grad is None before backward
        # On the CPU nothing of PyTorch's writes into gradients later; elsewhere torch.optim's Nesterov does,
        # and so do some lines. Then they are copied.
        on_cpu = all(p.device.type == "cpu" for p in parameters)
        self.written = any(LINES[name].writes_grads for name in loop)
        self._copies = watched or not on_cpu or self.written
        order = [name for name in loop if name in ("zero_grad", "backward", "step")]
        # .grad is just what backward has left
        self.steps_on_fresh = not (watched or self.written) and order in (
            ZERO_BACKWARD_STEP,
            BACKWARD_STEP_ZERO,
        )

    def backward(self, execute: Callable[[], None], row: Row) -> None:
        """Run backward into empty .grads, then add what was there: fresh + leftover.

        The same bits as letting autograd accumulate; subtracting two accumulated buffers
        afterward would round in most entries.
        """
        leftovers = self._set_aside(row) if self.accumulates else None
        try:
            execute()
        finally:
            grads = fresh = [p.grad for p in self.parameters]
            if leftovers is not None:
                grads = [
                    left if new is None else new if left is None else left + new
                    for left, new in zip(leftovers, fresh, strict=True)
                ]
                self.put(grads)
        row.fresh_grads = self.fresh = self._frozen(fresh)
        self.left = row.fresh_grads if grads is fresh else self._frozen(grads)

    def before_step(self, row: Row) -> None:
        """Note what the optimizer is about to use. Where nothing clears it, that is what is left."""
        if self.steps_on_fresh:
            row.grads = row.fresh_grads
        elif self.accumulates and not self._copies:
            row.grads = self.left
        else:
            row.grads = self._frozen([p.grad for p in self.parameters])

    def put(self, grads: Vector) -> None:
        for parameter, grad in zip(self.parameters, grads, strict=True):
            parameter.grad = grad

    def restore(self, grads: Vector) -> None:
        """Go on from copies of these gradients."""
        grads = [None if g is None else g.clone() for g in grads]
        self.put(grads)
        self.left = self._frozen(grads) if any(g is not None for g in grads) else None

    def _set_aside(self, row: Row) -> Sequence[Tensor | None] | None:
        """Take what is in .grad out of it; None if nothing is."""
        if not self.watched and self.left is None:
            return None
        if all(p.grad is None for p in self.parameters):
            return None
        leftovers = [p.grad for p in self.parameters]
        row.leftovers = self._frozen(leftovers) if self._copies or self.left is None else self.left
        self.put([None] * len(leftovers))
        return leftovers

    def _frozen(self, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Gradients as they are now."""
        return [None if g is None else g.clone() for g in grads] if self._copies else grads
