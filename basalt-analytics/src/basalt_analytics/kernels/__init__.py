"""Compiled loops over dense arrays, for what no expression can say. Import them where they run: it takes seconds."""
