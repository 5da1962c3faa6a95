"""basalt-io: where market data comes from and where results go, as plugins of basalt."""
