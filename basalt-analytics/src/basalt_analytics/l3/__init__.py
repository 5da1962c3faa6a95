"""Order events: books, queues, lives of orders."""
