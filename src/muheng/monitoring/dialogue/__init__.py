"""What the host says to a device and makes of what it says: frames in, effects out. No socket, no clock."""
