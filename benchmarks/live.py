"""How many can play at once? python -m benchmarks.live [sessions] [seconds]

Starts the app on a free port and opens sessions that speak Streamlit's own protocol over a
websocket, as a browser does, without drawing: each opens the Watch page, presses Play, and asks for
the next drawing when the page's timer says so. Meanwhile a bystander presses Next line once a
second. Printed are drawings per second of the slowest and the middle session, steps trained, and
how long the bystander waits for the whole page. Then the same beside as many who train new comparisons,
and beside half as many who each train sweeps of 512 runs; there, somebody also opens a new comparison of
300 steps every few seconds.
"""

import asyncio
import itertools
import re
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.server import cpu_seconds, resident_mb, start

SESSIONS, SECONDS = 20, 15.0
STARTING_S = 4.0  # in which all press Play, and find their pace
MAX_SESSIONS, MAX_SECONDS = 64, 120.0
ADDRESS = "steps=5000&lr=0.1"
BYSTANDER_EVERY_S, SHORT_EVERY_S = 1.0, 3.0
SEEDS = itertools.count(100)  # of short comparisons: each is new to the server
AGAIN = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN  # the page is drawn anew at once
PATIENCE_S = 240.0


class Session:
    """One visitor of a page, with the query of its address."""

    def __init__(self, socket: ClientConnection, page: str = "watch", query: str = ADDRESS):
        self.socket, self.page, self.query = socket, page, query
        self.buttons: dict[str, str] = {}  # label -> widget
        self.pages: dict[str, str] = {}  # name -> hash
        self.timer: tuple[float, str] | None = None  # seconds, fragment
        self.steps: list[tuple[float, int]] = []  # when which step was on the page

    async def ask(self, button: str = "", fragment: str = "") -> None:
        """Run the page, or a fragment of it, with a button pressed or none."""
        states = [WidgetState(id=self.buttons[button], trigger_value=True)] if button else []
        state = ClientState(
            query_string=self.query,
            page_script_hash=self.pages.get(self.page, ""),
            page_name=self.page,
            widget_states=WidgetStates(widgets=states),
            fragment_id=fragment,
            is_auto_rerun=bool(fragment) and not button,
        )
        await self.socket.send(BackMsg(rerun_script=state).SerializeToString())
        await asyncio.wait_for(self._finished(), PATIENCE_S)

    async def _finished(self) -> None:
        """Take in what the server says until the script has run."""
        async for data in self.socket:
            message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
            self._take(message)
            if message.WhichOneof("type") == "script_finished" and message.script_finished != AGAIN:
                return

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "auto_rerun":
            self.timer = message.auto_rerun.interval, message.auto_rerun.fragment_id
        elif kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
        elif kind == "delta":
            element = message.delta.new_element
            if element.WhichOneof("type") == "button":
                self.buttons[element.button.label] = element.button.id
            elif element.WhichOneof("type") == "progress":
                found = re.match(r"Step (\d+) of", element.progress.text)
                self.steps += [(time.perf_counter(), int(found[1]))] if found else []

    async def play(self, until: float) -> None:
        """Press Play, then ask for a drawing whenever the timer says so."""
        await self.ask("Play")
        while time.perf_counter() < until and self.timer is not None:
            interval, fragment = self.timer
            begun = time.perf_counter()
            await self.ask(fragment=fragment)
            await asyncio.sleep(max(interval - (time.perf_counter() - begun), 0.0))

    async def press(self, button: str, until: float) -> list[float]:
        """Press a button once a second; seconds until the page is there."""
        waits = []
        while time.perf_counter() < until:
            begun = time.perf_counter()
            await self.ask(button)
            waits.append(time.perf_counter() - begun)
            await asyncio.sleep(max(BYSTANDER_EVERY_S - waits[-1], 0.0))
        return waits

    def rate(self, since: float, until: float) -> float:
        """Drawings per second that showed a new step."""
        shown = {step for at, step in self.steps if since <= at <= until}
        return len(shown) / (until - since)


async def train(session: Session, number: int, until: float) -> list[float]:
    """Open one new comparison after the other; seconds until each was trained and drawn."""
    session.page, waits = "", []
    while time.perf_counter() < until:
        session.query = f"lr={0.01 * (1 + number) + 1e-4 * len(waits):.4f}&steps=2000"
        waits.append(await _seconds(session.ask()))
    return waits


async def sweep(session: Session, number: int, until: float) -> list[float]:
    """Open one new sweep of 512 runs after the other; seconds until each was trained and drawn."""
    session.page, waits = "sweep", []
    while time.perf_counter() < until:
        lowest = 0.001 * (1 + number) + 1e-5 * len(waits)
        session.query = f"x=lr~{lowest:.5f}..10..64&y=seed~0~1~2~3~4~5~6~7"
        waits.append(await _seconds(session.ask()))
    return waits


async def short(session: Session, until: float) -> list[float]:
    """Open a new comparison of 300 steps every few seconds; seconds until each was trained and drawn."""
    session.page, waits = "", []
    while time.perf_counter() < until:
        session.query = f"seed={next(SEEDS)}"
        waits.append(await _seconds(session.ask()))
        await asyncio.sleep(max(SHORT_EVERY_S - waits[-1], 0.0))
    return waits


async def _seconds(done: Awaitable[None]) -> float:
    begun = time.perf_counter()
    await done
    return time.perf_counter() - begun


async def visitors(port: int, count: int) -> list[Session]:
    """Sessions that have opened their page."""
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    sockets = [await connect(address, subprotocols=["streamlit"], max_size=None) for _ in range(count)]
    sessions = [Session(socket) for socket in sockets]
    for session in sessions:
        await session.ask()
    return sessions


async def beside_players(port: int, pid: int, count: int, seconds: float) -> list[str]:
    """Let all play at once, and a bystander click; the lines to print."""
    *players, bystander = sessions = await visitors(port, count + 1)
    alone = await bystander.press("Next line", time.perf_counter() + 5.0)
    begun, used = time.perf_counter(), cpu_seconds(pid)
    until = begun + STARTING_S + seconds
    *_, (starting, waits) = await asyncio.gather(
        *(p.play(until) for p in players), stand_by(bystander, until)
    )
    rates = sorted(player.rate(begun + STARTING_S, until) for player in players)
    steps = sum(player.steps[-1][1] for player in players)
    drawings = sum(len(player.steps) for player in players) + len(starting) + len(waits)
    each = 1000 * (cpu_seconds(pid) - used) / drawings
    await leave(sessions)
    return [
        f"{count} sessions playing for {seconds:g} s, {steps} steps in all",
        f"drawings per second: slowest session {rates[0]:.1f}, median {statistics.median(rates):.1f}",
        f"server processor time per drawing, everything included: {each:.0f} ms",
        f"bystander's Next line: alone {_waits(alone)}",
        f"while all press Play at once: {_waits(starting)}",
        f"while they play: {_waits(waits)}",
    ]


async def beside(
    port: int, count: int, seconds: float, work: Callable[[Session, int, float], Awaitable[list[float]]]
) -> list[str]:
    """The same beside sessions that train one page after the other, each new to the server."""
    *others, bystander, brief = sessions = await visitors(port, count + 2)
    alone = await short(brief, time.perf_counter() + seconds)
    until = time.perf_counter() + STARTING_S + seconds
    *pages, (starting, waits), shorts = await asyncio.gather(
        *(work(session, number, until) for number, session in enumerate(others)),
        stand_by(bystander, until),
        short(brief, until),
    )
    await leave(sessions)
    means = sorted(statistics.mean(one) for one in pages)
    return [
        f"{count} sessions that {work.__name__} at once, {sum(map(len, pages))} pages in all",
        f"seconds for a page: quickest session {means[0]:.1f}, slowest {means[-1]:.1f}",
        f"bystander's Next line while all begin: {_waits(starting)}",
        f"after that: {_waits(waits)}",
        f"a short comparison: alone {_waits(alone)}",
        f"meanwhile: {_waits(shorts)}",
    ]


async def leave(sessions: list[Session]) -> None:
    """Close all tabs."""
    for session in sessions:
        await session.socket.close()


async def stand_by(bystander: Session, until: float) -> tuple[list[float], list[float]]:
    """Waits while all others start at one moment, and those after it."""
    starting = await bystander.press("Next line", time.perf_counter() + STARTING_S)
    return starting, await bystander.press("Next line", until)


def _waits(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    most = ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)]
    return (
        f"median {statistics.median(ordered):.2f} s, 95 % within {most:.2f} s, "
        f"slowest of {len(ordered)} {ordered[-1]:.2f} s"
    )


async def measure(port: int, pid: int, count: int, seconds: float) -> None:
    """All of it, one after the other on one server."""
    for lines in (
        beside_players(port, pid, count, seconds),
        beside(port, count, seconds, train),
        beside(port, max(count // 2, 1), seconds, sweep),
    ):
        print(*await lines, sep="\n")
        print(f"server memory afterward: {resident_mb(pid):.0f} MB\n", flush=True)


def main() -> None:
    count = min(int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS, MAX_SESSIONS)
    seconds = min(float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS, MAX_SECONDS)
    server, port = start()
    try:
        asyncio.run(measure(port, server.pid, count, seconds))
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
