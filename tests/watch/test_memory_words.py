"""What is said about kept losses: a table and sentences, with numbers worked out by hand."""

from core import Config
from core.watch.memory import Watch
from core.watch.memory_words import table, words
from core.watch.ways import WAYS

DELIVERIES = {"dataset": "deliveries", "model": "linear", "lr": 0.01}


def deliveries(steps=5, **choices):
    return Watch(Config(**DELIVERIES, **choices), steps=steps).advance()


def test_table_by_hand():
    found = table(deliveries(steps=4).rows).set_index("way")
    assert list(found.index) == [way.title for way in WAYS.values()]
    row = found.loc["loss, no backward"]
    assert (row["saved"], row["per_loss"], row["nodes"]) == (64, 16, 14)
    assert found.loc["sum, after backward", "keeps"] == "total += loss"
    assert found.loc["sum, after backward", "nodes"] == 18
    assert found.loc["loss.item()", ["saved", "nodes", "own"]].tolist() == [0, 0, 0]


def test_words_have_the_numbers():
    said = words(deliveries(steps=4))
    for part in (
        "the 16 bytes saved",
        "64 bytes for 4 losses",
        "(0 bytes left)",
        "14 graph nodes",
        "18 with",
    ):
        assert part in said
    assert "for 1 loss." in words(deliveries(steps=1))
