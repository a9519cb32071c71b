"""Every store of grants behaves the same."""

from __future__ import annotations

from tests.harness.contract.stores import NOW_MS, Stores
from tidegate.adapters.aws.item_sizes import item_size
from tidegate.adapters.dynamodb.values import Plain, encode_item
from tidegate.domain import limits
from tidegate.domain.grants import Grant, Grants
from tidegate.domain.roles import Role

ANN = Grant(
    "arn:aws:iam::123456789012:user/ann",
    Role.OPERATOR,
    (),
    "arn:aws:iam::123456789012:root",
    NOW_MS,
)
NIGHTLY = Grant(
    "arn:aws:iam::123456789012:role/Nightly", Role.CLIENT, ("team-a", "team.b"), ANN.namespace, NOW_MS + 1
)


def test_without_the_item_there_are_no_grants(stores: Stores) -> None:
    assert stores.grants.load() == Grants()


def test_grants_are_written_and_read_as_a_whole(stores: Stores) -> None:
    assert stores.grants.save_if_unchanged(Grants().having(ANN))
    first = stores.grants.load()
    assert (first.entries, first.version) == ({ANN.namespace: ANN}, 1)
    assert stores.grants.save_if_unchanged(first.having(NIGHTLY))
    second = stores.grants.load()
    assert second == Grants({ANN.namespace: ANN, NIGHTLY.namespace: NIGHTLY}, 2)
    assert stores.grants.save_if_unchanged(second.lacking(ANN.namespace))
    assert stores.grants.load() == Grants({NIGHTLY.namespace: NIGHTLY}, 3)


def test_of_two_changes_at_once_the_second_is_refused(stores: Stores) -> None:
    read = stores.grants.load()
    assert stores.grants.save_if_unchanged(read.having(ANN))
    assert not stores.grants.save_if_unchanged(read.having(NIGHTLY))
    standing = stores.grants.load()
    assert standing.entries == {ANN.namespace: ANN}
    assert stores.grants.save_if_unchanged(standing.having(NIGHTLY))
    assert not stores.grants.save_if_unchanged(standing.lacking(ANN.namespace))
    assert len(stores.grants.load().entries) == 2


def test_the_most_grants_of_the_largest_size_fit_into_one_item() -> None:
    names = [f"{number:02}" + "n" * (limits.MAX_NAMESPACE_CHARACTERS - 2) for number in range(20)]
    subject = "s" * limits.MAX_SUBJECT_CHARACTERS
    entry = {
        "role": "operator",
        "namespaces": names[: limits.MAX_NAMESPACES_PER_GRANT],
        "by": subject,
        "at": NOW_MS,
    }
    item: dict[str, Plain] = {
        "name": "grants",
        "version": 1,
        "granted": {f"{number:03}{subject[3:]}": entry for number in range(limits.MAX_GRANTS)},
    }
    assert item_size(encode_item(item)) < 400 * 1024
