"""Preprocess steps: what stands on a table's rows before modules read them."""
