"""The outputs of basalt-io in each store: under the laws, and byte for byte or row for row."""

import polars as pl
import pytest
from stores import opened
from trials import MONDAY, TUESDAY, WEDNESDAY

from basalt.errors import PublishError
from basalt.testing import OutputLaws
from basalt.testing.partitions import document, rows, spooled, target


class TestStores(OutputLaws):
    @pytest.fixture(autouse=True)
    def where(self, six):
        self.six = six

    def output(self, folder):
        return opened(self.six.kind, self.six.options, folder)


@pytest.fixture
def publish(six, spool):
    """Stages and commits rows to the store."""

    def published(frame, day=TUESDAY, key="first"):
        output = six.output()
        output.commit(output.stage(target(day), spool(frame), document(key)), key)

    return published


@pytest.fixture
def three(six, publish):
    """What is seen of a store with three partitions."""
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        publish(rows(day), day)
    return six.seen("bars")


def test_of_three_partitions_one_is_replaced_and_the_others_stay_byte_for_byte_or_row_for_row(six, publish, three):
    publish(rows(TUESDAY, listings=(7,)), key="second")
    found = six.seen("bars")
    for day in (MONDAY, WEDNESDAY):
        assert found.held[day] == three.held[day]
    assert found.held[TUESDAY] != three.held[TUESDAY]
    assert len(found.rows) - len(three.rows) == 4 - 8
    assert six.rest("bars") == []


def test_published_twice_it_is_identical(six, publish, three):
    """In its bytes; in a database, in its rows and its books."""
    publish(rows(TUESDAY))
    found = six.seen("bars")
    assert found.rows == three.rows
    if six.kind != "sql":
        assert list(found.held[TUESDAY].values()) == list(three.held[TUESDAY].values())


@pytest.mark.parametrize("wrong", ["a column less", "a column more", "another dtype"])
def test_batches_of_two_schemas_are_refused_and_nothing_is_changed(six, three, spool, wrong):
    frame = rows(TUESDAY, listings=(7, 8))
    odd = {
        "a column less": frame.drop("Price"),
        "a column more": frame.with_columns(More=1),
        "another dtype": frame.with_columns(Price=pl.lit("text")),
    }[wrong]
    output = six.output()
    with pytest.raises(PublishError):
        output.stage(target(TUESDAY), [*spool(frame), *spool(odd)], document("second"))
    assert six.seen("bars") == three
    assert six.rest("bars") == []


def test_what_was_discarded_cannot_be_committed(six, three, spool):
    """Nor can what somebody else removed; of a table that is there, and of one that is not."""
    output = six.output()
    for result in ("bars", "fresh"):
        to = target(TUESDAY, result=result)
        staged = output.stage(to, spool(rows(TUESDAY, listings=(7,))), document("second"))
        output.discard(staged)
        with pytest.raises(PublishError, match="could not be published"):
            output.commit(staged, "second")
    assert six.seen("bars") == three
    assert six.seen("fresh") is None
    assert six.output().scan(target(TUESDAY)).collect().height == 8


def test_batches_in_a_folder_of_any_name_are_published(six, tmp_path):
    """Readers must not take its brackets and stars for a pattern."""
    output = six.output()
    batches = spooled(tmp_path / "spool [1] *", rows(TUESDAY, listings=(1,)), rows(TUESDAY, listings=(2,)))
    output.commit(output.stage(target(TUESDAY), batches, document("first")), "first")
    assert output.scan(target(TUESDAY)).collect().height == 8
