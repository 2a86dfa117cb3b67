"""The steps of the procedure, a module each. Every deed asks for the right, changes the state, and is recorded."""
