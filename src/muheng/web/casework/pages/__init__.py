"""Pages of casework: inboxes, one case, openings, what belongs together, an enterprise's own."""
