"""Tests of all packages, and what several of them share."""

import signal

# Where tests run in the background of a script, the shell has Ctrl-C ignored, and so would all processes they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
