"""`python timed.py ours|theirs DAY`: the pass of bench_timed once, for its memory."""

import sys
from pathlib import Path

from bench_timed import THREE, by_basalt, by_hand, plan_of

if __name__ == "__main__":
    who, root = sys.argv[1], Path(sys.argv[2])
    rows = by_basalt(plan_of(root, *THREE)) if who == "ours" else by_hand(root)
    print(rows.height)
