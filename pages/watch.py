"""What does each line do? One run, line by line, forward and back."""

from pages._ui import guard

guard.through_app()

from pages._ui import controls, player, remarks, state, watch_body, watch_heading  # noqa: E402  (the guard comes first)
from pages._ui.alone import alone  # noqa: E402

OWN_FIELDS = ("at", "look")  # of the address: place and panel

config = state.comparison("watch", OWN_FIELDS).baseline
device = controls.sidebar(config, "Loop to watch", runs=False)
with alone():
    tape = player.tape(config, device)
    watch_body.go_where_asked(tape)
    state.write_address(watch_body.address(tape))
    watch_heading.draw(tape)
    remarks.draw()
    watch_body.draw(tape, device)
