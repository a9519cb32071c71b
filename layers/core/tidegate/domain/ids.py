"""Submission ids: ULIDs, derived from the client's idempotency key where the client sent one."""

from __future__ import annotations

import hashlib

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHARACTERS = 26  # of a ULID: 128 bits, 5 to a character
_TIME_CHARACTERS = 10  # of a ULID: its first 50 bits are the time in milliseconds


def derived_submission_id(kind: str, idempotency_key: str) -> str:
    """Returns the submission id that belongs to an idempotency key.

    `kind` is "job" or "workflow". The id is made of 128 bits of SHA-256 and has the form of a ULID: 26 characters of
    Crockford's base 32. The same kind and key give the same id, so a repeated request finds the first submission.
    """
    digest = hashlib.sha256(f"{kind}\n{idempotency_key}".encode()).digest()
    return _base_32(int.from_bytes(digest[:16], "big"), _CHARACTERS)


def first_ulid(at_ms: int) -> str:
    """Returns a text that sorts before every ULID from `at_ms` (milliseconds since the epoch) on, after all others."""
    return _base_32(at_ms, _TIME_CHARACTERS)


def ulid_time_ms(ulid: str) -> int:
    """Returns the time of a ULID, or of what `first_ulid` made, in milliseconds. Raises ValueError if it is neither."""
    number = 0
    for character in ulid[:_TIME_CHARACTERS]:
        number = number * 32 + _CROCKFORD.index(character)
    return number


def _base_32(number: int, characters: int) -> str:
    return "".join(_CROCKFORD[(number >> (5 * place)) & 31] for place in reversed(range(characters)))
