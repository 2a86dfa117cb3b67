"""Files that were handed in or made, kept under the digest of what is in them. Knows nothing of their meaning."""
