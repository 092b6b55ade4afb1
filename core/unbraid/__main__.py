"""`python -m unbraid` is the command `unbraid`, and as that one imports nothing from the working folder."""

import os
import sys

if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:
    del sys.path[0]                                # put there by -m

from unbraid.cli import main

if __name__ == "__main__":
    sys.exit(main())
