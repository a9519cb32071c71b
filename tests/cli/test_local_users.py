"""`tidegate local users`: a password is drawn only when it is asked for, and shown once."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

import tidegate_devstack
from tests.harness.cli.screens import tidegate
from tidegate_devstack import people
from tidegate_devstack.people import Person


class Pool:
    """A user pool in memory, with the calls of Cognito that the local stack makes."""

    class exceptions:  # noqa: N801 - as boto3 names it
        UsernameExistsException = type("UsernameExistsException", (Exception,), {})
        UserNotFoundException = type("UserNotFoundException", (Exception,), {})

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}

    def admin_create_user(self, **asked: Any) -> None:
        assert (asked["UserPoolId"], asked["MessageAction"]) == ("pool-1", "SUPPRESS")
        if asked["Username"] in self.people:
            raise self.exceptions.UsernameExistsException
        self.people[asked["Username"]] = {"groups": set()}

    def admin_set_user_password(self, **asked: Any) -> None:
        assert (asked["UserPoolId"], asked["Permanent"]) == ("pool-1", True)
        self.people[asked["Username"]]["password"] = asked["Password"]

    def admin_add_user_to_group(self, **asked: Any) -> None:
        self.people[asked["Username"]]["groups"].add(asked["GroupName"])

    def admin_remove_user_from_group(self, **asked: Any) -> None:
        self.people[asked["Username"]]["groups"].remove(asked["GroupName"])

    def admin_list_groups_for_user(self, **asked: Any) -> dict[str, Any]:
        return {"Groups": [{"GroupName": name} for name in self.people[asked["Username"]]["groups"]]}

    def list_users(self, **asked: Any) -> dict[str, Any]:
        return {"Users": [{"Username": name} for name in self.people][: asked["Limit"]]}

    def admin_delete_user(self, **asked: Any) -> None:
        if self.people.pop(asked["Username"], None) is None:
            raise self.exceptions.UserNotFoundException


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    made = Pool()
    session = SimpleNamespace(client=lambda *_, **__: made)
    info = SimpleNamespace(outputs={"UserPoolId": "pool-1"}, session=lambda: session, endpoint_url="http://x")
    monkeypatch.setattr(tidegate_devstack, "status", lambda: SimpleNamespace(info=info))
    return made


def test_a_person_gets_a_password_that_is_shown_once(pool: Pool) -> None:
    result = tidegate("local", "users", "add", "ann", "--role", "operator")
    assert result.exit_code == 0, result.output
    password = result.stdout.strip()
    assert pool.people["ann"] == {"groups": {"operator"}, "password": password}
    assert len(password) >= 24
    assert password not in result.stderr
    assert password not in tidegate("local", "users", "list", "-o", "json").stdout


def test_a_second_time_draws_another_password(pool: Pool) -> None:
    first, second = (
        json.loads(tidegate("local", "users", "add", "ann", "-o", "json").stdout) for _ in range(2)
    )
    assert first["role"] == "viewer"
    assert first["password"] != second["password"] == pool.people["ann"]["password"]


def test_a_second_time_gives_the_role_that_is_named_and_no_other(pool: Pool) -> None:
    for role in ("operator", "viewer"):
        assert f"sign in as {role}" in tidegate("local", "users", "add", "ann", "--role", role).stderr
    assert pool.people["ann"]["groups"] == {"viewer"}


def test_people_are_listed_and_removed(pool: Pool) -> None:
    for name, role in (("ben", "client"), ("ann", "operator")):
        assert tidegate("local", "users", "add", name, "--role", role).exit_code == 0
    listed = json.loads(tidegate("local", "users", "list", "-o", "json").stdout)
    assert listed == {"users": [{"name": "ann", "roles": ["operator"]}, {"name": "ben", "roles": ["client"]}]}
    assert "client" in tidegate("local", "users", "list").stdout
    assert tidegate("local", "users", "remove", "ann").stdout == "ann is removed\n"
    assert list(pool.people) == ["ben"]
    assert "nobody is called 'ann'" in tidegate("local", "users", "remove", "ann").stderr


def test_there_is_nobody_by_default(pool: Pool) -> None:
    info: Any = tidegate_devstack.status().info
    assert people.list_people(info) == []
    assert Person("ann", ()).roles == ()


def test_without_a_stack_or_without_sign_in_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is not up" in tidegate("local", "users", "list").stderr
    info = SimpleNamespace(outputs={})
    monkeypatch.setattr(tidegate_devstack, "status", lambda: SimpleNamespace(info=info))
    assert "deployed without OAuthApi=true" in tidegate("local", "users", "add", "ann").stderr
