"""The book of deeds: who did what to what, and when; append-only and chained. Decides nothing."""
