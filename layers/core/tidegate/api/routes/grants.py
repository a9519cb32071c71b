"""The routes of the callers' grants."""

from __future__ import annotations

import re
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from tidegate.api.answering import answer_with
from tidegate.api.auditing import audited_act
from tidegate.api.caller import caller_of
from tidegate.api.errors import refuse_other_methods
from tidegate.api.reading import body_of, deps_of, refuse_other_parameters
from tidegate.contracts.grants import grant_out, grants_out, read_grant
from tidegate.contracts.requests import read_no_options
from tidegate.domain import limits
from tidegate.domain.audit import Details
from tidegate.domain.callers import CallerKind, caller_under, namespace_of
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.grants import Grant
from tidegate.usecases.callers import set_grants

router = Router()  # type: ignore[no-untyped-call]  # its constructor has no type annotations
_ARN = re.compile(r"arn:[a-z-]+:(iam|sts)::[0-9]{12}:(root|[a-z-]+/[\w+=,.@/-]+)", re.ASCII)


@router.get("/v1/grants")
def list_grants() -> Response[str]:
    """Returns every grant."""
    refuse_other_parameters(router)
    return answer_with(HTTPStatus.OK, grants_out(set_grants.list_grants(deps_of(router).services)))


@router.put("/v1/grants")
def put_grant() -> Response[str]:
    """Gives a caller a role and shared namespaces, instead of those that it had."""
    refuse_other_parameters(router, "namespace")
    namespace, (role, namespaces), deps = _namespace(), read_grant(body_of(router)), deps_of(router)
    with audited_act(router, "grant.set", namespace) as record:
        before, grant = set_grants.set_grant(
            deps.services, namespace, role, namespaces, caller=caller_of(router), now_ms=deps.clock.now_ms()
        )
        record.change(before=_details(before), after=_details(grant))
    return answer_with(HTTPStatus.OK, grant_out(grant))


@router.delete("/v1/grants")
def delete_grant() -> Response[str]:
    """Removes the grant of a caller, and answers with the grant as it was."""
    refuse_other_parameters(router, "namespace")
    read_no_options(body_of(router))
    namespace = _namespace()
    with audited_act(router, "grant.remove", namespace) as record:
        grant = set_grants.remove_grant(deps_of(router).services, namespace, caller=caller_of(router))
        record.change(before=_details(grant))
    return answer_with(HTTPStatus.OK, grant_out(grant))


def _details(grant: Grant | None) -> Details:
    """Returns what the audit trail keeps of a grant."""
    return {} if grant is None else {"role": str(grant.role), "namespaces": " ".join(grant.namespaces)}


def _namespace() -> str:
    """Returns the namespace of the caller that the request names, by which its grant and the acts on it are found."""
    subject = router.current_event.query_string_parameters.get("namespace", "")
    has_token = caller_under(subject).kind is CallerKind.OAUTH
    if len(subject) > limits.MAX_SUBJECT_CHARACTERS or not (has_token or _ARN.fullmatch(subject)):
        raise InvalidRequest.of(
            "namespace",
            "must be the ARN of a user, a role or another caller, such as "
            "arn:aws:iam::123456789012:role/Nightly, or the issuer and the sub of a token, as ISSUER#SUB; "
            "`tidegate me` shows your own",
        )
    return namespace_of(subject)


refuse_other_methods(router, "/v1/grants", "DELETE", "GET", "PUT")
