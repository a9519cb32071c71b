"""Registers the task definitions of container images, with the credentials of the person who deploys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.bootstrap import task_definition
from tidegate.domain.containers import Container


@dataclass(frozen=True, slots=True)
class Registration:
    """One target with the family of its task definition. `was_there` says that an active one was found."""

    work: Container
    family: str
    was_there: bool

    def as_json(self) -> dict[str, Any]:
        """Returns the registration's fields by name."""
        return {
            "type": self.work.name,
            "image": self.work.image,
            "family": self.family,
            "registered_before": self.was_there,
        }


def register(ecs: Any, works: Sequence[Container], stack: str, *, dry_run: bool) -> list[Registration]:
    """Registers a task definition for each target whose family has no active one; with `dry_run` only looks.

    `ecs` is boto3's client for the region of the clusters. A family's name holds a digest of its target, so a repeat
    finds all of them and registers nothing. Raises botocore's errors.
    """
    done = []
    for work in works:
        family = work.family(stack)
        found = ecs.list_task_definitions(familyPrefix=family, status="ACTIVE", maxResults=1)
        was_there = bool(found["taskDefinitionArns"])
        if not was_there and not dry_run:
            ecs.register_task_definition(**task_definition(work, stack))
        done.append(Registration(work, family, was_there))
    return done
