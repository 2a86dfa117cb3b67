"""What a person may see of evaluations: the procedure, and the results."""
