"""Leave: the import of lists."""
