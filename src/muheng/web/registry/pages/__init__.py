"""Pages of the registry: the list and search, an enterprise's file, its changes, maps."""
