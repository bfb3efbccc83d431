"""The JavaScript that draws charts, as text: a page that holds it needs no network.

It comes from vl-convert, the library that Altair itself exports with. That runs a whole JavaScript engine,
whose 130 MB would stay in this process; so another one asks it, once.
"""

import subprocess
import sys
import threading

import altair as alt

PATIENCE_S = 60.0
_ASK = """
import sys
import vl_convert
sys.stdout.write(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=sys.argv[1]))
"""
_lock, _found = threading.Lock(), list[str]()


def bundle() -> str:
    """vega-embed, Vega-Lite and Vega; defines `vegaEmbed`. Raises RuntimeError if there is none to be had."""
    with _lock:
        if not _found:
            _found.append(_ask())
        return _found[0]


def _ask() -> str:
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    command = [sys.executable, "-c", _ASK, version]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeError("vl-convert does not give the JavaScript that draws charts") from error
    return done.stdout.decode().replace("</script", "<\\/script")
