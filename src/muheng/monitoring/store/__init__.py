"""What was received, kept: raw frames in append-only segments, values in Parquet by day, evidence that verifies anywhere."""
