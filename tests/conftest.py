"""What every test shares: hypothesis without a stopwatch, as CI machines are slow at times."""

from hypothesis import settings

settings.register_profile("muheng", deadline=None)
settings.load_profile("muheng")
