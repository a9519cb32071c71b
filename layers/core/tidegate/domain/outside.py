"""An attempt that was handed over: its code has ended, and somebody outside finishes the job.

The job stays RUNNING under the same attempt, and no worker runs it. The attempt's token allows its holder to finish
it: a text with the job's id, the number of the attempt, and a secret of this attempt alone. The job keeps only a
digest of the token, so no reader of the job can make the token.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from typing import Final

from tidegate.domain import limits
from tidegate.domain.texts import plain_message

APPROVAL_TYPE: Final = "tidegate.approval"
"""The built-in job type whose jobs wait outside until a caller approves or rejects them."""

_FORM: Final = "1"  # the form of the token, so that a later version may read earlier tokens
_PARTS: Final = 4
_DIGEST_BYTES: Final = 24  # of SHA-256: far more than the secret's 128 bits need


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The value by which job code hands its attempt over: it returns this in place of a result.

    The job may stay outside for `timeout_seconds` (1-2,592,000; None: as long as the job's own `timeout_seconds`). Then
    the attempt has timed out. It must be heard from every `lease_seconds` (1-2,592,000) meanwhile; None asks for no
    heartbeat before the timeout. `message`, cut to 200 characters, says for people what the job waits for.

    Raises ValueError for a number out of range, and TypeError for a message that is no text.
    """

    timeout_seconds: float | None = None
    lease_seconds: float | None = None
    message: str = ""

    def __post_init__(self) -> None:
        for name in ("timeout_seconds", "lease_seconds"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= limits.MAX_OUTSIDE_SECONDS:
                raise ValueError(
                    f"{name} is {value:g}; give 1 to {limits.MAX_OUTSIDE_SECONDS} seconds, or leave it out"
                )
        if not isinstance(self.message, str):
            raise TypeError(f"message is a {type(self.message).__name__}; give text")
        object.__setattr__(self, "message", plain_message(self.message)[: limits.MAX_PROGRESS_CHARACTERS])


@dataclass(frozen=True, slots=True)
class Outside:
    """The latest hand-over of a job. Times and durations are in milliseconds, times since the epoch.

    `attempt` is the attempt that was handed over at `since_ms`, and `digest` is that of its token. Each heartbeat
    extends the lease by `lease_ms`, up to `until_ms`, when the attempt times out. `until_ms` is None once the attempt
    has ended. `beats` counts the heartbeats from outside until then.
    """

    attempt: int
    digest: str
    since_ms: int
    lease_ms: int
    until_ms: int | None
    beats: int = 0

    def lease_until_ms(self, now_ms: int) -> int:
        """Returns when the lease runs out that a heartbeat at `now_ms` takes."""
        return min(now_ms + self.lease_ms, now_ms if self.until_ms is None else self.until_ms)

    def over(self) -> Outside:
        """Returns the hand-over after the end of its attempt."""
        return replace(self, until_ms=None, beats=0)


def outside_of(handed: HandedOver, token: FinishToken, timeout_seconds: int, now_ms: int) -> Outside:
    """Returns the hand-over of the token's attempt at `now_ms`, of a job with this `timeout_seconds`."""
    timeout_ms = int(1_000 * (timeout_seconds if handed.timeout_seconds is None else handed.timeout_seconds))
    lease_ms = timeout_ms if handed.lease_seconds is None else int(1_000 * handed.lease_seconds)
    return Outside(token.attempt, token.digest, now_ms, min(lease_ms, timeout_ms), now_ms + timeout_ms)


@dataclass(frozen=True, slots=True)
class FinishToken:
    """The token of one attempt. `secret` is random and of this attempt alone; it never reaches a log."""

    job_id: str
    attempt: int
    secret: str

    @property
    def text(self) -> str:
        """Returns the token as it is handed out: URL-safe text without padding."""
        plain = "|".join((_FORM, self.job_id, str(self.attempt), self.secret))
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @property
    def digest(self) -> str:
        """Returns the digest by which a job knows its token."""
        found = hashlib.sha256(self.text.encode()).digest()[:_DIGEST_BYTES]
        return base64.urlsafe_b64encode(found).decode()

    @classmethod
    def read(cls, text: str) -> FinishToken | None:
        """Returns the token that a text is, None for any other text."""
        try:
            plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
            form, job_id, attempt, secret = plain.split("|", _PARTS - 1)
            token = cls(job_id, int(attempt), secret)
        except ValueError:
            return None
        return token if form == _FORM and token.text == text else None

    def __repr__(self) -> str:
        return f"FinishToken(job_id={self.job_id!r}, attempt={self.attempt})"
