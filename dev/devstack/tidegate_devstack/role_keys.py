"""Makes the keys of functions' roles in a way that nobody can guess.

The unpatched emulator makes a function's key, secret and token from the names of the function and its role, which
anybody can guess. Here they also depend on the home's secret.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sts

_NAME_CHARACTERS = 64


def credentials_from(root_secret: str) -> Callable[[Mapping[str, Any]], dict[str, str]]:
    """Returns a function that makes the credentials for a Lambda function's configuration, and registers them.

    The credentials of a function and its role stay the same as long as the home has its secret, because several
    processes of the function run at once.
    """

    def credentials_of(configuration: Mapping[str, Any]) -> dict[str, str]:
        account, _ = lambda_runtime._account_region_from_function_config(configuration)
        role = str(configuration.get("Role", ""))
        who = f"{configuration.get('FunctionArn', '')}:{role}"

        def derived(use: str) -> str:
            return hmac.new(root_secret.encode(), f"{use}:{who}".encode(), hashlib.sha256).hexdigest()

        key, secret, token = f"ASIA{derived('key')[:16].upper()}", derived("secret"), derived("token")
        role_name = role.rpartition("/")[2]
        session = str(configuration.get("FunctionName", "function"))[:_NAME_CHARACTERS]
        sts.register_session(
            key,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{session}",
                "UserId": f"{role_name}:{session}",
                "SecretAccessKey": secret,
                "SessionToken": token,
            },
        )
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}

    return credentials_of


def draw_role_keys(root_secret: str) -> None:
    """Has the emulator of this process make functions' credentials from the home's secret."""
    made = credentials_from(root_secret)
    # Patches ministack: `lambda_runtime.execution_credentials`, and the name under which `lambda_svc` imported it,
    # because anybody could guess the credentials that it makes.
    lambda_runtime.execution_credentials = made
    lambda_svc.execution_credentials = made
