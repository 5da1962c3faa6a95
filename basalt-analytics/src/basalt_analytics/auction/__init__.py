"""Call auctions: how one finds its price, what it traded, and where orders would clear.

A *phase* is one unbroken run of one market state; a *message* is an indication stamped inside one. The *uncross* is the
moment at which the orders gathered execute, all at one price.
"""
