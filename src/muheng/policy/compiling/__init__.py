"""The parts of the compiler, one for each part of a policy file; ``policy.compile`` calls them in order."""
