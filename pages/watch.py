"""The page Watch: one run, line by line, forward and back."""

from pages._ui.shared import guard

guard.through_app()

from pages._ui.shared import own_data, remarks, session, sidebar  # noqa: E402  (the guard comes first)
from pages._ui.shared.locks import alone  # noqa: E402
from pages._ui.watch import body, heading, player  # noqa: E402  (the guard comes first)

OWN_FIELDS = ("at", "look")  # of the address: place and panel

with alone():
    player.make_moves()  # before the address: they may change the learning rate
config = session.comparison("watch", OWN_FIELDS).baseline
device = sidebar.sidebar(config, "Loop to watch")
if own_data.problem(config):
    session.write_address({name: [text] for name, text in config.to_params().items()})
    heading.title()
    remarks.draw()
    own_data.require([config])
with alone():
    tape = player.tape(config, device)
    body.go_where_asked(tape)
    session.write_address(body.address(tape))
    heading.draw(tape)
    remarks.draw()
    body.draw(tape, device)
