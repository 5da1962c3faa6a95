"""Characteristics: what the rows of a table are like, bucket by bucket, before anybody measures anything with them."""
