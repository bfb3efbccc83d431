"""The app on a free port of this machine, for the benchmarks that use it, and what it and a browser take."""

import os
import re
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHUNK = 65536  # bytes


def start() -> tuple[subprocess.Popen[bytes], int]:
    """A server of the app that answers, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
            return server, port
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError("the app did not start")


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB, from Linux's own accounting."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else float("nan")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, all threads together, from Linux's own accounting."""
    return _ticks(pid, 2) / os.sysconf("SC_CLK_TCK")


def browser_seconds() -> float:
    """The same of all of Chromium on this machine, with the processes of it that have ended."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"chrom" in (process / "cmdline").read_bytes().split(b"\0")[0]:
                ticks += _ticks(int(process.name), 4)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
    return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int, fields: int) -> int:
    """Time in its own code and in the system's; then those of its children that have ended."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, after_name[11 : 11 + fields]))


class Relay(socketserver.ThreadingTCPServer):
    """Stands between browser and server, and counts what the page's websockets carry to the browser.

    bytes: as they are on the wire, compressed and framed.
    """

    daemon_threads = True

    def __init__(self, port: int):
        super().__init__(("127.0.0.1", 0), _Pipe)
        self.to, self.bytes = port, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Pipe(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.to)) as there:
            head = self.request.recv(CHUNK)
            there.sendall(head)
            threading.Thread(target=self._send, args=(there,), daemon=True).start()
            try:
                while data := there.recv(CHUNK):
                    self.server.bytes += len(data) * (b"/_stcore/stream" in head)
                    self.request.sendall(data)
            except OSError:
                pass  # the browser has closed the page

    def _send(self, there: socket.socket) -> None:
        try:
            while data := self.request.recv(CHUNK):
                there.sendall(data)
            there.shutdown(socket.SHUT_WR)
        except OSError:
            pass
