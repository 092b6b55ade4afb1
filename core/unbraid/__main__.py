"""`python -m unbraid` is the command `unbraid`."""

import sys

from unbraid.cli import main

if __name__ == "__main__":
    sys.exit(main())
