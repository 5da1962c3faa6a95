"""Lineage: from a column down to the tables, through earlier passes."""

from polars import Float64

from basalt import Column, TableSchema, Unit
from basalt.documents import PassResult, ResultColumn
from basalt.lineage import Node, lineage, lines


def test_lineage_names_what_nobody_describes_without_a_description():
    schema = TableSchema("news", "News.", [Column("Tone", Float64, "how good the news are", Unit.INDEX)])
    earlier = PassResult("bars", ["ListingId"], None, [ResultColumn("X", Unit.PRICE, "X.", reads=["news.Tone"])])
    reads = ["bars.X", "bars.Gone", "news.Tone", "news.Odd", "other.Y"]
    assert lineage(reads, {"bars": earlier}, {"news": schema}) == [
        Node("pass bars", [Node("X", [Node("table news", [Node("Tone: how good the news are")])]), Node("Gone")]),
        Node("table news", [Node("Tone: how good the news are"), Node("Odd")]),
        Node("table other", [Node("Y")]),
    ]


def test_lines_are_indented_by_depth():
    tree = [Node("pass bars", [Node("X", [Node("table news")])]), Node("table other")]
    assert lines(tree) == ["pass bars", "  X", "    table news", "table other"]
