"""`python -m brain`: the commands without the terminal UI."""

import sys

from brain.cli import main

if __name__ == "__main__":
    sys.exit(main())
