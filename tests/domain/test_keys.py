"""Keys that callers choose live in a namespace, and are shown as their callers wrote them."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tidegate.domain.ids import derived_submission_id
from tidegate.domain.keys import IdempotencyKey, plain_key, plain_lane, scope_of, scoped_key
from tidegate.domain.lanes import key_lane, type_lane

ANN = "arn:aws:iam::123456789012:user/ann"
BEN = "arn:aws:iam::123456789012:user/ben"


def test_a_callers_own_scope_is_short_and_differs_from_every_shared_name() -> None:
    digest = hashlib.sha256(ANN.encode()).digest()
    assert scope_of(ANN) == "~" + base64.b32encode(digest[:10]).decode().lower()
    assert scope_of(BEN) != scope_of(ANN)


@pytest.mark.parametrize("namespace", ["", "billing", "a.b-c_d"])
def test_a_shared_namespace_is_its_own_scope(namespace: str) -> None:
    assert scope_of(namespace) == namespace


def test_equal_keys_of_two_namespaces_differ() -> None:
    stored = {scoped_key(namespace, "db") for namespace in ("", "billing", ANN, BEN)}
    assert len(stored) == 4
    assert scoped_key("billing", "db") == "billing/db"
    assert scoped_key("", "db") == "db"


@pytest.mark.parametrize("key", ["db", "a/b", "/", "10:x"])
@pytest.mark.parametrize("namespace", ["billing", ANN])
def test_a_stored_key_is_shown_as_it_was_written(namespace: str, key: str) -> None:
    stored = scoped_key(namespace, key)
    assert plain_key(stored, ANN) == key
    assert plain_lane(key_lane(stored, 3), ANN) == key_lane(key, 3)


def test_a_key_that_nobody_submitted_stands_as_it_is() -> None:
    assert plain_key("a/b", None) == "a/b"
    assert plain_lane(key_lane("a/b", 3), None) == key_lane("a/b", 3)


@pytest.mark.parametrize("lane", [type_lane("a/b"), "", "share:a/b"])
def test_a_lane_of_no_key_stays_as_it_is(lane: str) -> None:
    assert plain_lane(lane, ANN) == lane


def test_an_idempotency_key_gives_the_submission_id_of_its_namespace() -> None:
    key = IdempotencyKey(ANN, "nightly")
    assert key.submission_id("job") == derived_submission_id("job", "nightly", ANN)
    others = {IdempotencyKey(BEN, "nightly").submission_id("job"), key.submission_id("workflow")}
    assert len({key.submission_id("job"), *others}) == 3
