"""The gateway of the API for bearer tokens in memory: the template says what it asks for, real signatures decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from tests.harness.functions.api_calls import Answer, Api
from tests.harness.functions.signed_tokens import POOL_ISSUER, RSA_KEY, Issuer
from tests.harness.template import Resolved
from tidegate_authorizer.authorize import authorize

POOL = {"OAuthApi": "true"}
OWN = {
    **POOL,
    "OAuthIssuer": "https://issuer.example.com/tenant",
    "OAuthAudience": "https://tidegate.example.com",
    "OAuthClientId": "people",
}
_STAGE = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live"
_UNAUTHORIZED = Answer(401, {}, {"message": "Unauthorized"}, 0)


def paths_of(template: Resolved) -> dict[str, dict[str, Any]]:
    """Returns the methods of the API for bearer tokens by their path."""
    found: dict[str, dict[str, Any]] = template.properties("SignInApi")["DefinitionBody"]["paths"]
    return found


def method_of(template: Resolved, method: str, path: str) -> dict[str, Any] | None:
    """Returns the method that the gateway chooses: that of the path itself, else of the longest greedy one."""
    known = paths_of(template)
    greedy = [
        each for each in known if each.endswith("/{proxy+}") and path.startswith(each[: -len("{proxy+}")])
    ]
    resource = path if path in known else max(greedy, key=len, default=None)
    found: dict[str, Any] | None = known[resource].get(method.lower()) if resource else None
    return found


@dataclass(slots=True)
class SignInGateway:
    """A deployment in memory behind the API for bearer tokens. `reached` counts the requests that passed the gateway.

    For a user pool it does what the documents say of Cognito's authorizer: with scopes it takes access tokens alone,
    which need one of them. For an issuer of one's own it runs the authorizer of the stack.
    """

    template: Resolved
    api: Api
    issuer: Issuer = field(default_factory=Issuer)
    reached: int = 0

    def call(self, method: str, path: str, bearer: str | None, body: object = None, **query: str) -> Answer:
        """Sends a request with this token, or without one."""
        chosen = method_of(self.template, method, path)
        assert chosen, f"the gateway has no {method} {path}"
        (security,) = chosen["security"]
        passed = self._authorized(method, path, bearer, security["token"]) if bearer is not None else None
        if passed is None:
            return _UNAUTHORIZED
        self.reached += 1
        return self.api.call(method, path, body, query=query or None, authorizer=passed)

    def _authorized(self, method: str, path: str, bearer: str, scopes: list[str]) -> Mapping[str, Any] | None:
        scheme = self.template.properties("SignInApi")["DefinitionBody"]["components"]["securitySchemes"]
        if scheme["token"]["x-amazon-apigateway-authtype"] == "cognito_user_pools":
            return _by_the_pool(bearer, scopes)
        event = {
            "methodArn": f"{_STAGE}/{method}{path}",
            "headers": {"Authorization": f"Bearer {bearer}"},
            "stageVariables": self.template.properties("SignInApi")["Variables"],
        }
        try:
            answer = authorize(event, self.issuer.known())
        except Exception as refused:
            if str(refused) != "Unauthorized":  # the gateway answers 500 to any other text
                raise
            return None
        return {**answer["context"], "principalId": answer["principalId"]}


def _by_the_pool(bearer: str, scopes: list[str]) -> Mapping[str, Any] | None:
    try:
        if jwt.get_unverified_header(bearer).get("kid") != "rsa":
            return None
        claims = jwt.decode(
            bearer,
            RSA_KEY.public_key(),
            algorithms=["RS256"],
            issuer=POOL_ISSUER,
            options={"require": ["exp", "iss"], "verify_aud": False},
        )
    except jwt.PyJWTError:
        return None
    if scopes and (
        claims["token_use"] != "access" or not set(scopes).intersection(str(claims["scope"]).split())
    ):
        return None
    return {
        "claims": {
            name: ",".join(value) if isinstance(value, list) else str(value) for name, value in claims.items()
        }
    }
