"""Renews tokens of people as Cognito does: with their groups, and with the time of the sign-in.

The unpatched emulator forgets the groups, so a person would lose the role with the first renewal. It also calls each
renewal a sign-in, which OpenID Connect forbids, so strict clients refuse the renewed tokens.
"""

from __future__ import annotations

from typing import Any

from ministack.services import cognito

_GROUPS = "cognito:groups"
_SIGN_INS = "_sign_ins"
"""The field of a person that has the times of the sign-ins, by their ids. It is saved with the person."""

_apply = cognito._apply_pretoken_trigger


def _apply_as_cognito_does(**given: Any) -> dict[str, Any]:
    """Completes the claims of a person's token, new or renewed, before they are signed."""
    people = (cognito._get_pool_unscoped(given["pool_id"]) or {}).get("_users", {})
    person = people.get(given["username"])
    if person is None:  # a token of a program
        return dict(_apply(**given))
    claims, groups = dict(given["claims"]), person.get("_groups", [])
    if groups:
        claims[_GROUPS] = groups
    sign_ins = person.setdefault(_SIGN_INS, {})
    claims["auth_time"] = sign_ins.setdefault(claims["origin_jti"], claims["auth_time"])
    return dict(_apply(**{**given, "claims": claims, "groups": groups}))


def renew_as_cognito_does() -> None:
    """Patches the emulator of this process. Call it once."""
    # Patches ministack: `cognito._apply_pretoken_trigger`, which sees the claims of each token before it is signed,
    # because those of a renewed one lack the groups and have the time of the renewal.
    cognito._apply_pretoken_trigger = _apply_as_cognito_does
