"""What monitoring data say: which of them count, what exceeds, what looks wrong, how much was emitted. No clock."""
