"""The transform `consolidated_book`: one book of an instrument out of the books of its listings."""
