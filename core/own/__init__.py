"""A loop of one's own: what `core/recorder.py` noted of it, read as plain data, and which line it names.

A wing of its own, since nothing here was computed by this app: it is read from a file that anybody may have
written, so everything is checked before it is used. It stands after the traps, to which its sentences lead.
"""
