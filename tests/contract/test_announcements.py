"""Every store of announced job types behaves the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.contract.stores import NOW_MS, Stores
from tidegate.domain.announcements import (
    AHEAD_AT_MOST_MS,
    FADES_AFTER_MS,
    Announcement,
    DescribedType,
    announced,
)
from tidegate.domain.errors import ServiceUnavailable

RENDER = DescribedType("reports.render", "Renders", '{"type":"object"}', aws_credentials=True)
LATER = replace(RENDER, description="Renders better", second_attempt=True)
COUNT = DescribedType("text.count")


def of(described: DescribedType, started_at_ms: int = NOW_MS, now_ms: int = NOW_MS + 1) -> Announcement:
    """Returns the announcement of a worker that started then."""
    return announced(described, "ecs", f"worker-{started_at_ms}", started_at_ms, now_ms)


def test_without_announcements_there_is_none(stores: Stores) -> None:
    assert (stores.announcements.load().by_type, stores.announcements.load().is_all) == ({}, True)


def test_an_announcement_is_read_as_it_was_written(stores: Stores) -> None:
    assert stores.announcements.announce_if_later(of(RENDER))
    assert stores.announcements.announce_if_later(of(COUNT))
    assert stores.announcements.load().by_type == {"reports.render": of(RENDER), "text.count": of(COUNT)}


def test_the_description_of_the_worker_that_started_later_holds(stores: Stores) -> None:
    assert stores.announcements.announce_if_later(of(RENDER, NOW_MS + 5))
    assert not stores.announcements.announce_if_later(of(LATER, NOW_MS + 4))
    assert not stores.announcements.announce_if_later(of(LATER, NOW_MS + 5))
    assert stores.announcements.load().by_type == {"reports.render": of(RENDER, NOW_MS + 5)}
    assert stores.announcements.announce_if_later(of(LATER, NOW_MS + 6))
    assert not stores.announcements.announce_if_later(of(RENDER, NOW_MS + 5))
    assert stores.announcements.load().by_type == {"reports.render": of(LATER, NOW_MS + 6)}


def test_a_description_that_faded_no_longer_holds(stores: Stores) -> None:
    announcements = stores.announcements
    assert announcements.announce_if_later(of(RENDER, NOW_MS + 9, NOW_MS))
    assert not announcements.announce_if_later(of(LATER, NOW_MS, NOW_MS + FADES_AFTER_MS - 1))
    mine = of(LATER, NOW_MS, NOW_MS + FADES_AFTER_MS)
    assert announcements.announce_if_later(mine)
    assert not announcements.announce_if_later(mine)
    assert announcements.load().by_type == {"reports.render": mine}


@pytest.mark.parametrize("other", [RENDER, LATER], ids=["equal", "different"])
@pytest.mark.parametrize("is_start", [True, False], ids=["started", "seen"])
def test_a_description_that_is_ahead_no_longer_holds(
    stores: Stores, other: DescribedType, *, is_start: bool
) -> None:
    announcements, ahead_ms = stores.announcements, NOW_MS + AHEAD_AT_MOST_MS
    wrong = of(RENDER, ahead_ms + 1) if is_start else of(RENDER, NOW_MS, ahead_ms + 1)
    assert announcements.announce_if_later(wrong)
    assert not announcements.announce_if_later(of(other, NOW_MS - 1, NOW_MS + 1)), "a minute is no fault"
    mine = of(other, NOW_MS - 1, NOW_MS)
    assert announcements.announce_if_later(mine)
    assert announcements.load().by_type == {"reports.render": mine}


def test_an_equal_description_is_not_written_again(stores: Stores) -> None:
    assert stores.announcements.announce_if_later(of(RENDER))
    assert not stores.announcements.announce_if_later(of(RENDER, NOW_MS + 9, NOW_MS + 10))
    assert stores.announcements.load().by_type == {"reports.render": of(RENDER)}


def test_a_description_is_renewed_only_while_it_stands(stores: Stores) -> None:
    announcements = stores.announcements
    assert not announcements.renew_if_standing(RENDER.type, RENDER.digest, NOW_MS)
    assert announcements.load().by_type == {}
    announcements.announce_if_later(of(RENDER))
    assert not announcements.renew_if_standing(RENDER.type, LATER.digest, NOW_MS + 60)
    assert not announcements.renew_if_standing(RENDER.type, RENDER.digest, NOW_MS + 1)
    assert announcements.renew_if_standing(RENDER.type, RENDER.digest, NOW_MS + 60)
    assert announcements.load().by_type == {"reports.render": replace(of(RENDER), seen_at_ms=NOW_MS + 60)}


def test_a_faded_item_may_be_removed(stores: Stores) -> None:
    if stores.clients is None or stores.tables is None:
        pytest.skip("memory has no TTL")
    stores.announcements.announce_if_later(of(RENDER))
    stores.announcements.renew_if_standing(RENDER.type, RENDER.digest, NOW_MS + 5_000)
    key = {"pool": {"S": "types#announced"}, "lane": {"S": RENDER.type}}
    item = stores.clients.dynamodb.get_item(TableName=stores.tables.lanes, Key=key)["Item"]
    assert item["expires_at"]["N"] == str((NOW_MS + 5_000 + FADES_AFTER_MS) // 1_000)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"digest": {"S": "d"}, "started_at": {"S": "yesterday"}},
        {"digest": {"S": "d"}, "home_pool": {"S": "ecs"}, "reads_upstreams": {"BOOL": True}},
    ],
)
def test_one_bad_item_does_not_hide_the_others(stores: Stores, broken: dict[str, dict[str, object]]) -> None:
    if stores.clients is None or stores.tables is None:
        pytest.skip("memory holds no malformed item")
    stores.announcements.announce_if_later(of(COUNT))
    key = {"pool": {"S": "types#announced"}, "lane": {"S": "bad.type"}}
    stores.clients.dynamodb.put_item(TableName=stores.tables.lanes, Item={**key, **broken})
    found = stores.announcements.load()
    assert (found.by_type, found.unreadable) == ({"text.count": of(COUNT)}, ("bad.type",))


def test_many_types_take_several_pages_and_no_end_of_pages(stores: Stores) -> None:
    if stores.clients is None or stores.tables is None:
        pytest.skip("memory has no pages")
    large = "x" * 32_000
    for number in range(40):  # more than one megabyte
        stores.announcements.announce_if_later(of(DescribedType(f"type{number:03}", "", large)))
    found = stores.announcements.load()
    assert (len(found.by_type), found.is_all) == (40, True)


def test_an_endless_list_of_pages_is_cut(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    if stores.clients is None:
        pytest.skip("memory has no pages")
    key = {"pool": {"S": "types#announced"}, "lane": {"S": "a"}}
    asked: list[object] = []

    def query(**arguments: object) -> dict[str, object]:
        asked.append(arguments)
        return {"Items": [], "LastEvaluatedKey": key}

    monkeypatch.setattr(stores.clients.dynamodb, "query", query)
    assert not stores.announcements.load().is_all
    assert len(asked) == 8


def test_an_error_of_the_service_is_no_refusal(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    if stores.clients is None:
        pytest.skip("memory has no errors of its own")

    def fail(**_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(stores.clients.dynamodb, "put_item", fail)
    with pytest.raises((ServiceUnavailable, ConnectionError)):
        stores.announcements.announce_if_later(of(RENDER))
