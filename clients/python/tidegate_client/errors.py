"""The errors of the client: one tree, whose branches say who can mend the cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SHOWN_FAULTS = 10


class ClientError(Exception):
    """The base of every error that this package raises."""


class InvalidWorkflow(ClientError):
    """A workflow that the API would refuse. Nothing was sent. `faults` says what is wrong, one sentence each."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(faults))


class InvalidArgument(ClientError, ValueError):
    """An argument that no request can be made of. Nothing was sent."""


class Unreachable(ClientError):
    """No answer came to the last of the requests that the retry policy allows. A change may have been carried out.

    `why` is the transport's reason.
    """

    def __init__(self, method: str, path: str, why: str) -> None:
        self.why = why
        super().__init__(f"no answer to {method} {path} ({why}): check the URL and the network")


class UnexpectedAnswer(ClientError):
    """An answer that this API can't have given; the URL is probably another service's."""


class StillRunning(ClientError):
    """The time of a wait is over. The job or the workflow goes on. `last` is its last known state."""

    def __init__(self, message: str, last: object) -> None:
        self.last = last
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One wrong field of a request: its path, such as `jobs[3].priority`, and the message that says how to mend it."""

    field: str
    message: str


class ApiError(ClientError):
    """A refusal by the API, from the problem details (RFC 9457) of its answer.

    `status` is the HTTP status, `code` the stable code of the problem, such as `not-found`. `faults` are the wrong
    fields. `raw` is the whole answer. API Gateway refuses some requests itself. Their code is then `http-STATUS`.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        faults: Sequence[FieldFault] = (),
        *,
        code: str = "",
        raw: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.faults = tuple(faults)
        self.code = code or f"http-{status}"
        self.raw = dict(raw or {})
        super().__init__(_rendered(status, title, detail, self.faults))


class InvalidRequest(ApiError):
    """The request is malformed (400), too large (413) or has wrong fields (422). Nothing was written."""


class Forbidden(ApiError):
    """The credentials are missing, wrong, or not enough for the route (401, 403)."""


class NotFound(ApiError):
    """The thing is unknown, or the caller may not see it (404)."""


class Conflict(ApiError):
    """The thing's state does not allow the act (409). `code` says more, such as `already-ended`."""


class IdempotencyConflict(Conflict):
    """The idempotency key was used before, for another body."""


class TooManyRequests(ApiError):
    """The API still refused for load after the last retry (429). Nothing was done."""


class ServerError(ApiError):
    """The API failed, or did not answer in time (5xx), also at the last retry. A change may have been carried out."""


_BY_CODE: Mapping[str, type[ApiError]] = {"idempotency-conflict": IdempotencyConflict}
_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: InvalidRequest,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: InvalidRequest,
    422: InvalidRequest,
    429: TooManyRequests,
}


def api_error(status: int, reason: str, answer: Mapping[str, Any]) -> ApiError:
    """Returns the error for a refusal. `reason` is HTTP's own phrase; `answer` is the JSON object, {} if none came."""
    code = str(answer.get("type") or "").rpartition(":")[2]
    found = answer.get("errors")
    faults = [
        FieldFault(str(each.get("field", "")), str(each.get("message", "")))
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, Mapping)
    ]
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status) or (ServerError if status >= 500 else ApiError)
    detail = answer.get("detail") or answer.get("message") or answer.get("Message") or ""
    title = answer.get("title") or reason or "the API refused"
    return kind(status, str(title), str(detail), faults, code=code, raw=answer)


def _rendered(status: int, title: str, detail: str, faults: Sequence[FieldFault]) -> str:
    lines = [f"{title} ({status})"]
    if faults:
        lines += [
            f"  {fault.field}: {fault.message}" if fault.field else f"  {fault.message}"
            for fault in faults[:_SHOWN_FAULTS]
        ]
        if len(faults) > _SHOWN_FAULTS:
            lines.append(f"  and {len(faults) - _SHOWN_FAULTS} more")
    elif detail and detail != title:
        lines[0] += f": {detail}"
    return "\n".join(lines)
