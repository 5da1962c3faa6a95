"""The analytics that come with basalt: trades, order books and series, each behind the plugin door of `basalt`."""
