"""What traded, from the book's side and from the prints' side."""
