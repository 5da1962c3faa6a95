"""Lives of orders: how long they rest, and what ends them."""
