"""The first page of each role: what to do today, and the city at a glance. Has no state of its own."""
