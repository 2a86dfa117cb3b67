"""What pollution sources send of themselves: read, checked, judged. Knows nothing of pages, clocks or sockets."""
