"""The wire of pollution sources: HJ/T 212-2005, HJ 212-2017 and HJ 212-2025, chosen for each packet by its Flag.

``scanner`` finds frames in a stream, ``decoding`` reads one, ``parts`` joins what was split, ``encoding`` writes them,
``archive`` reads a great many at once; ``tables`` holds the standards' codes. Whether a value is believable is not
known here: the checksum says little (see ``crc``), and nothing about the figures.
"""
