"""Series modules: they read the result of an earlier pass instead of tables."""
