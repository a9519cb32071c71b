"""A renewed token says of a person what the token of the sign-in said."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from ministack.services import cognito

from tidegate_devstack.renewals import renew_as_cognito_does

POOL, CLIENT = "us-east-1_test", "client"
SIGNED_IN_AT_S, RENEWED_AT_S = 1_800_000_000, 1_800_003_600
SCOPE = "openid tidegate/read"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Gives the emulator a pool with one person, and a clock. Returns the clock, whose `now_s` a test may set."""
    user = {"Username": "ann", "Attributes": [{"Name": "sub", "Value": "s-1"}], "_groups": ["operator"]}
    client = {"ClientId": CLIENT, "AllowedOAuthScopes": SCOPE.split()}
    pool = {"Id": POOL, "_users": {"ann": user}, "_clients": {CLIENT: client}}
    clock = SimpleNamespace(now_s=SIGNED_IN_AT_S)
    monkeypatch.setattr(cognito, "time", SimpleNamespace(time=lambda: clock.now_s))
    monkeypatch.setattr(cognito, "_refresh_tokens", {})
    monkeypatch.setattr(cognito, "_apply_pretoken_trigger", cognito._apply_pretoken_trigger)
    monkeypatch.setitem(cognito._user_pools, POOL, pool)
    return clock


def _signed_in_and_renewed(clock: SimpleNamespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the claims of the ID token and the access token, joined, of a sign-in and of its renewal."""
    person = cognito._user_pools[POOL]["_users"]["ann"]
    first = cognito._build_auth_result(POOL, CLIENT, person, scope=SCOPE)
    clock.now_s = RENEWED_AT_S
    token = first["RefreshToken"]
    cognito._refresh_tokens[token] = {"pool_id": POOL, "client_id": CLIENT, "username": "ann", "scope": SCOPE}
    form = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": token}
    status, _, body = cognito._oauth2_token({}, {}, urlencode(form).encode(), {})
    assert status == 200, body
    later = json.loads(body)
    return _claims(first["IdToken"], first["AccessToken"]), _claims(later["id_token"], later["access_token"])


def _claims(id_token: str, access_token: str) -> dict[str, Any]:
    ones, others = cognito._token_claims(id_token), cognito._token_claims(access_token)
    assert {ones["auth_time"], others["auth_time"]} == {ones["auth_time"]}
    assert ones.get("cognito:groups") == others.get("cognito:groups")
    return dict(others)


def test_the_emulator_by_itself_forgets_the_groups_and_the_sign_in(clock: SimpleNamespace) -> None:
    first, later = _signed_in_and_renewed(clock)
    assert first["cognito:groups"] == ["operator"]
    assert "cognito:groups" not in later
    assert later["auth_time"] != first["auth_time"]


def test_a_renewed_token_has_the_groups_and_the_time_of_the_sign_in(clock: SimpleNamespace) -> None:
    renew_as_cognito_does()
    first, later = _signed_in_and_renewed(clock)
    assert (later["cognito:groups"], later["auth_time"]) == (["operator"], SIGNED_IN_AT_S)
    assert later["iat"] == RENEWED_AT_S
    assert later["sub"] == first["sub"]


def test_groups_that_changed_meanwhile_are_those_of_the_renewal(clock: SimpleNamespace) -> None:
    renew_as_cognito_does()
    person = cognito._user_pools[POOL]["_users"]["ann"]
    _signed_in_and_renewed(clock)
    person["_groups"] = []
    _, later = _signed_in_and_renewed(clock)
    assert "cognito:groups" not in later
