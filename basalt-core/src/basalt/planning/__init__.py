"""Planning: everything that can be refused is refused here, before data is read."""
