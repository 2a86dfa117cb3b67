"""What an executor can answer besides a result."""

from __future__ import annotations


class OverflowRefused(ArithmeticError):
    """A value is so large that a later step could not be computed exactly; ``rows`` are positions in the frame."""

    def __init__(self, node: str, rows: list[int]) -> None:
        super().__init__(node)
        self.node = node
        self.rows = rows
