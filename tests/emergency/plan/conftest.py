"""The synthetic cities of the benchmark are tested on too: the root of the repository is where they are found."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))
