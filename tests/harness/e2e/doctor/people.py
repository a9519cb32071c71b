"""A person who asks the doctor with keys of its own, as on AWS: by address, without the local stack's home."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.harness.e2e.doctor.deployed import Deployed, Said

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "guides" / "doctor.md"
_USER = _POLICY = "doctor"


def guide_policy() -> dict[str, Any]:
    """Returns the policy that the guide gives to people beside that of a viewer."""
    found = re.search(r"```json\n(\{\s+\"Version\".*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    policy: dict[str, Any] = json.loads(found[1])
    return policy


class Person:
    """A user with the policy of a viewer of the API and whatever else the test allows."""

    def __init__(self, on: Deployed, elsewhere: Path) -> None:
        self._on, self._elsewhere = on, elsewhere
        self._keys: dict[str, str] = {}

    @contextmanager
    def made(self) -> Iterator[None]:
        """Makes the user for the block."""
        iam = self._on.client("iam")
        viewer = self._on.stack.outputs["ViewerPolicyArn"]
        iam.create_user(UserName=_USER)
        iam.attach_user_policy(UserName=_USER, PolicyArn=viewer)
        key = iam.create_access_key(UserName=_USER)["AccessKey"]
        self._keys = {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
        try:
            yield
        finally:
            iam.delete_access_key(UserName=_USER, AccessKeyId=key["AccessKeyId"])
            iam.detach_user_policy(UserName=_USER, PolicyArn=viewer)
            iam.delete_user_policy(UserName=_USER, PolicyName=_POLICY)
            iam.delete_user(UserName=_USER)

    def ask_doctor(self, actions: Sequence[str]) -> Said:
        """Runs the doctor with permission for `actions`."""
        (statement,) = guide_policy()["Statement"]
        document = {"Version": "2012-10-17", "Statement": [{**statement, "Action": list(actions)}]}
        self._on.client("iam").put_user_policy(
            UserName=_USER, PolicyName=_POLICY, PolicyDocument=json.dumps(document)
        )
        stack = self._on.stack
        variables = {
            "AWS_ENDPOINT_URL": stack.endpoint_url,
            "AWS_REGION": stack.region,
            "TIDEGATE_API_URL": stack.api_url,
            "TIDEGATE_HOME": str(self._elsewhere),
            **self._keys,
        }
        return self._on.ask_doctor("--stack", "tidegate", variables=variables)
