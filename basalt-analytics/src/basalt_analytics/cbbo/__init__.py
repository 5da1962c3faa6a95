"""The module `cbbo`: how much of the time, and with how much, a venue stands at the best price of its instrument."""
