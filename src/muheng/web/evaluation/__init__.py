"""An evaluation as a procedure, from the roster to the signed run. The computing is the library's."""
