"""Storages: which known tensor one is, bytes counted once, sizes in words."""

import torch

from core.graph.graph import graph
from core.graph.storage import storages
from tests.helpers.graphs import random


def kept_as(tensor, known):
    """The name that a kept tensor gets: here `other` of a product."""
    w = torch.ones((), requires_grad=True)
    (one,) = graph(w * tensor, {"w": w} | known).saved
    return one.tensor


def test_kept_tensors_are_known_by_where_they_lie():
    square, table = random(3, 3), random(4, 2)
    known = {"square": square, "left": table[:, :1], "right": table[:, 1:], "alike": square.clone()}
    assert kept_as(square, known) == "square"
    assert kept_as(square.T, known) == "square.T"  # as large as the square itself
    assert kept_as(table[:, 1:], known) == "right"
    assert kept_as(square.view(9), known) == "view of square"
    assert kept_as(square[1:], known) == "view of square"
    assert kept_as(random(3, 3, seed=5), known) is None


def test_a_neighbor_in_one_storage_is_another_tensor():
    flat = random(6)
    known = {"first": flat[:3], "second": flat[3:]}
    assert kept_as(flat[3:].view(3, 1), known) == "view of second"
    assert kept_as(flat[:0], known) is None
    assert kept_as(flat[::2], {"last": flat[4:]}) == "view of last"  # entries 0, 2 and 4
    assert kept_as(flat[:4:2], {"last": flat[4:]}) is None


def test_storages_count_once_and_whole():
    base = torch.zeros(10)
    assert list(storages([base[:2], base[5:], base]).values()) == [40]
