"""Submission ids: ULIDs, derived from the client's idempotency key where there is one."""

from __future__ import annotations

import hashlib

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHARACTERS = 26  # of a ULID: 128 bits, 5 to a character


def derived_submission_id(kind: str, idempotency_key: str) -> str:
    """The id that a submission of `kind` ("job" or "workflow") gets from its idempotency key.

    128 bits of SHA-256 in the form of a ULID (Crockford's base 32), so that the same key finds the same submission.
    """
    digest = hashlib.sha256(f"{kind}\n{idempotency_key}".encode()).digest()
    number = int.from_bytes(digest[:16], "big")
    return "".join(_CROCKFORD[(number >> (5 * place)) & 31] for place in reversed(range(_CHARACTERS)))
