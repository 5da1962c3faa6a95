"""Batches behind a transform are cut by what it makes, not by what it reads."""

import polars as pl
from order_events import e1

from basalt.face import plan_in_memory
from basalt.planning.sizing import table_inputs
from basalt.planning.widths import row_bytes

EVENTS = {"l3": pl.DataFrame({"ListingId": [1], "Rows": [17]})}


def width(**options):
    """Bytes of an order event in a pass over books."""
    plan = plan_in_memory([{"module": "l2", "levels": 1}], "5s", None, {"l3": e1()}, options)
    (one,) = table_inputs(plan.programs[0], plan.columns_of, EVENTS)
    return one.width


def test_an_event_is_as_wide_as_the_book_that_is_made_of_it():
    """Ten levels are 40 numbers of 8 bytes and 20 of 4, each with a bit; key, stamp, number and state take 25 more."""
    plan = plan_in_memory(
        [{"module": "l2", "levels": 1}], "5s", None, {"l3": e1()}, {"preprocess": [{"transform": "l3_book"}]}
    )
    (step,) = [one for one in plan.programs[0].steps if not one.implied]
    made = width(preprocess=[{"transform": "l3_book"}])
    assert made == row_bytes(step.made, step.made) == 433
    assert made > 3 * width(preprocess=[{"transform": "l3_book", "levels": 1}])


def test_steps_behind_each_other_count_by_the_widest():
    steps = [{"transform": "l3_queue"}, {"transform": "l3_book", "levels": 10}]
    assert width(preprocess=steps) == width(preprocess=steps[1:])
