"""Settings: ``dev`` for a laptop and the demo, ``prod`` for a city, ``test`` for the suite; ``base`` is what they share."""
