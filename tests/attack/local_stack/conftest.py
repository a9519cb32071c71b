"""An emulator that stands for the whole stack: these attacks meet the same answers with the template deployed to it."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from tests.harness.attack.local_stack.callers import FUNCTION, ROLE, ROLE_ARN, TABLE, LocalAws
from tidegate_devstack import emulator as emulators
from tidegate_devstack.places import Places

SHOWS = """
import os

def handler(event, context):
    mask = os.umask(0o077)
    return {"environment": dict(os.environ), "umask": mask}
"""


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """Starts an emulator with a table, a function, and the function's role, which may only list tables."""
    home = tmp_path_factory.mktemp("attacked")
    # The folders above are pytest's own and private, so the home must keep others out by itself.
    for folder in (home, home.parent, home.parent.parent):
        folder.chmod(0o755)
    places = Places(project=Path(__file__).resolve().parents[3], home=home)
    running = emulators.start(places, lambda _line: None)
    try:
        made = LocalAws(places, running.port, running.pid, running.endpoint_url)
        _fill(made)
        yield made
    finally:
        emulators.stop(places)


def _fill(aws: LocalAws) -> None:
    aws.client("dynamodb").create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com", "AWS": "*"},
        "Action": "sts:AssumeRole",
    }
    iam = aws.client("iam")
    iam.create_role(
        RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    allowed = {"Effect": "Allow", "Action": ["dynamodb:ListTables", "logs:*"], "Resource": "*"}
    iam.put_role_policy(
        RoleName=ROLE,
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", SHOWS)
    aws.client("lambda").create_function(
        FunctionName=FUNCTION,
        Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
        Role=ROLE_ARN,
        Handler="app.handler",
        Code={"ZipFile": code.getvalue()},
    )


@pytest.fixture(scope="session")
def shown(aws: LocalAws) -> dict[str, Any]:
    """Returns the environment and the umask of a function of the stack."""
    answer = aws.client("lambda").invoke(FunctionName=FUNCTION)
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


@pytest.fixture(scope="session")
def lesser(aws: LocalAws) -> Credentials:
    """Opens a session of the role that may list tables."""
    made = aws.client("sts").assume_role(RoleArn=ROLE_ARN, RoleSessionName="lesser")["Credentials"]
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
