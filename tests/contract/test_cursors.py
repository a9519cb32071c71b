"""Every cursor store behaves the same."""

from __future__ import annotations

from tests.harness.contract.stores import Stores


def test_a_cursor_is_kept_until_it_starts_over(stores: Stores) -> None:
    assert stores.cursors.load("pending") is None
    stores.cursors.save("pending", "p/3")
    stores.cursors.save("active", "a/1")
    assert (stores.cursors.load("pending"), stores.cursors.load("active")) == ("p/3", "a/1")
    stores.cursors.save("pending", None)
    stores.cursors.save("pending", None)
    assert (stores.cursors.load("pending"), stores.cursors.load("active")) == (None, "a/1")
