"""Every audit trail behaves the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.contract.stores import NOW_MS, Stores
from tidegate.domain.audit import Act, AuditSearch, Outcome, SearchBy, subject_of
from tidegate.domain.callers import caller_under
from tidegate.domain.ids import first_ulid

ANN = caller_under("arn:aws:sts::123456789012:assumed-role/Schedulers/ann@example.com")
BEN = caller_under("arn:aws:iam::123456789012:user/ben")
FOREVER_MS = NOW_MS + 10 * 86_400_000
DAY = "2023-11-14"  # of NOW_MS


def act(number: int, **changes: object) -> Act:
    at_ms = NOW_MS + number
    standing = Act(
        act_id=f"{first_ulid(at_ms)}{'0' * 16}",
        at_ms=at_ms,
        subject=subject_of("pool", "ecs"),
        act="pool.pause",
        route="POST /v1/pools/{pool}/pause",
        caller=ANN,
    )
    return replace(standing, **changes)  # type: ignore[arg-type]  # a bundle of keyword arguments


def done(of: Act, **changes: object) -> Act:
    values = {"outcome": Outcome.DONE, "ended_at_ms": of.at_ms + 7, **changes}
    return replace(of, **values)  # type: ignore[arg-type]  # as above


def search(by: SearchBy, value: str, since_ms: int = 0, until_ms: int = FOREVER_MS) -> AuditSearch:
    return AuditSearch(by, value, since_ms, until_ms)


@pytest.mark.parametrize(
    ("by", "value"),
    [(SearchBy.SUBJECT, "pool#ecs"), (SearchBy.CALLER, ANN.subject), (SearchBy.DAY, DAY)],
)
def test_acts_come_newest_first_with_their_outcomes(stores: Stores, by: SearchBy, value: str) -> None:
    open_one = act(1)
    finished = done(act(2), before={"paused": False, "n": 1.5}, after={"paused": True, "left": None})
    refused = replace(act(3), outcome=Outcome.REFUSED, ended_at_ms=NOW_MS + 9, code="not-found")
    other = act(4, subject="pool#lambda", caller=BEN)
    for each in (open_one, finished, refused, other):
        stores.audit.ask(each)
    for each in (finished, refused):
        stores.audit.conclude(each)
    everything = [refused, finished, open_one]
    if by is SearchBy.DAY:
        everything = [other, *everything]
    assert list(stores.audit.page(search(by, value), limit=9)) == everything
    assert stores.audit.page(search(by, "none"), limit=9) == ()
    first = stores.audit.page(search(by, value), limit=1)
    assert list(first) == everything[:1]
    assert list(stores.audit.page(search(by, value), limit=9, before=first[0].act_id)) == everything[1:]


def test_a_search_is_bounded_by_time(stores: Stores) -> None:
    for number in range(5):
        stores.audit.ask(act(number))
    found = stores.audit.page(search(SearchBy.SUBJECT, "pool#ecs", NOW_MS + 1, NOW_MS + 4), limit=9)
    assert [each.at_ms - NOW_MS for each in found] == [3, 2, 1]
    assert stores.audit.page(search(SearchBy.CALLER, ANN.subject, NOW_MS + 5), limit=9) == ()


def test_an_entry_is_never_replaced(stores: Stores) -> None:
    standing = done(act(1), after={"paused": True})
    stores.audit.ask(standing)
    stores.audit.ask(replace(act(1), act="pool.resume"))
    stores.audit.conclude(standing)
    stores.audit.conclude(replace(standing, outcome=Outcome.REFUSED, ended_at_ms=NOW_MS + 99))
    assert stores.audit.page(search(SearchBy.SUBJECT, "pool#ecs"), limit=9) == (standing,)


def test_a_caller_that_is_not_known_is_stored_and_shown(stores: Stores) -> None:
    nameless = act(1, caller=caller_under(None))
    stores.audit.ask(nameless)
    assert stores.audit.page(search(SearchBy.SUBJECT, "pool#ecs"), limit=9) == (nameless,)


def test_a_page_holds_whole_acts_whatever_its_limit(stores: Stores) -> None:
    acts = [done(act(number)) for number in range(7)]
    for each in acts:
        stores.audit.ask(each)
        stores.audit.conclude(each)
    found: list[Act] = []
    while page := stores.audit.page(
        search(SearchBy.SUBJECT, "pool#ecs"), limit=2, before=found[-1].act_id if found else None
    ):
        found += page
    assert found == acts[::-1]
