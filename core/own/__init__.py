"""What somebody brings: a loop as `core/recorder.py` noted it, and which line it names; a CSV to train on.

A wing of its own, since nothing here was computed by this app: it is read from a file that anybody may have
written, so everything is checked before it is used. It stands after the traps, to which its sentences lead.
"""
