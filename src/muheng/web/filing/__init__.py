"""What enterprises file each month, checked against their own past and permits."""
