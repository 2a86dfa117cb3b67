"""Background work: asked for, done by a worker, watched and stopped by whoever asked. Knows no kind of work."""
