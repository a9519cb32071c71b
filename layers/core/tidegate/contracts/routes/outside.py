"""The routes by which jobs outside go on and end, and by which callers decide approvals."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.contracts.outside import DecisionIn, FinishIn, HeartbeatIn, HeartbeatOut
from tidegate.contracts.responses import JobOut
from tidegate.contracts.route import Route
from tidegate.domain.errors import NotAnApproval, NotAnApprover, NotFound, NotOutside, WrongToken
from tidegate.domain.roles import Role

ROUTES = (
    Route(
        "POST",
        "/v1/jobs/{job_id}/finish",
        Role.CLIENT,
        "ends a job that was handed over, by the token of its attempt",
        {HTTPStatus.OK: JobOut},
        body=FinishIn,
        needs_body=True,
        errors=(NotFound, WrongToken, NotOutside),
    ),
    Route(
        "POST",
        "/v1/jobs/{job_id}/heartbeat",
        Role.CLIENT,
        "extends the lease of a job that was handed over, by the token of its attempt",
        {HTTPStatus.OK: HeartbeatOut},
        body=HeartbeatIn,
        needs_body=True,
        errors=(NotFound, WrongToken, NotOutside),
    ),
    *(
        Route(
            "POST",
            f"/v1/jobs/{{job_id}}/{act}",
            Role.CLIENT,
            does,
            {HTTPStatus.OK: JobOut},
            body=DecisionIn,
            errors=(NotFound, NotAnApproval, NotAnApprover, NotOutside),
        )
        for act, does in (
            ("approve", "approves a job that waits for an approval"),
            ("reject", "rejects a job that waits for an approval"),
        )
    ),
)
