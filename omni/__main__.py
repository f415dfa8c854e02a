"""`python -m omni` is the command `omni`."""

import sys

from omni.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
