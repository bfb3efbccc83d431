"""What no browser sends: the server refuses it, and whoever visits next notices nothing."""

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PATIENCE_S = 120
GARBAGE = (
    b"",
    bytes(range(256)) * 16,
    "rerun",
    BackMsg(rerun_script=ClientState(query_string="lr=0.1" * 99)).SerializeToString()[:50],
    BackMsg(debug_shutdown_runtime=True).SerializeToString(),
    BackMsg(clear_cache=True).SerializeToString(),
    BackMsg(
        rerun_script=ClientState(page_script_hash="../../etc/passwd", fragment_id="x" * 10_000)
    ).SerializeToString(),
    BackMsg(
        rerun_script=ClientState(query_string="lr=%FF%00&lr=&&=&run=%u2028" + "&x" * 2000)
    ).SerializeToString(),
)


def opened(address):
    return connect(
        address.replace("http://", "ws://") + "/_stcore/stream", subprotocols=["streamlit"], max_size=None
    )


def finished(address):
    """Whether a visitor of the first page gets it, without an error in it."""
    with opened(address) as socket:
        socket.send(BackMsg(rerun_script=ClientState(query_string="steps=5")).SerializeToString())
        elements = []
        while True:
            message = ForwardMsg.FromString(socket.recv(timeout=PATIENCE_S))
            elements.append(message.delta.new_element.WhichOneof("type"))
            if message.WhichOneof("type") == "script_finished":
                return "vega_lite_chart" in elements and "exception" not in elements


def test_garbage_ends_at_most_the_session_that_sends_it(address):
    for data in GARBAGE:
        with opened(address) as socket:
            try:
                for _ in range(3):
                    socket.send(data)
                while True:
                    message = ForwardMsg.FromString(socket.recv(timeout=0.5))
                    assert message.delta.new_element.WhichOneof("type") != "exception"
            except (TimeoutError, ConnectionClosed):
                pass
    assert finished(address)
