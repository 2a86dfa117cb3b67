"""What a person may see of monitoring."""
