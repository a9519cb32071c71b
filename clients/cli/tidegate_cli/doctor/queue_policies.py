"""Judges the policies of the queues: each must refuse calls without TLS. Pure, as `judge` is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tidegate_cli.doctor.facts import DEAD_LETTERS, MISSING, WEBHOOKS_DEAD_LETTERS, QueuePolicy
from tidegate_cli.doctor.findings import GUIDE, Finding, error, warning

_ACTIONS = ("sqs:*", "*")
_SECURE = "aws:securetransport"


def judge_queue_policies(queues: Sequence[QueuePolicy]) -> Iterator[Finding]:
    """Finds queues that no longer refuse plain HTTP, and queues that are missing.

    Missing queues of dead letters are left to `judge_letters`.
    """
    for each in queues:
        if each.arn is None:
            if each.queue not in (*DEAD_LETTERS, WEBHOOKS_DEAD_LETTERS):
                do = "make it again: `sam deploy` alone does not see that it is gone"
                yield error(f"the queue {each.queue} is {MISSING}", do, f"{GUIDE}#missing-parts")
        elif not refuses_plain_http(each.policy, each.arn):
            what = f"the queue {each.queue} has {'another' if each.policy else 'no'} policy"
            do = "give it back the policy of the template, by hand or with a drift-aware change set"
            yield warning(f"{what}, and accepts calls without TLS", do, f"{GUIDE}#queues")


def refuses_plain_http(policy: str, queue_arn: str) -> bool:
    """Tells whether a queue's policy (JSON, or empty) denies everybody every call without TLS by one statement.

    A statement that says so in another way than by these words is not recognised.
    """
    try:
        document = json.loads(policy)
    except ValueError:
        return False
    statements = document.get("Statement") if isinstance(document, dict) else None
    return any(isinstance(each, dict) and _denies_plain_http(each, queue_arn) for each in _listed(statements))


def _denies_plain_http(statement: dict[str, Any], queue_arn: str) -> bool:
    principal = statement.get("Principal")
    everybody = principal.get("AWS") if isinstance(principal, dict) else principal
    return (
        statement.get("Effect") == "Deny"
        and "*" in _listed(everybody)
        and any(str(action).lower() in _ACTIONS for action in _listed(statement.get("Action")))
        and any(resource in (queue_arn, "*") for resource in _listed(statement.get("Resource")))
        and _is_without_tls(statement.get("Condition"))
    )


def _is_without_tls(condition: Any) -> bool:
    """Tells whether a condition holds for every call without TLS: any further condition would let some through."""
    if not isinstance(condition, dict) or condition.keys() != {"Bool"}:
        return False
    tests = condition["Bool"]
    if not isinstance(tests, dict) or [str(key).lower() for key in tests] != [_SECURE]:
        return False
    return any(str(value).lower() == "false" for each in tests.values() for value in _listed(each))


def _listed(value: Any) -> list[Any]:
    """Returns the members of a field of a policy, which may stand there alone."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
