"""Answers the events of an authorizer. The API's function decides what the caller may do."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from tidegate_authorizer.keys import IssuerKeys, Refused
from tidegate_authorizer.tokens import claims_of, context_of

_BEARER = re.compile(r"Bearer ([\w.-]{1,10000})", re.ASCII)
logger = logging.getLogger(__name__)


def answer(event: Mapping[str, Any]) -> dict[str, Any]:
    """Answers an event of a REQUEST authorizer. The issuer and the audience are variables of the API's stage."""
    return authorize(event, _keys_of(event["stageVariables"]["issuer"]))


@cache
def _keys_of(issuer: str) -> IssuerKeys:
    return IssuerKeys(issuer)


def authorize(event: Mapping[str, Any], keys: IssuerKeys) -> dict[str, Any]:
    """Returns the policy and the claims for the caller of a request.

    The gateway keeps the answer for other requests with the same token, so the policy names the whole stage. A token
    that is not accepted becomes the gateway's 401.
    """
    sent = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    audience = event["stageVariables"]["audience"]
    bearer = _BEARER.fullmatch(sent.get("authorization") or "")
    try:
        if bearer is None:
            raise Refused("the request carries no bearer token")
        context = context_of(claims_of(bearer[1], keys, audience), audience)
    except Refused as refused:
        logger.info("token refused: %s", refused)
        raise Exception("Unauthorized") from None  # the gateway answers 401 to exactly this text
    stage = "/".join(event["methodArn"].split("/")[:2])
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{stage}/*"}
    return {
        "principalId": context["sub"],
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }
