"""What does the server hold? python -m benchmarks.memory

Starts the app on a free port and lets visitors open addresses over Streamlit's own websocket, as a browser
does, without drawing. Printed is the server's resident memory, from Linux's own accounting: after one
visitor, then at the peak of what follows and after it, on a server of its own for each.
"""

import asyncio
import threading
import time

from websockets.asyncio.client import connect

from benchmarks.live import Session
from benchmarks.server import resident_mb, start

FIRST = ("", "")
LARGE = (
    ("", "dataset=digits&hidden=64&steps=500"),
    ("", "dataset=digits&model=lenet&steps=60&batch_size=32"),
    ("sweep", "x=lr~0.01..10..64&y=seed~0~1~2~3~4~5~6~7"),
)
MIXED = (*LARGE, ("watch", "look=surface"), ("losses", "view=one"))
REST_S = 3.0  # after the last visitor, before what is left is read
LOOK_S = 0.05


async def visit(port: int, visits: tuple[tuple[str, str], ...]) -> None:
    """Open a page and query for each visitor, all at once, and leave when all are drawn."""
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    sockets = [await connect(address, subprotocols=["streamlit"], max_size=None) for _ in visits]
    sessions = [Session(socket, *one) for socket, one in zip(sockets, visits, strict=True)]
    await asyncio.gather(*(session.ask() for session in sessions))
    for socket in sockets:
        await socket.close()


def measured(*visits: tuple[str, str]) -> tuple[float, float, float]:
    """MB on a new server: after one visitor, at the peak of these visits, all at once, and after them."""
    server, port = start()
    try:
        asyncio.run(visit(port, (FIRST,)))
        one, peak, over = resident_mb(server.pid), 0.0, threading.Event()

        def look() -> None:
            nonlocal peak
            while not over.wait(LOOK_S):
                peak = max(peak, resident_mb(server.pid))

        looking = threading.Thread(target=look)
        looking.start()
        if visits:
            asyncio.run(visit(port, visits))
        over.set()
        looking.join()
        time.sleep(REST_S)
        return one, peak, resident_mb(server.pid)
    finally:
        server.terminate()


def main() -> None:
    """Print the table."""
    print("MB: after one visitor, at the peak of the next, and 3 s after")
    for one in LARGE:
        print(f"{'?'.join(one):60}", *(f"{mb:5.0f}" for mb in measured(one)), flush=True)
    print(f"{'five mixed visitors at once':60}", *(f"{mb:5.0f}" for mb in measured(*MIXED)), flush=True)


if __name__ == "__main__":
    main()
