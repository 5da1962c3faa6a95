"""Module `tca`: what parent orders cost, from the desk's own order events, the market's trades and mids."""
