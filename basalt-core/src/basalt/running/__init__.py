"""Running a plan: frames, fused aggregations, partitions, publishing and the ledger."""
