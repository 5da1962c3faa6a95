"""Module `trade`: what traded in a bucket, from one row a print."""
