"""Icebergs: orders that display a part of their size and renew it, and what of them was hidden.

A *tranche* is what an order displays at once, from its insert or renewal on; its *peak* is the size it begins with. A
*chain* is the tranches of one order as its owner sees it, under one id (*native*) or several (*synthetic*). It is an
iceberg from its *confirmation* on, the first event that an order without hidden size would not show. *Hidden* is what a
chain executes beyond what it had displayed openly: by its first insert, and by amends.
"""
