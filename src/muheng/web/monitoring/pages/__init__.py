"""The pages of the monitoring room."""
