"""A path in a link: the name of the app's own, or addresses, bounded and each one checked."""

import pytest

from core.start.path import FIRST, MAX_CHARS, MAX_STOPS, THE_PATH, from_lines, read, read_stop
from core.start.stops import STOPS
from tests.helpers.addresses import HOST, MARKUP


def test_the_name_is_the_path_of_the_app():
    assert read([FIRST]) is THE_PATH and THE_PATH.stops == STOPS and THE_PATH.own


def test_a_sequence_is_read_again_from_what_a_link_holds():
    made = from_lines(
        "losses?view=outlier\n\nhttp://here/traps?trap=stale&path=first&stop=3\n/watch?at=1.0\n"
    )
    assert made.texts == ("losses?view=outlier", "traps?trap=stale", "watch?at=1.0")
    assert read(made.texts) == made and not made.own
    assert [stop.question for stop in made.stops] == [""] * 3


@pytest.mark.parametrize("texts, said", [
    ([], "1 to 20 addresses; got 0"),
    (["losses"] * (MAX_STOPS + 1), "1 to 20 addresses; got 21"),
    (["autograd?text=" + "a" * MAX_CHARS], "at most 8,000 characters; got 8,014"),
    (["losses", "elsewhere"], "address 2: a page must be one of"),
    (["losses", FIRST], "address 2: a page must be one of"),
    (["traps?trap=stale&path=first"], "address 1: traps: there is no field 'path'"),
    *((["losses", text], "address 2: ") for text in MARKUP if text != f"https://{HOST}"),
])  # fmt: skip
def test_a_path_that_is_not_one_is_refused_with_a_sentence(texts, said):
    with pytest.raises(ValueError) as error:
        read(texts)
    assert said in str(error.value) and not set(str(error.value)) & set("<>`[]*")


def test_the_longest_sequence_is_taken():
    assert len(read(["losses"] * MAX_STOPS).stops) == MAX_STOPS


def test_where_an_address_was_copied_from_is_not_kept():
    assert read([f"https://{HOST}", f"https://{HOST}/x/losses"]).texts == ("compare", "losses")


@pytest.mark.parametrize("text", ["0", "8", "-1", "1.0", "", "٣", "1" * 99, "x"])
def test_a_stop_that_is_not_there_is_refused_with_the_limits(text):
    with pytest.raises(ValueError, match="from 1 to 7"):
        read_stop(text, THE_PATH)


def test_stops_are_counted_from_1_in_links():
    assert [read_stop(str(number), THE_PATH) for number in (1, 7)] == [0, 6]
