"""What every test shares: hypothesis without a stopwatch, and with the same examples on every run.

A commit is judged by what it changes, not by luck; ``MUHENG_EXAMPLES=20`` hunts with fresh examples instead.
"""

import os

from hypothesis import settings

settings.register_profile("muheng", deadline=None, derandomize="MUHENG_EXAMPLES" not in os.environ)
settings.load_profile("muheng")
