"""The lines of a loop for many runs at once: their own text, or another that does the same for each run."""

from core.lines import LINES, USUAL, USUAL_ORDER, part, put_in

AS_THEY_STAND = (
    *USUAL,
    *("zero_grad_every", "backward_divided", "step_every"),
    *("scheduler_step", "scheduler_step_every", "train_mode", "eval_mode"),
)
IN_OTHER_WORDS = {  # their text counts rows or speaks of one run
    "backward_by_rows": "first = step - step % accumulate\n"
    "(loss * inputs.shape[2] / sum(sizes[first : first + accumulate])).backward()",
    "clip": "optimizer.clip_norms(max_norm)",
    "clip_value": "optimizer.clip_values(clip_value)",
    "scheduler_step_loss": "scheduler.step(loss_fn.losses.tolist())",
}
IN_OTHER_WORDS |= {
    f"{name}_every": f"if (step + 1) % accumulate == 0:\n    {IN_OTHER_WORDS[name]}"
    for name in ("clip", "clip_value")
}
TEXTS = {name: LINES[name].text for name in AS_THEY_STAND} | IN_OTHER_WORDS


def together(loop: tuple[str, ...]) -> tuple[str, ...] | None:
    """The loop by which a run trains beside others: its own, with a zero_grad that not all of them call.

    None if it has a line of another kind, lacks one of the five, or has them in another order than usual.
    """
    whole = loop if "zero_grad" in map(part, loop) else put_in(loop, "zero_grad")
    known = TEXTS.keys() >= {*whole} and {*map(part, whole)} >= {*USUAL}
    in_order = known and [*whole] == sorted(whole, key=lambda name: USUAL_ORDER.index(part(name)))
    return whole if in_order else None
