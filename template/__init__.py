"""`make init`: this repository becomes its user's own; then this folder is gone.

It runs before anything is installed, so it has the standard library only.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 # python3 may be any
    print("error: this needs Python 3.11 or newer: make init PYTHON=python3.12, for instance", file=sys.stderr)
    sys.exit(2)
