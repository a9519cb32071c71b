"""The people who may sign in at a local stack. There are none until one is added."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tidegate_devstack.cloud import readable_errors
from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.model import CLIENT_CONFIG, StackInfo

MOST_PEOPLE = 60  # one page of the pool


@dataclass(frozen=True, slots=True)
class Person:
    """A person who may sign in. `roles` are the groups that the person is in."""

    name: str
    roles: tuple[str, ...]


def add_person(info: StackInfo, name: str, role: str) -> str:
    """Adds a person with a role, and returns the password that is drawn for it. Nobody can read it again.

    A person who exists gets another password, and this role instead of the others. Raises LocalStackError.
    """
    client, pool = _pool(info)
    password = (
        f"{secrets.token_urlsafe(18)}-aA1"  # the end has each kind of character that a pool may ask for
    )
    with readable_errors():
        with suppress(client.exceptions.UsernameExistsException):
            client.admin_create_user(
                UserPoolId=pool, Username=name, TemporaryPassword=password, MessageAction="SUPPRESS"
            )
        client.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
        for other in set(_roles(client, pool, name)) - {role}:
            client.admin_remove_user_from_group(UserPoolId=pool, Username=name, GroupName=other)
        client.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=role)
    return password


def list_people(info: StackInfo) -> Sequence[Person]:
    """Returns the people by name. Raises LocalStackError."""
    client, pool = _pool(info)
    with readable_errors():
        users = client.list_users(UserPoolId=pool, Limit=MOST_PEOPLE)["Users"]
        names = sorted(str(user["Username"]) for user in users)
        return [Person(name, _roles(client, pool, name)) for name in names]


def remove_person(info: StackInfo, name: str) -> None:
    """Removes a person. Tokens that are out are good until they end. Raises LocalStackError."""
    client, pool = _pool(info)
    with readable_errors():
        try:
            client.admin_delete_user(UserPoolId=pool, Username=name)
        except client.exceptions.UserNotFoundException as error:
            raise LocalStackError(
                f"nobody is called {name!r}; `tidegate local users list` shows the people"
            ) from error


def _roles(client: Any, pool: str, name: str) -> tuple[str, ...]:
    groups: Sequence[Mapping[str, Any]] = client.admin_list_groups_for_user(UserPoolId=pool, Username=name)[
        "Groups"
    ]
    return tuple(sorted(str(group["GroupName"]) for group in groups))


def _pool(info: StackInfo) -> tuple[Any, str]:
    pool = info.outputs.get("UserPoolId")
    if pool is None:
        raise LocalStackError("this stack was deployed without OAuthApi=true, so nobody can sign in")
    session: Any = info.session()
    return session.client("cognito-idp", endpoint_url=info.endpoint_url, config=CLIENT_CONFIG), pool
