"""What is done with points, devices, marks, proofs, events, patrols and evidence: one function a verb."""
