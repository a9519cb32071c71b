"""The keys that callers choose, each in a namespace: two namespaces never meet under one key.

The namespace is the caller's own, or a shared one that operators granted. Code that submits without a request has no
namespace, and its keys stand as they are.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from tidegate.domain.ids import derived_submission_id
from tidegate.domain.lanes import key_lane, key_of

_HASH_BYTES = 10
_OWN = "~"  # begins the scope of a caller's own namespace; the name of a shared one can't hold it


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An idempotency key in its namespace."""

    namespace: str
    text: str

    def submission_id(self, kind: str) -> str:
        """Returns the id of the submission of this `kind` ("job", "workflow", …) that belongs to the key."""
        return derived_submission_id(kind, self.text, self.namespace)


def scope_of(namespace: str) -> str:
    """Returns the short name of a namespace: a shared one's own, 80 bits of SHA-256 for a caller's, empty for none."""
    if not namespace or ":" not in namespace:
        return namespace
    digest = hashlib.sha256(namespace.encode()).digest()[:_HASH_BYTES]
    return _OWN + base64.b32encode(digest).decode().lower()


def scoped_key(namespace: str, key: str) -> str:
    """Returns the concurrency key as a job stores it, so that equal keys of two namespaces differ."""
    return f"{scope_of(namespace)}/{key}" if namespace else key


def plain_key(stored: str, submitted_by: str | None) -> str:
    """Returns the concurrency key as its caller wrote it. A job that names no caller stores it without a namespace."""
    return stored if submitted_by is None else stored.partition("/")[2]


def plain_lane(held_in: str, submitted_by: str | None) -> str:
    """Returns the lane of a held job as callers read it, with the concurrency key as its caller wrote it."""
    bounded = key_of(held_in)
    if bounded is None:
        return held_in
    key, limit = bounded
    return key_lane(plain_key(key, submitted_by), limit)
