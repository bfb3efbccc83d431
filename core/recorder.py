"""Records a training loop from outside: PyTorch and the standard library alone, nothing in the loop changed.

    from loop_recorder import record

    recording = record(model, optimizer, loss_fn)  # before the loop
    ...                                            # the loop, as it is
    recording.save("run.json")                     # after it

PyTorch calls back when something happens, and that is all this file uses. A forward hook on the model and
one on loss_fn see those two lines. A hook on each parameter sees the gradient of this backward alone, before
it is added to .grad. Hooks before and after optimizer.step see .grad as it is used, and the weights. There
is no hook for zero_grad: the method of this one optimizer is wrapped. Gradients cleared in another way, by
model.zero_grad() or by hand, are noticed by .grad being None, or zeros, at the next look.

Nothing is written into any tensor of the loop, no random number is drawn, and what autograd computes stays as
it is: the weights come out the same to the last bit. Tensors are kept as they come and reduced to norms many
updates at a time, since each call costs more than its work, and asking for a number makes a GPU wait. What is
kept is bounded: beyond a limit every 2nd update is dropped, then every 2nd of the rest. Memory: seven more
copies of the weights at most, or 8 MiB.

What it cannot see: a loss that is a function, or is written out (PyTorch has hooks for modules alone); writes
through .data; what happens within torch.compile (pass the compiled model, the one that the loop calls);
parameters that are frozen, or not there yet, when recording begins; torch.autograd.grad with respect to
weights, which looks like a backward that leaves no .grad.
"""

import atexit
import functools
import json
import linecache
import math
import operator
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

FORMAT = "loop recorder 1"
MAX_ROWS = 2000  # updates in the file, of all optimizers together
MAX_CELLS = 48_000  # numbers of single parameters in the file
MAX_PARAMETERS = 300  # of which single numbers are kept; the totals are of all
MAX_LINES, MAX_ORDERS = 400, 100  # lines of one update; different orders of lines in the file
CHUNK_ROWS, CHUNK_BYTES = 256, 8 * 2**20
CACHED = 2**15  # numbers that stay in a processor's cache
FIRST_LOSSES = 16  # of which it is asked what gradient flows into them
MAX_MODAL = 16  # classes that differ in eval mode
MAX_TEXT = 300  # characters of a message or a line of source

LINES = {  # letters of the lines, as they stand in the file in the order in which they ran
    "Z": "zero_grad",
    "F": "forward",
    "f": "forward in eval mode",
    "E": "forward without a graph",
    "L": "loss",
    "B": "backward",
    "U": "unscale_",
    "S": "step",
    "s": "step with every .grad None",
    "K": "step skipped by the scaler",
    "C": ".grad written after step",
    "W": "weights written outside of step",
}
COLUMNS = ("update", "optimizer", "loss", "lr", "grad", "fresh", "leftover", "ratio", "batches")
DETAILS = ("grad", "fresh", "leftover", "ratio")
COUNTS = (
    *("losses", "losses_without_graph", "backwards", "steps", "skipped", "closures", "forwards_in_eval_mode"),
    *("looks", "looks_in_training_mode", "with_leftover", "steps_on_zeros", "moved_on_zeros", "rate_moved"),
    *("grad_changed", "accumulated", "accumulated_whole", "written_after_step", "weights_written"),
)
CHANGED = 1e-3  # a norm that differs by this share was changed; adding in another order changes it by 1e-6
WEIGHT, UPDATE, GRAD, FRESH, LEFTOVER = range(5)  # kinds of norms
VERSION = operator.attrgetter("_version")  # autograd counts every write in place


def record(
    model: nn.Module | Sequence[nn.Module],
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer],
    loss_fn: Any = None,
    scaler: Any = None,
    path: str = "run.json",
) -> "Recording":
    """Begin to record; several models and optimizers are given as lists.

    scaler: a torch.amp.GradScaler, if the loop has one. path: where `with record(...)` saves when it ends;
    also where an exception that ends Python leaves what was recorded, if save was never reached.
    """
    models = [model] if isinstance(model, nn.Module) else list(model)
    optimizers = [optimizer] if isinstance(optimizer, torch.optim.Optimizer) else list(optimizer)
    return Recording(models, optimizers, loss_fn, scaler, path)


class _Hook(functools.partial):
    """A callback on a module that does not go along when the module is copied or pickled."""

    def __deepcopy__(self, memo: Any) -> Callable[..., None]:
        return _nothing

    def __reduce__(self) -> Any:
        return _make_nothing, ()


def _nothing(*args: Any) -> None:
    return None


def _make_nothing() -> Callable[..., None]:
    return _nothing


class _Thinned:
    """At most `limit` rows, evenly spread: when they are full, every 2nd is dropped, and so from then on."""

    def __init__(self, limit: int):
        self.limit, self.stride, self.seen = limit, 1, 0
        self.rows: list[Any] = []
        self.last: Any = None

    def wants(self) -> bool:
        """Whether the next row may be kept."""
        return self.seen % self.stride == 0

    def take(self, row: Any) -> None:
        number, self.seen, self.last = self.seen, self.seen + 1, row
        if number % self.stride == 0 and len(self.rows) == self.limit:
            self.rows, self.stride = self.rows[::2], 2 * self.stride
        if number % self.stride == 0:
            self.rows.append(row)

    def all(self) -> list[Any]:
        """The rows, and the last one that came."""
        last_is_in = self.last is None or (self.rows and self.rows[-1] is self.last)
        return self.rows if last_is_in else [*self.rows, self.last]


class _Pass:
    """What has been seen since the last update.

    losses: numbers on the CPU, tensors elsewhere. flows: the gradient of some losses, which is 1, or 1 /
    micro-batches, or the scaler's scale. sizes: of the batches of these losses, in rows. peeks: [line, what,
    size], a number or () tensor that is finite exactly if all entries of a tensor are. fresh: gradients that
    were cleared before any step could use them, by number of the parameter. rates: learning rates of all
    optimizers at the last backward, rates_before: at the first one.
    """

    __slots__ = ("backwards", "flows", "fresh", "lines", "losses", "peeks", "rates", "rates_before", "sizes")

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.losses: list[Any] = []
        self.flows: list[Any] = []
        self.sizes: list[int] = []
        self.peeks: list[list[Any]] = []
        self.fresh: dict[int, Tensor] = {}
        self.backwards = 0
        self.rates: list[Any] = []
        self.rates_before: list[Any] = []

    def before(self, later: "_Pass") -> "_Pass":
        """This one and a later one as one."""
        both = _Pass()
        for name in ("lines", "losses", "flows", "sizes", "peeks"):
            setattr(both, name, getattr(self, name) + getattr(later, name))
        both.fresh = self.fresh | later.fresh
        both.backwards = self.backwards + later.backwards
        both.rates = later.rates or self.rates
        both.rates_before = self.rates_before or later.rates_before
        return both


class _Row:
    """One update. optimizer: its number, or None where gradients came that no step has used.

    inside: a closure was given, and its lines ran within step. by_scaler: scaler.step has called step.
    follows: the weights before it are those after the row before it. missing: kind of gradient -> places of
    the parameters that had none. numbers: the learning rate, the scaler's scale, and the norm of the fresh
    gradients where there was no step.
    """

    __slots__ = ("by_scaler", "follows", "inside", "missing", "number", "numbers", "optimizer", "seen")

    def __init__(self, number: int, seen: _Pass, optimizer: int | None, inside: bool = False):
        self.number, self.seen, self.optimizer, self.inside = number, seen, optimizer, inside
        self.by_scaler = self.follows = False
        self.missing: dict[int, list[int]] = {}
        self.numbers: list[Any] = [None, None, None]


class _Chunk:
    """Updates of one optimizer whose tensors wait to be reduced.

    All that belongs to an update is copied into one row of prepared tensors, and later one call serves many
    rows. It is always the last row, a part of it for each parameter, which stays in the processor's cache;
    from there the update moves as a whole to a row of its own. The last one that fits is there already.
    """

    def __init__(self, parameters: list[Tensor], groups: int):
        self.groups = groups  # of the optimizer: with another one it has other parameters
        size = sum(p.numel() * p.element_size() for p in parameters)
        each = 5 * size  # of an update: weights before and after, .grad, fresh gradients, leftover
        self.room = max(1, min(CHUNK_ROWS, CHUNK_BYTES // max(each, 1)))
        self.parameters = parameters
        self.rows: list[_Row] = []
        self.shelves: list[Tensor] = []  # (room, 5, entries) for each device and type of number
        parts: dict[int, Tensor] = {}  # (room, 5, *shape) for each parameter
        for alike in _alike(parameters):
            sizes = [parameters[n].numel() for n in alike]
            self.shelves.append(parameters[alike[0]].new_empty(self.room, 5, sum(sizes)))
            self.shelves[-1][-1] = 0  # the last row moves also where a kind is missing
            for n, part in zip(alike, self.shelves[-1].split(sizes, dim=2), strict=True):
                parts[n] = part.view(self.room, 5, *parameters[n].shape)
        self.parts = [parts[n] for n in range(len(parameters))]
        self.places = [[part[-1, kind] for part in self.parts] for kind in range(5)]
        middle = [shelf[:, UPDATE : FRESH + 1].unbind(0) for shelf in self.shelves]  # what every update has
        self.whole = list(zip(*(shelf.unbind(0) for shelf in self.shelves), strict=True))
        self.usual = list(zip(*middle, strict=True))

    def copy(self, kind: int, tensors: list[Any]) -> None:
        """Raises TypeError or RuntimeError where one is None or sparse."""
        mode = torch.is_grad_enabled()
        torch._C._set_grad_enabled(False)  # as torch.no_grad does, at a fifth of its cost
        try:
            torch._foreach_copy_(self.places[kind], tensors)  # type: ignore[attr]
        finally:
            torch._C._set_grad_enabled(mode)

    def take(self, kind: int, tensors: list[Any], row: _Row) -> None:
        """Copy gradients of this kind, some of which may be None or sparse."""
        try:
            self.copy(kind, tensors)
        except (TypeError, RuntimeError):
            row.missing[kind] = [n for n, one in enumerate(tensors) if one is None]
            for to, one in zip(self.places[kind], tensors, strict=True):
                to.zero_() if one is None else to.copy_(_own(one))

    def end(self, row: _Row) -> None:
        """The update is over."""
        self.rows.append(row)
        if len(self.rows) < self.room:
            usual = row.follows and len(row.missing.get(LEFTOVER, ())) == len(self.parameters)
            moves = self.usual if usual else self.whole
            torch._foreach_copy_(moves[len(self.rows) - 1], moves[-1])  # type: ignore[attr]

    def reduce(self) -> tuple[list[_Row], Tensor]:
        """The rows, and their norms: (rows, kinds, parameters)."""
        rows, self.rows = self.rows, []
        count, many = len(rows), len(self.parameters)
        follow = [n for n, row in enumerate(rows) if row.follows]
        without = [n for n, row in enumerate(rows) if len(row.missing.get(LEFTOVER, ())) == many]
        for shelf in self.shelves:
            shelf[follow, WEIGHT] = shelf[[n - 1 for n in follow], UPDATE]
            shelf[:count, UPDATE] -= shelf[:count, WEIGHT]
            if len(without) < count:
                shelf[without, LEFTOVER] = 0
        norms: dict[int, list[Tensor]] = {}
        for kind in range(5):
            if any(len(row.missing.get(kind, ())) < many for row in rows):
                norms[kind] = [_norms(part[:count, kind]) for part in self.parts]
        first = norms[WEIGHT][0]
        nothing = [torch.zeros_like(first)] * many
        every = [one.to(first.device) for kind in range(5) for one in norms.get(kind, nothing)]
        return rows, torch.stack(every, dim=1).view(count, 5, many)


class Recording:
    """What `record` returns: hooks, and what they have seen so far. Also a context manager."""

    def __init__(
        self,
        models: list[nn.Module],
        optimizers: list[torch.optim.Optimizer],
        loss_fn: Any,
        scaler: Any,
        path: str,
    ):
        self.models, self.optimizers, self.loss_fn, self.scaler = models, optimizers, loss_fn, scaler
        self.path, self._saved = path, False
        self._error: dict[str, Any] | None = None
        self.failure = ""  # of the recorder itself: it stops, the loop goes on
        self._name_parameters()
        self._fresh: dict[int, Tensor] = {}  # gradients since the last step, by number of the parameter
        self._leftover: dict[int, Tensor] = {}  # what their .grad held before them
        self._came: list[int] = []  # who had no .grad before this backward
        self._placed = False  # whether the fresh gradients are where their row will be
        self._arrived: set[int] = set()  # whose gradient this backward has brought; empty outside of backward
        self._gradients = [0] * len(self.parameters)  # how many have arrived
        self._zeros = [0] * len(self.parameters)  # updates in which they were exactly zero
        self._pass = _Pass()
        self._stash: _Pass | None = None  # whose gradients were cleared before a step
        self._row: _Row | None = None  # of the step under way
        self._last: _Row | None = None  # of the step before it, if its weights are those now
        self._used: Any = None  # every .grad of the last step, and how often each was written to
        self._versions = list(map(VERSION, self.parameters))
        self._inputs: Any = None
        self._scale: Any = None
        self._by_scaler = False  # whether scaler.step is under way
        self._grad_versions: dict[
            int, int
        ] = {}  # after backward: number of the parameter -> version of its .grad
        self._number = 0  # of updates so far
        self._everywhere: list[list[int]] = [[] for _ in optimizers]  # places of all its parameters
        self._chunks: list[_Chunk | None] = [None] * len(optimizers)
        self._blocks: list[Any] = []  # what chunks were reduced to
        self._waiting = 0  # rows in chunks and blocks
        kinds = len(optimizers) + 1  # the last is for gradients that no step has used
        self._updates = [_Thinned(MAX_ROWS // kinds) for _ in range(kinds)]
        cells = 4 * max(1, min(len(self.parameters), MAX_PARAMETERS)) * len(optimizers)
        self._details = [_Thinned(max(16, MAX_CELLS // max(cells, 1))) for _ in optimizers]
        self._orders: dict[str, list[int]] = {}  # lines -> how often, first and last update
        self._batches = [0] * len(optimizers)  # backward calls whose gradients the last step has used
        self.counts = dict.fromkeys(COUNTS, 0)
        self._first: dict[str, Any] = {}  # facts of which the first one is kept
        self._loss_facts: dict[str, Any] = {}
        self._means = getattr(loss_fn, "reduction", "") == "mean"
        self._start = self._total_weight()
        self._hook()

    # Setting up ------------------------------------------------------------------------------------------

    def _name_parameters(self) -> None:
        """Number every parameter of models and optimizers; one that is shared has several names."""
        names: dict[Tensor, list[str]] = {}
        for number, model in enumerate(self.models):
            begin = f"{number}:" if len(self.models) > 1 else ""
            for name, parameter in model.named_parameters(remove_duplicate=False):
                name = begin + name.replace("_orig_mod.", "")  # torch.compile's
                names.setdefault(parameter, []).append(name)
        for number, optimizer in enumerate(self.optimizers):
            for place, parameter in enumerate(_held(optimizer)):
                names.setdefault(parameter, [f"optimizer{number}:{place}"])
        self.parameters, self._names = list(names), list(names.values())
        self._place = {parameter: number for number, parameter in enumerate(self.parameters)}
        self._held = [[self._place[p] for p in _held(optimizer)] for optimizer in self.optimizers]

    def _hook(self) -> None:
        """Hang everything up; `close` takes it down."""
        self._handles: list[Any] = []
        self._undo: list[tuple[Any, str]] = []
        guarded, keep = self._guarded, self._handles.append
        for model in self.models:
            keep(model.register_forward_hook(_Hook(guarded(self._forward))))
        if isinstance(self.loss_fn, nn.Module):
            keep(self.loss_fn.register_forward_hook(_Hook(guarded(self._loss))))
        for number, parameter in enumerate(self.parameters):
            if parameter.requires_grad:
                keep(parameter.register_hook(self._gradient_hook(number, parameter)))
        for number, optimizer in enumerate(self.optimizers):
            keep(optimizer.register_step_pre_hook(guarded(functools.partial(self._before_step, number))))
            keep(optimizer.register_step_post_hook(guarded(functools.partial(self._after_step, number))))
            self._wrap(optimizer, "zero_grad", before=functools.partial(self._zero_grad, number))
        if self.scaler is not None:
            self._wrap(self.scaler, "unscale_", before=self._unscale)
            self._wrap(self.scaler, "scale", after=self._scaled)
            self._wrap(self.scaler, "step", before=self._scaler_begins, after=self._scaler_steps)
        self._end_backward = guarded(self._after_backward)
        atexit.register(self._at_exit)

    def _guarded(self, call: Callable[..., None] | None) -> Callable[..., None]:
        """Whatever goes wrong in here must not end somebody's training: the recorder stops, and says why."""
        if call is None:
            return _nothing

        def guarded(*args: Any) -> None:
            if not self.failure:
                try:
                    call(*args)
                except Exception as error:  # noqa: BLE001
                    self._fail(error)

        return guarded

    def _fail(self, error: Exception) -> None:
        self.failure = f"{type(error).__name__}: {error}"[:MAX_TEXT]

    def _wrap(self, owner: Any, name: str, before: Any = None, after: Any = None) -> None:
        """Replace a method of this one object by itself, with a look before and after it."""
        method, before, after = getattr(owner, name), self._guarded(before), self._guarded(after)

        @functools.wraps(method)
        def wrapped(*args: Any, **options: Any) -> Any:
            before(*args)
            result = method(*args, **options)
            after(method, *args)
            return result

        setattr(owner, name, wrapped)
        self._undo.append((owner, name))

    def close(self) -> None:
        """Take all hooks down; what was recorded stays."""
        for handle in self._handles:
            handle.remove()
        for owner, name in self._undo:
            delattr(owner, name)  # the method of its class is back
        self._handles, self._undo = [], []
        atexit.unregister(self._at_exit)

    # What the hooks do -----------------------------------------------------------------------------------

    def _note(self, letter: str) -> None:
        self._arrived.clear()
        lines = self._pass.lines
        if letter == "E" and lines[-1:] == ["E"]:  # an evaluation of many batches is one line
            return
        if len(lines) < MAX_LINES:
            lines.append(letter)

    def _forward(self, model: nn.Module, args: tuple, outputs: Any) -> None:
        if model not in self.models or torch.compiler.is_compiling():  # a replica, or while it is compiled
            return
        if not torch.is_grad_enabled():
            self.counts["looks"] += 1
            self.counts["looks_in_training_mode"] += model.training
            self._note("E")
            return
        if list(map(VERSION, self.parameters)) != self._versions:
            self._weights_written()
        self.counts["forwards_in_eval_mode"] += not model.training
        self._note("F" if model.training else "f")
        self._inputs = args[0] if args else None
        if isinstance(outputs, Tensor) and outputs.is_cpu:
            return  # looked at with the loss, and only if that is not finite
        self._peek("", "inputs", self._inputs)
        self._peek("forward", "outputs", _first_tensor(outputs))

    def _peek(self, line: str, what: str, tensor: Any) -> None:
        if isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.numel():
            size = torch.linalg.vector_norm(tensor.detach(), math.inf)
            self._pass.peeks.append([line, what, size])

    def _weights_written(self) -> None:
        """Weights were written since the last step, not by it: an update by hand, or clamping."""
        self._versions = list(map(VERSION, self.parameters))
        self._last = None  # its weights are not those before the next step
        if self._row is not None:  # within step: a closure
            return
        self.counts["weights_written"] += 1
        self._note("W")
        if self._pass.backwards:
            self._end_without_step(self._pass, self._cleared(range(len(self.parameters))))
            self._pass = _Pass()

    def _loss(self, loss_fn: nn.Module, args: tuple, loss: Any) -> None:
        if loss_fn is not self.loss_fn or not isinstance(loss, Tensor) or not torch.is_grad_enabled():
            return
        self._note("L")
        self.counts["losses"] += 1
        number, seen = self.counts["losses"], self._pass
        value = loss if loss.dim() == 0 else loss.detach().double().mean()
        if value.is_cpu:
            seen.losses.append(value.item())
            if not math.isfinite(seen.losses[-1]) and "nonfinite" not in self._first:
                self._peek("", "inputs", self._inputs)
                self._peek("forward", "outputs", args[0] if args else None)
        else:
            seen.losses.append(value.detach().clone())  # loss /= 4 would write into it
        self._inputs = None
        if not loss.requires_grad:
            self.counts["losses_without_graph"] += 1
        elif loss.dim() == 0 and number <= FIRST_LOSSES:
            loss.register_hook(seen.flows.append)
            if args and isinstance(args[0], Tensor) and args[0].dim():
                seen.sizes.append(len(args[0]))
        if number & (number - 1) == 0:  # the 1st, 2nd, 4th, 8th, ...: this makes a GPU wait
            self._look_at_loss(args, loss)

    def _look_at_loss(self, args: tuple, loss: Tensor) -> None:
        """What loss_fn was given: shapes and types at first; now and then the range of the outputs."""
        given, facts = [one.detach() for one in args if isinstance(one, Tensor)][:2], self._loss_facts
        facts.setdefault("shapes", [list(one.shape) for one in given])
        facts.setdefault("dtypes", [str(one.dtype).removeprefix("torch.") for one in given])
        facts.setdefault("entries", loss.numel())
        if not given or not given[0].is_floating_point() or not given[0].numel():
            return
        outputs = given[0].float()
        low, high = outputs.min().item(), outputs.max().item()
        ones = low >= 0 and outputs.dim() > 1 and outputs.shape[1] > 1
        ones = ones and bool(((outputs.sum(dim=1) - 1).abs() < 1e-3).all())
        facts["looks"] = facts.get("looks", 0) + 1
        facts["rows_of_one"] = facts.get("rows_of_one", 0) + ones
        facts["low"], facts["high"] = min(facts.get("low", low), low), max(facts.get("high", high), high)

    def _gradient_hook(self, number: int, parameter: Tensor) -> Callable[[Tensor], None]:
        fresh, leftover, arrived, gradients = self._fresh, self._leftover, self._arrived, self._gradients

        def arrives(grad: Tensor) -> None:
            if self.failure:
                return
            try:
                if number in arrived or not arrived:
                    self._begin_backward()
                arrived.add(number)
                gradients[number] += 1
                held = parameter.grad
                if held is None:
                    self._came.append(number)
                    return
                if grad.requires_grad or grad.is_sparse:  # backward(create_graph=True); a sparse embedding
                    grad = _own(grad).clone()
                if number in fresh:
                    fresh[number] = fresh[number] + grad
                else:  # the first since a step
                    leftover[number], fresh[number] = _own(held).clone(), grad
            except Exception as error:  # noqa: BLE001
                self._fail(error)

        return arrives

    def _begin_backward(self) -> None:
        self._unpack()
        if self._stash is not None:  # the gradients before it were cleared, and no step has used them
            self._end_without_step(self._stash, self._stash.fresh)
            self._stash = None
        if self._used:
            self._find_writes()
        self.counts["backwards"] += 1
        self._pass.backwards += 1
        rates = [_lr(optimizer) for optimizer in self.optimizers]
        self._pass.rates, self._pass.rates_before = rates, self._pass.rates_before or rates
        self._note("B")
        torch.autograd.Variable._execution_engine.queue_callback(self._end_backward)

    def _after_backward(self) -> None:
        if self._came:
            self._gather()
        if self.scaler is not None:
            grads = [p.grad for p in self.parameters]
            self._grad_versions = {n: grad._version for n, grad in enumerate(grads) if grad is not None}

    def _gather(self) -> None:
        """Where there was no .grad before, it is the fresh gradient now: it is copied as it is."""
        came, self._came = self._came, []
        chunk = self._chunks[0]
        for number in came if self._leftover else ():
            self._leftover.pop(number, None)
        if chunk is not None and len(came) == len(self.parameters) == len(chunk.parameters):
            try:
                chunk.copy(FRESH, [p.grad for p in chunk.parameters])
                self._placed = True
                self._fresh.clear()
                return
            except (TypeError, RuntimeError):
                pass
        for number in came:
            grad = self.parameters[number].grad
            if grad is not None:
                self._fresh[number] = _own(grad).clone()

    def _unpack(self) -> None:
        if self._came:
            self._gather()
        if self._placed:
            self._placed = False
            places = self._chunks[0].places[FRESH]  # type: ignore[union-attr]
            self._fresh |= {n: place.clone() for n, place in zip(self._held[0], places, strict=True)}

    def _find_writes(self) -> None:
        """Whether .grad was written after the last step: clipping that comes too late, or zeros by hand."""
        (used, versions), self._used = self._used, None
        if list(map(VERSION, used)) == versions:
            return
        now = {id(p.grad) for p in self.parameters}
        pairs = zip(used, versions, strict=True)
        written = [grad for grad, version in pairs if grad._version != version and id(grad) in now]
        # Zeros by hand are no clipping: the entries decide, which makes a GPU wait in this one case.
        if any(bool(_own(grad).any()) for grad in written):
            self.counts["written_after_step"] += 1
            self._pass.lines.insert(0, "C")

    def _zero_grad(self, number: int, *args: Any) -> None:
        if self._used:
            self._find_writes()
        cleared = self._cleared(self._held[number])
        if self._pass.backwards and self._row is None:  # before a step
            self._set_aside(cleared)
        self._note("Z")

    def _cleared(self, numbers: Sequence[int]) -> dict[int, Tensor]:
        """What has come of these parameters' gradients since the last step; from here on there is none."""
        self._unpack()
        if not self._fresh:
            return {}
        for n in numbers:
            self._leftover.pop(n, None)
        return {n: self._fresh.pop(n) for n in numbers if n in self._fresh}

    def _set_aside(self, cleared: dict[int, Tensor]) -> None:
        """A step that comes next belongs to what was seen so far; another backward does not."""
        if not cleared:
            return
        seen = self._pass if self._stash is None else self._stash.before(self._pass)
        seen.fresh |= cleared
        self._stash, self._pass = seen, _Pass()

    def _before_step(self, number: int, optimizer: torch.optim.Optimizer, args: tuple, options: dict) -> None:
        if self._stash is not None:
            self._pass, self._stash = self._stash.before(self._pass), None
        chunk = self._chunks[number]
        if chunk is None or len(optimizer.param_groups) != chunk.groups:
            chunk = self._new_chunk(number)
        self._row = row = _Row(
            self._number, self._pass, number, len(args) > 1 or bool(options.get("closure"))
        )
        row.by_scaler = self._by_scaler
        row.follows = bool(chunk.rows) and self._last is chunk.rows[-1]
        row.follows = row.follows and list(map(VERSION, self.parameters)) == self._versions
        if not row.follows:
            chunk.copy(WEIGHT, chunk.parameters)
        if not row.inside:
            self._take_gradients(row, chunk)

    def _new_chunk(self, number: int) -> _Chunk:
        """Where updates wait, made at the first step: by then the model is on its device."""
        self._fetch()
        self._unpack()
        known = [p for p in _held(self.optimizers[number]) if p in self._place]
        self._held[number] = [self._place[p] for p in known]
        self._everywhere[number] = list(range(len(known)))
        self._chunks[number] = chunk = _Chunk(known, len(self.optimizers[number].param_groups))
        return chunk

    def _take_gradients(self, row: _Row, chunk: _Chunk) -> None:
        """.grad as the step uses it, the fresh gradients since the last one, and what was left over."""
        held, leftover = self._held[row.optimizer or 0], self._leftover
        grads = [p.grad for p in chunk.parameters]
        if self._came:
            self._gather()
        chunk.take(GRAD, grads, row)
        if self._placed:
            self._placed = False
        else:
            came: list[Any] = [self._fresh.pop(n, None) for n in held]
            if row.seen.fresh:
                came = [
                    row.seen.fresh.get(n) if one is None else one for n, one in zip(held, came, strict=True)
                ]
            chunk.take(FRESH, came, row)
        left = [leftover.pop(n, None) for n in held] if leftover else []
        if _any(left):
            chunk.take(LEFTOVER, left, row)
        else:
            row.missing[LEFTOVER] = self._everywhere[row.optimizer or 0]
        row.numbers[:2] = _lr(self.optimizers[row.optimizer or 0]), self._scale

    def _after_step(self, number: int, *args: Any, skipped: bool = False) -> None:
        row, chunk = self._row, self._chunks[number]
        if row is None or chunk is None:
            return
        if row.inside:
            row.seen = self._pass
            self._take_gradients(row, chunk)
        chunk.copy(UPDATE, chunk.parameters)
        chunk.end(row)
        row.seen.fresh = {}  # while the row waits it must not keep them alive
        without = len(row.missing.get(GRAD, ())) == len(chunk.parameters)
        self._note("K" if skipped else "s" if without else "S")
        used = [grad for p in chunk.parameters if (grad := p.grad) is not None]
        self._used = used, list(map(VERSION, used))
        self._versions = list(map(VERSION, self.parameters))
        self._last, self._row, self._pass = row, None, _Pass()
        self._number += 1
        self._waiting += 1
        if len(chunk.rows) == chunk.room:
            self._reduce(number)
        if self._waiting >= CHUNK_ROWS:
            self._fetch()

    def _end_without_step(self, seen: _Pass, fresh: dict[int, Tensor]) -> None:
        """A row for gradients that no step has used."""
        row = _Row(self._number, seen, None)
        self._number += 1
        self._waiting += 1
        if fresh:
            row.numbers[2] = _norms(
                torch.stack([_norms(_own(grad)[None])[0] for grad in fresh.values()])[None]
            )[0]
        seen.fresh = {}
        self._blocks.append((None, [row], None))
        if self._waiting >= CHUNK_ROWS:
            self._fetch()

    def _scaled(self, scale: Callable[[Tensor], Tensor], *args: Any) -> None:
        if args and isinstance(args[0], Tensor):  # as a tensor: get_scale() would make a GPU wait
            self._scale = scale(torch.ones((), device=args[0].device))

    def _unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """Whether its .grad was written since backward, while it was still multiplied by the scale."""
        self._note("U")
        held = self._held[self.optimizers.index(optimizer)]
        grads = {n: grad for n in held if (grad := self.parameters[n].grad) is not None}
        if any(grad._version != self._grad_versions.get(n, grad._version) for n, grad in grads.items()):
            first = {"update": self._number, "times": 0}
            self._first.setdefault("scaled_written", first)["times"] += 1

    def _scaler_begins(self, *args: Any) -> None:
        self._before_scaler, self._by_scaler = self._number, True

    def _scaler_steps(self, step: Any, optimizer: Any = None, *args: Any) -> None:
        """If the scaler has found inf or nan in the gradients, it does not call step: note that."""
        self._by_scaler = False
        if self._number == self._before_scaler and optimizer in self.optimizers:
            number = self.optimizers.index(optimizer)
            self._before_step(number, optimizer, (), {})
            self._after_step(number, skipped=True)

    # From tensors to numbers -----------------------------------------------------------------------------

    def _reduce(self, number: int) -> None:
        """Norms in place of tensors: few calls, and no wait for a GPU."""
        chunk = self._chunks[number]
        if chunk is not None and chunk.rows:
            with torch.no_grad():
                self._blocks.append((number, *chunk.reduce()))

    def _fetch(self) -> None:
        """The numbers of all rows that wait, and what they say, in the order of the updates."""
        for number in range(len(self.optimizers)):
            self._reduce(number)
        blocks, self._blocks, self._waiting = self._blocks, [], 0
        _fetch_small([row for _, rows, *_ in blocks for row in rows])
        taken = []
        for optimizer, rows, block in blocks:
            if block is None:
                taken += [(row, None, [None] * 5, True) for row in rows]
            else:
                taken += self._numbers(optimizer, rows, block)
        for row, values, totals, finite in sorted(taken, key=lambda one: one[0].number):
            self._take(row, values, totals, finite)

    def _numbers(self, optimizer: int, rows: list[_Row], block: Tensor) -> list[Any]:
        """Of each row: itself, norms (all parameters of a kind, and then of the next), totals, all finite."""
        many = block.shape[2]
        totals = _norms(block.flatten(0, 1)).view(-1, 5).tolist()
        finite = block.isfinite().flatten(1).all(dim=1).tolist()
        zeros = (block[:, FRESH] == 0).any(dim=0).nonzero().flatten().tolist()
        values = block.flatten(1).tolist()
        for row, one, total in zip(rows, values, totals, strict=True):
            for kind, places in row.missing.items():
                for place in places:
                    one[kind * many + place] = None
                if len(places) == many:
                    total[kind] = None
        for place in zeros:
            self._zeros[self._held[optimizer][place]] += sum(one[FRESH * many + place] == 0 for one in values)
        return list(zip(rows, values, totals, finite, strict=True))

    def _take(self, row: _Row, values: Any, totals: list[Any], finite: bool) -> None:
        """Take one update in: its row in the file, and the facts that are counted over all of them."""
        seen, number = row.seen, row.number
        weight, update, grad, fresh, leftover = totals
        lr, scale, norm = row.numbers
        if scale and values is not None:
            came = _kind(FRESH, values)
            values[came] = [None if one is None else one / scale for one in values[came]]
            fresh = None if fresh is None else fresh / scale
        self._count_order(seen, number)
        losses = seen.losses
        loss = None if not losses else losses[0] if row.inside else sum(losses) / len(losses)
        if not (finite and (loss is None or math.isfinite(loss))):
            self._find_nonfinite(row, values)
        batches, ratio = seen.backwards, None
        if row.optimizer is None:
            fresh = norm
        else:
            batches += self._batches[row.optimizer] if leftover else 0
            self._batches[row.optimizer] = batches
            ratio = update / weight if weight and update is not None else None
            self._count_step(row, update, grad, fresh, leftover)
            details = self._details[row.optimizer]
            details.take((number, self._held[row.optimizer], values) if details.wants() else None)
        leftover = leftover or (None if fresh is None else 0.0)
        kept = (number, row.optimizer, loss, lr, grad, fresh, leftover, ratio, batches)
        self._updates[len(self.optimizers) if row.optimizer is None else row.optimizer].take(kept)

    def _count_order(self, seen: _Pass, number: int) -> None:
        lines = "".join(seen.lines)
        if lines not in self._orders and len(self._orders) >= MAX_ORDERS:
            lines = "other"
        order = self._orders.setdefault(lines, [0, number, number])
        order[0], order[2] = order[0] + 1, number

    def _count_step(self, row: _Row, update: Any, grad: Any, fresh: Any, leftover: Any) -> None:
        counts, seen, first = self.counts, row.seen, self._first
        lr, scale, _ = row.numbers
        skipped = seen.lines[-1:] == ["K"]
        counts["skipped" if skipped else "steps"] += 1
        counts["closures"] += row.inside
        change = grad / fresh if fresh and grad is not None and not skipped else 1.0
        undivided = scale not in (None, 0, 1) and abs(change / scale - 1) < CHANGED
        if leftover:
            counts["with_leftover"] += 1
        elif undivided:
            if not row.by_scaler:  # scaler.step leaves the division to some optimizers
                still = {"update": row.number, "scale": scale, "times": 0}
                first.setdefault("still_scaled", still)["times"] += 1
        elif abs(change - 1) > CHANGED:  # False for nan
            counts["grad_changed"] += 1
            first.setdefault("grad_changed", {"update": row.number, "before": fresh, "after": grad})
        if grad == 0 and not seen.backwards:
            counts["steps_on_zeros"] += 1
            counts["moved_on_zeros"] += bool(update)
        before = seen.rates[row.optimizer or 0] if seen.rates else lr
        if before != lr:
            counts["rate_moved"] += 1
            first.setdefault("rate_moved", {"update": row.number, "before": before, "after": lr})
        early = seen.rates_before[row.optimizer or 0] if seen.rates_before else before
        if early != before and not row.inside:
            change = {"update": row.number, "before": early, "after": before, "times": 0}
            first.setdefault("rate_in_update", change)["times"] += 1
        if len(seen.flows) > 1 and seen.backwards == len(seen.flows) and not row.inside:
            counts["accumulated"] += 1
            counts["accumulated_whole"] += all(flow == (scale or 1) for flow in seen.flows)
            first.setdefault("accumulated", {"update": row.number, "backwards": seen.backwards})
            divided = self._means and len(set(seen.flows)) == 1 and 0 < seen.flows[0] < (scale or 1)
            forwards = sum(line in "Ff" for line in seen.lines)
            if divided and len(set(seen.sizes)) > 1 and forwards == len(seen.sizes) == seen.backwards:
                sizes = {"least": min(seen.sizes), "most": max(seen.sizes)}
                first.setdefault("unequal", {"update": row.number, "backwards": seen.backwards, **sizes})

    def _find_nonfinite(self, row: _Row, values: Any) -> None:
        """The first tensor that is not finite, in the order of the lines, and the line after which it is."""
        if "nonfinite" in self._first or row.seen.lines[-1:] == [
            "K"
        ]:  # a scaler skips such steps: all is well
            return
        looks = [] if values is None else self._of_parameters(row, "before", values[_kind(WEIGHT, values)])
        looks += [*row.seen.peeks, *(("loss", "loss", loss) for loss in row.seen.losses)]
        for line, kind in (("backward", FRESH), ("between", GRAD), ("step", UPDATE)):
            looks += [] if values is None else self._of_parameters(row, line, values[_kind(kind, values)])
        for line, what, one in looks:
            if one is not None and not math.isfinite(one):
                self._first["nonfinite"] = {"update": row.number, "line": line, "tensor": what}
                return

    def _of_parameters(self, row: _Row, line: str, norms: list[Any]) -> list[tuple[str, str, Any]]:
        names = [self._names[n][0] for n in self._held[row.optimizer or 0]]
        return [(line, name, norm) for name, norm in zip(names, norms, strict=True)]

    # Writing it down -------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str] = "") -> None:
        """Write what was recorded so far as JSON: plain numbers and names, no tensor. The loop may go on."""
        text = json.dumps(self.contents(), allow_nan=False, separators=(",", ":"))
        with open(path or self.path, "w", encoding="utf-8") as file:
            file.write(text)
        self._saved = True

    def contents(self) -> dict[str, Any]:
        """The file as Python has it; inf and nan are text, since JSON has no such numbers."""
        self._fetch()
        over = self._error is not None or not self.counts["steps"]
        if over and (self._pass.losses or self._pass.backwards):  # what came after the last update
            self._end_without_step(self._pass, self._cleared(range(len(self.parameters))))
            self._pass = _Pass()
            self._fetch()
        modal = sorted({name for model in self.models for name in map(_modal, model.modules()) if name})
        rows = sorted((row for thinned in self._updates for row in thinned.all()), key=lambda row: row[0])
        return {
            "format": FORMAT,
            "torch": torch.__version__.split("+")[0],
            "models": [_class(model) for model in self.models],
            "loss_fn": None if self.loss_fn is None else _class(self.loss_fn),
            "loss_is_module": isinstance(self.loss_fn, nn.Module),
            "optimizers": [_class(optimizer) for optimizer in self.optimizers],
            "mode_matters": bool(modal),
            "modal": modal[:MAX_MODAL],
            "updates": self._number,
            "counts": self.counts,
            "first": _plain(self._first),
            "loss_facts": _plain(self._loss_facts),
            "weights": _plain([self._start, self._total_weight()]),
            "orders": [[lines, *order] for lines, order in self._orders.items()],
            "parameters": self._about_parameters(),
            "rows": {name: [_plain(row[n]) for row in rows] for n, name in enumerate(COLUMNS)},
            "details": [self._detail(number) for number in range(len(self.optimizers))],
            "error": self._error,
            "failure": self.failure,
        }

    def _about_parameters(self) -> list[dict[str, Any]]:
        """Each parameter: who holds it, how many gradients came, and whether it is still the model's."""
        now = {id(p) for model in self.models for p in model.parameters()}
        return [
            {
                "name": names[0][:MAX_TEXT],
                "shared": len(names) - 1,
                "entries": parameter.numel(),
                "trained": parameter.requires_grad,
                "in_model": id(parameter) in now,
                "optimizers": [k for k, held in enumerate(self._held) if n in held],
                "gradients": self._gradients[n],
                "zeros": self._zeros[n],
            }
            for n, (parameter, names) in enumerate(zip(self.parameters, self._names, strict=True))
        ][:MAX_PARAMETERS]

    def _detail(self, optimizer: int) -> dict[str, Any]:
        """Norms of single parameters: (rows, parameters) each."""
        rows = self._details[optimizer].all()
        numbers = [n for n in self._held[optimizer] if n < MAX_PARAMETERS]
        columns: dict[str, list[Any]] = {name: [] for name in DETAILS}
        for _, held, values in rows:
            places = {n: at for at, n in enumerate(held)}
            for name in DETAILS:
                found = [_of_one(values, name, places.get(n)) for n in numbers]
                columns[name].append([_plain(one, 5) for one in found])
        return {"parameters": numbers, "update": [number for number, _, _ in rows], **columns}

    def _total_weight(self) -> float:
        with torch.no_grad():
            norms = [_norms(p.detach()[None])[0].item() for p in self.parameters]
        return math.nan if any(map(math.isnan, norms)) else math.hypot(*norms)

    # However it ends -------------------------------------------------------------------------------------

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception):
            self._raised(error)
        self.save()
        self.close()

    def _raised(self, error: BaseException) -> None:
        """Note an exception: its words, and the line of source that it came from."""
        text, skipped = "", (os.path.dirname(torch.__file__), __file__)
        trace = error.__traceback__
        while trace is not None:  # the innermost line that is neither PyTorch's nor this file's
            name = trace.tb_frame.f_code.co_filename
            if not name.startswith(skipped):
                text = linecache.getline(name, trace.tb_lineno).strip() or text
            trace = trace.tb_next
        self._error = {
            "type": type(error).__name__[:MAX_TEXT],
            "text": str(error)[:MAX_TEXT],
            "source": text[:MAX_TEXT],
            "lines": "".join(
                self._pass.lines if self._stash is None else self._stash.before(self._pass).lines
            ),
            "update": self._number,
        }

    def _at_exit(self) -> None:
        """Python ends by an exception before save was reached: keep what there is."""
        error = getattr(sys, "last_value", None)
        if error is not None and not self._saved:
            self._raised(error)
            self.save()


def _any(some: list[Any]) -> bool:
    """Whether there is one that is not None; `in` would compare tensors, entry by entry."""
    return any(one is not None for one in some)


def _held(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _alike(parameters: list[Tensor]) -> list[list[int]]:
    """Places of those that fit into one tensor."""
    found: dict[Any, list[int]] = {}
    for place, one in enumerate(parameters):
        found.setdefault((one.device, one.dtype), []).append(place)
    return list(found.values())


def _own(tensor: Tensor) -> Tensor:
    """The entries alone: dense, without a graph."""
    tensor = tensor.detach()
    return tensor.to_dense() if tensor.is_sparse else tensor


def _first_tensor(outputs: Any) -> Tensor | None:
    """Of what a model returns: a tensor, or the first one in a tuple, list or dictionary."""
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    if isinstance(outputs, (tuple, list)):
        outputs = next((one for one in outputs if isinstance(one, Tensor)), None)
    return outputs if isinstance(outputs, Tensor) else None


def _double(tensor: Tensor) -> Tensor:
    return tensor if tensor.device.type == "mps" else tensor.double()  # which has no doubles


def _norms(rows: Tensor) -> Tensor:
    """(n, ...) -> (n,): Euclidean lengths in double, since squares of large floats overflow."""
    rows = torch.view_as_real(rows) if rows.is_complex() else rows
    rows = rows.reshape(len(rows), -1)
    if not rows.numel():
        return _double(rows.new_zeros(len(rows)))
    if rows.dtype != torch.float64:
        wide = None if rows.device.type == "mps" else torch.float64  # which has none
        few = max(1, CACHED // rows.shape[1])  # doubles of all rows at once may be too many for the cache
        norms = [torch.linalg.vector_norm(some, dim=1, dtype=wide) for some in rows.split(few)]
        return torch.cat(norms) if len(norms) > 1 else norms[0]
    size = rows.abs().amax(dim=1)
    safe = torch.where((size > 0) & size.isfinite(), size, 1.0)
    return torch.linalg.vector_norm(rows / safe[:, None], dim=1) * safe


def _fetch_small(rows: list[_Row]) -> None:
    """Put numbers in place of the small tensors of rows: one transfer for each device and type."""
    found: dict[Any, list[tuple[list[Any], int]]] = {}
    for row in rows:
        seen = row.seen
        for given in (row.numbers, seen.losses, seen.flows, seen.rates, seen.rates_before, *seen.peeks):
            for at, one in enumerate(given):
                if isinstance(one, Tensor):
                    found.setdefault((one.device, one.dtype), []).append((given, at))
    for targets in found.values():
        tensors = [given[at].detach().reshape(()) for given, at in targets]
        for (given, at), value in zip(targets, _double(torch.stack(tensors)).tolist(), strict=True):
            given[at] = value


def _lr(optimizer: torch.optim.Optimizer) -> Any:
    """Of the first group; a number, or a tensor that the loop may change."""
    lr = optimizer.param_groups[0].get("lr")
    return lr.clone() if isinstance(lr, Tensor) else lr


def _kind(kind: int, values: list[Any]) -> slice:
    """Where the norms of this kind are among those of all five."""
    many = len(values) // 5
    return slice(kind * many, (kind + 1) * many)


def _of_one(values: Any, name: str, place: int | None) -> float | None:
    """Of one parameter in one update."""
    if place is None:
        return None
    weight, update, *others = values[place :: len(values) // 5]
    if name != "ratio":
        return others[("grad", "fresh", "leftover").index(name)]
    return update / weight if weight else None


def _class(thing: Any) -> str:
    thing = getattr(thing, "_orig_mod", thing)  # of a compiled model
    return (getattr(thing, "__name__", None) or type(thing).__name__).strip("<>")[:MAX_TEXT]  # <lambda>


def _modal(module: nn.Module) -> str:
    """The class of a module that differs in eval mode, "" of others: nn's, and any that is called dropout."""
    name = _class(module)
    if "dropout" in name.lower():
        return name if getattr(module, "p", 1) else ""  # with a share of 0 it does nothing
    norm = isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
    return name if norm else ""


def _plain(value: Any, digits: int = 9) -> Any:
    """A value as JSON can hold it: numbers of so many digits, inf and nan as text."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else str(value)
    return value
