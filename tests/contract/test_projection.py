"""The index carries attributes for dispatch and listings, and none of them costs an index write of its own."""

from __future__ import annotations

import pytest

from tests.harness.contract.stores import RANK_POLICY, SHARDS
from tests.harness.domain.transition_case import Case
from tests.harness.domain.transition_cases import CASES
from tidegate.adapters.aws.item_sizes import item_size
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.adapters.dynamodb.updates import update_of
from tidegate.adapters.dynamodb.values import encode_item
from tidegate.domain import limits
from tidegate.domain.statistics.ended import EndFigures
from tidegate.domain.transitions import (
    AmendIfWaiting,
    BeginIfAttemptHolds,
    ClaimAgainIfLeaseExpired,
    ClaimIfQueued,
    HeartbeatIfAttemptHolds,
)

FIGURES = EndFigures(
    waited_ms=2_592_000_000,
    ran_ms=43_200_000,
    wasted_ms=432_000_000,
    tries=11,
    hand_backs=20,
    losses=5,
    life=9_999,
    worker="w" * 64,
)
CODEC = JobCodec(SHARDS, RANK_POLICY)
PLACES = {schema.GROUP_KEY, schema.GROUP_SORT}
OF_AN_ATTEMPT = (ClaimIfQueued, ClaimAgainIfLeaseExpired, BeginIfAttemptHolds, HeartbeatIfAttemptHolds)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_write_changes_what_the_index_carries_only_where_it_moves_the_entry(case: Case) -> None:
    """An amendment is the exception: a caller asked for another priority, which the entry then shows."""
    update = update_of(CODEC, case.transition)
    written = {*update.values, *update.set_once, *update.add}
    if isinstance(case.transition, OF_AN_ATTEMPT):
        assert not written & {*schema.PROJECTED, *PLACES}
    if written & set(schema.PROJECTED) and not isinstance(case.transition, AmendIfWaiting):
        assert written & PLACES


def test_an_entry_costs_one_unit_unless_its_texts_are_very_long() -> None:
    """An entry of up to 1 KB costs one write unit. Its numbers and the longest of some texts fit."""
    texts = {
        schema.JOB_ID: "0" * 31,
        schema.GROUP_KEY: f"{'p' * limits.MAX_POOL_CHARACTERS}#SUCCEEDED#63",
        schema.TYPE: "t" * limits.MAX_TYPE_CHARACTERS,
        schema.SHARE: "s" * limits.MAX_SHARE_CHARACTERS,
        schema.CONCURRENCY_KEY: "c" * 64,
        schema.KEY: "k" * 64,
        schema.NAME: "n" * 128,
        schema.SUBMITTED_BY: "a" * 128,
        schema.ERROR_CODE: "e" * limits.MAX_ERROR_CODE_CHARACTERS,
        schema.FIGURES: FIGURES.packed(),
    }
    numbers = {
        schema.GROUP_SORT: 10**30,
        schema.CONCURRENCY_LIMIT: 100,
        schema.PRIORITY: 1_000,
        schema.ESTIMATED_SECONDS: 43_199.5,
        schema.CREATED_AT: 1_700_000_000_000,
        schema.READY_AT: 1_700_000_000_000,
    }
    assert {*texts, *numbers} == {schema.JOB_ID, *PLACES, *schema.PROJECTED}
    assert item_size(encode_item({**texts, **numbers})) <= 1_024
