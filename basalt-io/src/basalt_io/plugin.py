"""What basalt-io registers: sources and outputs, named without importing them."""

from basalt.hooks import Lazy, hookimpl


@hookimpl
def basalt_sources() -> list[Lazy]:
    """Places that tables come from."""
    return [
        Lazy("parquet", "basalt_io.sources.parquet:ParquetSource", "canonical tables in Parquet, a folder a date"),
        Lazy("delta", "basalt_io.sources.delta:DeltaSource", "canonical tables and results in Delta tables"),
        Lazy("sql", "basalt_io.sources.sql:SqlSource", "canonical tables in a database"),
        Lazy("lobster", "basalt_io.sources.lobster:LobsterSource", "LOBSTER message and order-book files"),
        Lazy("china_l2", "basalt_io.sources.china_l2:ChinaL2Source", "Level-2 of Shanghai and Shenzhen: orders, books"),
        Lazy("databento", "basalt_io.sources.databento:DatabentoSource", "Databento's files in DBN"),
        Lazy("taq", "basalt_io.sources.taq:TaqSource", "TAQ trades and quotes, cleaned as asked"),
        Lazy("bitstamp", "basalt_io.sources.bitstamp:BitstampSource", "Bitstamp order events and trades in CSV"),
        Lazy("simulator", "basalt_io.sources.simulator:SimulatorSource", "simulated market days, from a seed"),
    ]


@hookimpl
def basalt_outputs() -> list[Lazy]:
    """Places that results go to."""
    return [
        Lazy("parquet", "basalt_io.outputs.parquet:ParquetOutput", "one Parquet file a partition"),
        Lazy("delta", "basalt_io.outputs.delta:DeltaOutput", "a Delta table a pass, a partition a transaction"),
        Lazy("sql", "basalt_io.outputs.sql:SqlOutput", "a table a pass in a database, a partition a transaction"),
    ]
