"""An emulator that tests start, kill and start again, with items and functions to keep."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config

from tidegate_devstack import emulator as emulators
from tidegate_devstack.emulator import Emulator
from tidegate_devstack.model import REGION, make_session
from tidegate_devstack.places import Places
from tidegate_devstack.root_key import read_root_secret

TABLE = "Held"
QUEUE = "held"
FUNCTION = "held"
_ONCE = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 1}, proxies={})


@dataclass
class Stack:
    """A home and its emulator. `said` holds the lines of the command's output."""

    places: Places
    said: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, home: Path) -> Stack:
        """Makes a stack in `home` of which nothing runs."""
        home.mkdir(mode=0o700, parents=True)
        return cls(Places(project=Path(__file__).resolve().parents[3], home=home))

    @property
    def emulator(self) -> Emulator:
        """Returns the emulator that was started last."""
        found = emulators._read_record(self.places.emulator_record)
        assert found is not None
        return found

    def start(self, *, salvage: bool = False, executions: int | None = None) -> Emulator:
        """Starts the emulator, and returns when it answers."""
        return emulators.start(self.places, self.said.append, salvage=salvage, executions=executions)

    def stop(self) -> bool:
        """Stops the emulator as `down` does."""
        return emulators.stop(self.places)

    def kill(self) -> None:
        """Kills the emulator with SIGKILL, and nothing else."""
        os.kill(self.emulator.pid, signal.SIGKILL)
        psutil.Process(self.emulator.pid).wait(10)

    def client(self, service: str) -> Any:
        """Makes a client with the root key that tries each call once."""
        session = make_session(read_root_secret(self.places))
        return session.client(service, endpoint_url=self.emulator.endpoint_url, config=_ONCE)  # type: ignore[call-overload]

    def make_table(self) -> None:
        """Makes the table that tests fill."""
        self.client("dynamodb").create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def put(self, *ids: str, text: str = "") -> None:
        """Puts an item for each id."""
        client = self.client("dynamodb")
        for item_id in ids:
            client.put_item(TableName=TABLE, Item={"id": {"S": item_id}, "text": {"S": text}})

    def held(self) -> set[str]:
        """Returns the ids of all items."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
        return {item["id"]["S"] for page in pages for item in page["Items"]}

    def make_function(self, code: str, name: str = FUNCTION, *, timeout_seconds: int = 60) -> None:
        """Deploys a function from its code alone. Lambda calls `handler`."""
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", code)
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
            Role=f"arn:aws:iam::000000000000:role/{name}",
            Handler="app.handler",
            Code={"ZipFile": packed.getvalue()},
            Timeout=timeout_seconds,
        )

    def invoke(self, event: Any = None, name: str = FUNCTION) -> Any:
        """Calls a function and waits for its answer."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    def let_read_queues(self) -> None:
        """Lets the function's role read from queues, as an event source mapping requires."""
        allowed = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self.client("iam").put_role_policy(RoleName=FUNCTION, PolicyName="queues", PolicyDocument=document)

    def make_api(self) -> str:
        """Puts a REST API before the function, and returns the address of its one method."""
        client = self.client("apigateway")
        api = client.create_rest_api(name="held")["id"]
        root = client.get_resources(restApiId=api)["items"][0]["id"]
        function = f"arn:aws:lambda:{REGION}:000000000000:function:{FUNCTION}"
        client.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="AWS_IAM")
        client.put_integration(
            restApiId=api,
            resourceId=root,
            httpMethod="GET",
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations",
        )
        client.create_deployment(restApiId=api, stageName="live")
        self.client("lambda").add_permission(
            FunctionName=FUNCTION,
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )
        return f"{self.emulator.endpoint_url}/_aws/execute-api/{api}/live/"

    def call(self, url: str) -> httpx.Response:
        """Gets an address with a request signed with the root key."""
        request = AWSRequest(method="GET", url=url)
        key = make_session(read_root_secret(self.places)).get_credentials()
        assert key is not None
        SigV4Auth(key, "execute-api", REGION).add_auth(request)
        return httpx.get(url, headers=dict(request.headers.items()), timeout=60, trust_env=False)
