"""What lowering is made of: bounded integers, exact quotients, figures of groups; ``policy.lower`` has the nodes."""
