"""Module `l2`: order-book snapshots, from one row a change of the book."""
