"""What an error says is one readable sentence, whatever the file that it quotes."""

import pickle

from basalt.errors import DataError, PublishError


def test_a_message_is_as_it_was_given():
    assert str(DataError("trades of 日本 → é\nhas two lines")) == "trades of 日本 → é\nhas two lines"


def test_a_message_that_quotes_a_megabyte_is_cut_in_the_middle():
    said = str(DataError(f"file.csv has {'7' * 1_000_000}: fetch it again"))
    assert said.startswith("file.csv has 777")
    assert said.endswith("777: fetch it again")
    assert len(said) == 2_003


def test_control_characters_are_spelt_out():
    assert str(PublishError("header '\0\x1b[31m\t'")) == "header '\\x00\\x1b[31m\\t'"


def test_it_is_pickled_whole():
    error = pickle.loads(pickle.dumps(DataError("x" * 5_000)))
    assert error.args == ("x" * 5_000,)
