"""Checks before publishing: a pass's columns against the schema lock, its values and its rows against what is asked."""
