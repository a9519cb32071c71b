"""Invented callers."""

from __future__ import annotations

import random

from tidegate.domain.callers import Caller
from tidegate.domain.grants import Grant, Grants
from tidegate.domain.roles import Role


def user_named(name: str) -> Caller:
    """Returns the IAM user `name`, whose namespace is its own."""
    return Caller(f"arn:aws:iam::123456789012:user/{name}", name)


def drawn_callers(seed: int) -> tuple[Caller, Caller]:
    """Returns the callers of a seed's two workflows: one caller for both, or two callers of different namespaces."""
    ann, ben = user_named("ann"), user_named("ben")
    return ann, random.Random(f"callers {seed}").choice((ann, ben))


def made_operators(*callers: Caller) -> Grants:
    """Returns the grants that make these callers operators."""
    names = {each.namespace for each in callers}
    return Grants({name: Grant(name, Role.OPERATOR, (), "root", 0) for name in names}, version=1)


def caller_named(display: str) -> Caller:
    """Returns a caller who is shown as `display`."""
    return Caller(f"arn:aws:sts::123456789012:assumed-role/Schedulers/{display}", display)
