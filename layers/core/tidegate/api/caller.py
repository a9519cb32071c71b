"""Reads from a request who sent it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tidegate.domain.callers import Caller, caller_under, signed_in
from tidegate.domain.errors import InvalidToken
from tidegate.domain.roles import Role

# The variable of a stage that says how its callers prove who they are. Only that of the API for bearer tokens has it.
CALLERS: Final = "callers"
WITH_TOKENS: Final = "oauth"
_SCOPES: Final = "tidegate/"  # the resource server to which the scopes belong
# The gateway hands a list on as text: "[viewer client]" or "viewer,client".
_GROUP = re.compile(r"[^\s,\[\]]+")


def caller_of(router: BaseRouter) -> Caller:
    """Returns the caller that the gateway has authenticated.

    Raises InvalidToken if the API takes bearer tokens, and the gateway passes on no claims of an access token.
    """
    context = router.current_event["requestContext"]
    variables = router.current_event.get("stageVariables") or {}
    if variables.get(CALLERS) != WITH_TOKENS:
        return caller_under(context["identity"].get("userArn"))
    return caller_with_token(context.get("authorizer") or {})


def caller_with_token(authorizer: Mapping[str, Any]) -> Caller:
    """Returns the caller that the claims of an access token name. Raises InvalidToken, as `caller_of` does.

    They come from Cognito's authorizer or from one of this deployment, which gives the same claims.
    """
    claims: Mapping[str, Any] = authorizer.get("claims") or authorizer
    if claims.get("token_use") != "access":
        raise InvalidToken(
            "the request carries no access token; an ID token says who you are, and allows nothing"
        )
    scopes = str(claims.get("scope") or "").split()
    groups = set(_GROUP.findall(str(claims.get("cognito:groups") or claims.get("groups") or "")))
    caller = signed_in(
        str(claims.get("iss") or ""),
        str(claims.get("sub") or ""),
        display=str(claims.get("username") or ""),
        scopes=frozenset(each.removeprefix(_SCOPES) for each in scopes if each.startswith(_SCOPES)),
        role=next((role for role in reversed(Role) if role in groups), None),
    )
    if caller is None:
        raise InvalidToken("the access token names no issuer or no subject that tidegate can tell apart")
    return caller
