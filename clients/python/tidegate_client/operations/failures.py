"""The routes of failures, grouped by their cause."""

from __future__ import annotations

from tidegate_client.models.base import reader
from tidegate_client.models.failures import Failures, Mute
from tidegate_client.operations.jobs import Moment, moment
from tidegate_client.wire import Operation, request


def list_failures(
    *,
    since: Moment | None = None,
    pool: str | None = None,
    type: str | None = None,  # noqa: A002 - the name of the query parameter
    code: str | None = None,
    muted: bool | None = None,
    cursor: str | None = None,
) -> Operation[Failures]:
    """Groups the latest 1,000 failed jobs at most, or those before the answer whose `cursor` is given.

    `since` counts; without it the jobs of the last day count. `muted` asks for muted groups too.
    """
    sent = request(
        "GET",
        "/v1/failures",
        since=moment(since),
        pool=pool,
        type=type,
        code=code,
        muted=muted,
        cursor=cursor,
    )
    return Operation(sent, reader(Failures))


def mute_failures(fingerprint: str) -> Operation[Mute]:
    """Leaves a failure group out of listings. A second call has no further effect."""
    return Operation(request("POST", "/v1/failures/{}/mute", fingerprint), reader(Mute))


def unmute_failures(fingerprint: str) -> Operation[Mute]:
    """Lists a failure group again. A second call has no further effect."""
    return Operation(request("POST", "/v1/failures/{}/unmute", fingerprint), reader(Mute))
