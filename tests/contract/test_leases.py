"""Every store of dispatch leases behaves the same."""

from __future__ import annotations

from tests.harness.contract.stores import NOW_MS, POOL, Stores

LATER_MS = NOW_MS + 60_000


def test_a_lease_is_one_dispatchers_until_it_ends(stores: Stores) -> None:
    def take(owner: str, now_ms: int) -> bool:
        return stores.leases.take_if_free(POOL, owner, now_ms=now_ms, until_ms=now_ms + 1_000)

    assert take("one", NOW_MS)
    assert take("one", NOW_MS + 500)
    assert not take("two", NOW_MS + 1_500)
    assert stores.leases.take_if_free("other", "two", now_ms=NOW_MS, until_ms=NOW_MS)
    assert take("two", NOW_MS + 1_501)
    assert stores.leases.give_back_if_not_asked(POOL, "one", until_ms=LATER_MS), (
        "it was lost: there is nothing to give back"
    )
    assert not take("one", NOW_MS + 1_502)


def test_who_is_asked_for_the_lease_meanwhile_goes_again(stores: Stores) -> None:
    assert stores.leases.take_if_free(POOL, "one", now_ms=NOW_MS, until_ms=LATER_MS)
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS)
    assert not stores.leases.give_back_if_not_asked(POOL, "one", until_ms=LATER_MS)
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS), "it is held still"
    assert not stores.leases.give_back_if_not_asked(POOL, "one", until_ms=LATER_MS)
    assert stores.leases.give_back_if_not_asked(POOL, "one", until_ms=LATER_MS)
    assert stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS)


def test_who_goes_again_has_the_lease_for_longer(stores: Stores) -> None:
    """Ten turns may last longer than one lease, and then two dispatchers would fill the window."""
    assert stores.leases.take_if_free(POOL, "one", now_ms=NOW_MS, until_ms=NOW_MS + 10)
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS + 9, until_ms=LATER_MS)
    assert not stores.leases.give_back_if_not_asked(POOL, "one", until_ms=NOW_MS + 20)
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS + 19, until_ms=LATER_MS)
    assert stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS + 21, until_ms=LATER_MS)
    assert stores.leases.give_back_if_not_asked(POOL, "one", until_ms=LATER_MS), "it is another's by now"


def test_a_lease_can_be_given_back_whoever_asked(stores: Stores) -> None:
    assert stores.leases.take_if_free(POOL, "one", now_ms=NOW_MS, until_ms=LATER_MS)
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS)
    stores.leases.give_back(POOL, "two")
    assert not stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS), "it is not its own"
    stores.leases.give_back(POOL, "one")
    assert stores.leases.take_if_free(POOL, "two", now_ms=NOW_MS, until_ms=LATER_MS)
    assert stores.leases.give_back_if_not_asked(POOL, "two", until_ms=LATER_MS)
