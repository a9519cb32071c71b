"""What a token says, once its signature, issuer, audience, times and use are checked.

Sources: RFC 7519 (JWT), RFC 8725 (best practices).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt

from tidegate_authorizer.keys import ALGORITHMS, IssuerKeys, Refused

SCOPES = ("read", "submit", "operate")
GROUPS = ("viewer", "client", "operator")
LEEWAY_SECONDS = 10
_ACCESS = "access"
# Claims that no access token has. The first three tie an ID token to a sign-in, the last is that of a logout token.
# Sources: OpenID Connect Core 1.0, sections 2 and 3.3.2.11; OpenID Connect Back-Channel Logout 1.0, section 2.4.
# Keycloak has the claim `typ`, which is ID in an ID token and Bearer in an access token.
_OF_OTHER_TOKENS = ("at_hash", "c_hash", "nonce", "events")


def claims_of(token: str, keys: IssuerKeys, audience: str) -> Mapping[str, Any]:
    """Returns the claims of an access token for this audience. Raises Refused or IssuerUnreachable."""
    try:
        header = jwt.get_unverified_header(token)
        key_id, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in ALGORITHMS or not isinstance(key_id, str):
            raise Refused("the token is signed in another way, or names no key")
        claims: Mapping[str, Any] = jwt.decode(
            token,
            keys.find(key_id),
            algorithms=list(ALGORITHMS),
            issuer=keys.issuer,
            audience=audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["aud", "exp", "iss", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise Refused(type(error).__name__) from error
    is_other = claims.get("typ") == "ID" or any(name in claims for name in _OF_OTHER_TOKENS)
    if claims.get("token_use", _ACCESS) != _ACCESS or is_other:
        raise Refused("the token is no access token")
    return claims


def context_of(claims: Mapping[str, Any], audience: str) -> dict[str, str]:
    """Returns what the API's function reads: the claims of a user pool's access token, by the same names.

    Scopes may be named `tidegate/read`, `tidegate:read`, `tidegate.read` or `<audience>/read`. Groups are named
    `tidegate-viewer` and so on, because an issuer's other groups may well be called `operator`.
    """
    scopes = set(_texts(claims.get("scope")) + _texts(claims.get("scp")))
    groups = set(_texts(claims.get("groups")) + _texts(claims.get("roles")))
    known = {each: (f"tidegate/{each}", f"tidegate:{each}", f"tidegate.{each}") for each in SCOPES}
    names = (claims.get("preferred_username"), claims.get("email"), claims.get("name"))
    return {
        "token_use": _ACCESS,
        "iss": str(claims["iss"]),
        "sub": str(claims["sub"]),
        "scope": " ".join(
            f"tidegate/{each}"
            for each, spelled in known.items()
            if scopes.intersection((*spelled, f"{audience}/{each}"))
        ),
        "groups": ",".join(each for each in GROUPS if f"tidegate-{each}" in groups),
        "username": next((name for name in names if isinstance(name, str)), ""),
    }


def _texts(claim: Any) -> list[str]:
    """Returns a claim's values, which issuers write as a list or in one text with blanks between."""
    if isinstance(claim, str):
        return claim.split()
    return [each for each in claim if isinstance(each, str)] if isinstance(claim, list) else []
