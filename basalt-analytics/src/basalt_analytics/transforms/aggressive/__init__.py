"""Executions put together into the aggressive orders that caused them."""
