"""What this distribution offers, named without importing it."""

from basalt.hooks import Lazy, hookimpl

_MODULES = (
    Lazy(
        "trade",
        "basalt_analytics.trade.module:Trade",
        "Volumes, prices, bars, imbalances, flags and costs of trades.",
    ),
    Lazy(
        "retail_imbalance",
        "basalt_analytics.trade.retail:RetailImbalance",
        "What retail orders bought and sold, by flag or by fractions of a cent.",
    ),
    Lazy(
        "l2",
        "basalt_analytics.l2.module:L2",
        "Depth, spreads, imbalances, prices, bars, cost, shape, flow and changes of book rows.",
    ),
    Lazy(
        "l2tw",
        "basalt_analytics.l2.timed_module:L2Tw",
        "Depth, spreads, imbalances, prices, cost and shape of the book, weighted by time in force.",
    ),
    Lazy(
        "l2_volatility",
        "basalt_analytics.volatility.module:L2Volatility",
        "Realised variance and its kin of book prices, on grids or at every row.",
    ),
    Lazy(
        "l3",
        "basalt_analytics.l3.module:L3",
        "How orders are placed, changed, withdrawn and executed, and what stands before them.",
    ),
    Lazy(
        "execution",
        "basalt_analytics.execution.module:Execution",
        "What traded, from the book's side and from the prints' side.",
    ),
    Lazy(
        "iceberg",
        "basalt_analytics.iceberg.module:Iceberg",
        "Orders that renew what they display, and how much of them was hidden.",
    ),
    Lazy(
        "liquidity",
        "basalt_analytics.trade.liquidity.module:Liquidity",
        "Price impact, illiquidity, implied spread, VPIN.",
    ),
    Lazy("tca", "basalt_analytics.trade.orders.module:Tca", "Costs of parent orders: shortfall, slippage, markouts."),
    Lazy(
        "trade_characteristics",
        "basalt_analytics.characteristics.trades:TradeCharacteristics",
        "What prints are like: counts, flags, ids, delays, order, whatever they are worth.",
    ),
    Lazy(
        "l3_characteristics",
        "basalt_analytics.characteristics.orders:L3Characteristics",
        "What order events are like: counts, states, order, and what fits no book.",
    ),
    Lazy("cbbo", "basalt_analytics.cbbo.module:Cbbo", "Time and size at the best price of the instrument, by venue."),
    Lazy(
        "yang_zhang",
        "basalt_analytics.volatility.yang_zhang:YangZhang",
        "Variance from the last bars of an earlier pass, gaps included.",
    ),
    Lazy(
        "auction",
        "basalt_analytics.auction.module:Auction",
        "How call auctions find their price: indications, imbalance, uncross, dislocation, share of volume.",
    ),
    Lazy("generic", "basalt_analytics.series.generic:Generic", "An earlier pass resampled to coarser buckets."),
)


@hookimpl
def basalt_analytics() -> list[Lazy]:
    """The modules, by the names that pipelines use."""
    return list(_MODULES)


@hookimpl
def basalt_tables() -> list[Lazy]:
    """Tables beyond the canonical ones."""
    return [
        Lazy("orders", "basalt_analytics.trade.orders.table:ORDERS", "a desk's own parent orders"),
        Lazy(
            "aggressive_orders",
            "basalt_analytics.transforms.aggressive.tables:AGGRESSIVE_ORDERS",
            "aggressive orders, put together from their executions",
        ),
    ]


@hookimpl
def basalt_transforms() -> list[Lazy]:
    """The preprocess steps, by the names that pipelines use."""
    place = "basalt_analytics.transforms"
    return [
        Lazy("quotes_at_trades", f"{place}.quotes_at_trades:QuotesAtTrades", "Quote and mids around each trade."),
        Lazy("l3_book", "basalt_analytics.l3.book:L3Book", "Books of any depth, from every order event."),
        Lazy("l3_old_state", "basalt_analytics.l3.old_state:L3OldState", "What each order was before each event."),
        Lazy("l3_queue", "basalt_analytics.l3.queue:L3Queue", "What stands in front of each order."),
        Lazy(
            "iceberg_tags",
            "basalt_analytics.iceberg.tags:IcebergTags",
            "Trades that executed an iceberg, and what of each was hidden.",
        ),
        Lazy(
            "auction_uncross",
            "basalt_analytics.auction.transform:AuctionUncross",
            "Where the orders of a call auction would clear, as indications.",
        ),
        Lazy("trade_signs", f"{place}.trade_signs:TradeSigns", "Aggressor sides that the exchange does not tell."),
        Lazy(
            "consolidated_book",
            "basalt_analytics.consolidated.transform:ConsolidatedBook",
            "One book of an instrument out of the books of its listings.",
        ),
        Lazy(
            "cbbo_from_l3",
            "basalt_analytics.consolidated.from_l3:CbboFromL3",
            "One book of an instrument, from the order events of its venues.",
        ),
        Lazy(
            "aggressive_trades",
            f"{place}.aggressive_trades:AggressiveTrades",
            "Executions put together into the aggressive orders that caused them.",
        ),
    ]
