"""Module `liquidity`: what trading costs the price, from trades and mids on a grid inside each bucket."""
