"""Sources, one module a layout."""
