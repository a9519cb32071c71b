"""Lets people sign in at this machine: the deployed addresses of the user pool's pages are those of AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tidegate_devstack.model import CLIENT_CONFIG, make_session

_ONLY_SHOWN = ("ClientSecret", "CreationDate", "LastModifiedDate")
"""Fields of a client that can be read and not set."""


def lead_here(endpoint_url: str, secret: str, outputs: Mapping[str, str]) -> None:
    """Corrects what a program or a page reads of the sign-in, and the addresses that it may come back to.

    It does nothing if the stack takes no tokens. Raises botocore's errors if the emulator fails.
    """
    if "OAuthApiId" not in outputs:
        return
    session = make_session(secret)
    gateway: Any = session.client("apigateway", endpoint_url=endpoint_url, config=CLIENT_CONFIG)
    api, stage = outputs["OAuthApiId"], outputs["StageName"]
    # The console calls these pages, which AWS serves at the pool's own domain.
    pages = {"op": "replace", "path": "/variables/sign_in_pages", "value": endpoint_url}
    gateway.update_stage(restApiId=api, stageName=stage, patchOperations=[pages])
    _say(gateway, api, gateway.get_stage(restApiId=api, stageName=stage)["variables"])
    if "UserPoolId" in outputs:
        pool: Any = session.client("cognito-idp", endpoint_url=endpoint_url, config=CLIENT_CONFIG)
        console = f"{endpoint_url}/_aws/execute-api/{api}/{stage}/console/"
        _come_back(pool, outputs["UserPoolId"], outputs["SignInClientId"], console)


def _say(gateway: Any, api: str, variables: Mapping[str, str]) -> None:
    """Puts the variables of the stage into the answer of `/sign-in`, because the emulator's gateway does not do so."""
    resources = gateway.get_resources(restApiId=api, limit=500)["items"]
    (resource,) = [each["id"] for each in resources if each["path"] == "/sign-in"]
    place = {"restApiId": api, "resourceId": resource, "httpMethod": "GET", "statusCode": "200"}
    said = json.loads(gateway.get_integration_response(**place)["responseTemplates"]["application/json"])
    filled = {name: variables.get(name, value) for name, value in said.items()}
    gateway.put_integration_response(**place, responseTemplates={"application/json": json.dumps(filled)})


def _come_back(pool: Any, pool_id: str, client_id: str, console: str) -> None:
    """Lets the client of the pool come back to the console of this machine, at the port that the stack has now."""
    found = pool.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)["UserPoolClient"]
    kept = {name: value for name, value in found.items() if name not in _ONLY_SHOWN and value != ""}
    addresses = {"CallbackURLs": f"{console}signed-in", "LogoutURLs": console}
    for name, own in addresses.items():
        others = [each for each in kept.get(name, ()) if "/_aws/execute-api/" not in each]
        kept[name] = [*others, own]
    pool.update_user_pool_client(**kept)
