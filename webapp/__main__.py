"""`python -m webapp`: the same as `splitstrument serve`."""

import sys

from webapp.serve import main

if __name__ == "__main__":
    sys.exit(main())
