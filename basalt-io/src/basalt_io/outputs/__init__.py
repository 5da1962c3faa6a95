"""Outputs, one module a kind of place."""
