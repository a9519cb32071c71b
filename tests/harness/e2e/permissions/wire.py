"""Watches the calls of AWS clients: the permissions they needed, and those they were denied."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.harness.e2e.permissions.grants import Use
from tidegate.bootstrap import AwsClients
from tidegate_devstack.permissions import single_action, statement_checks

_USES = "tests.uses"
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})


class Wire:
    """The permissions that clients under one role needed, and those that were denied."""

    def __init__(self, region: str, account: str, key_of: Mapping[str, str]) -> None:
        self._prefix = f"{region}:{account}"
        self._key_of = key_of
        self._lock = threading.Lock()
        self._hear: Callable[[], None] = lambda: None
        self.uses: set[Use] = set()
        self.denied: set[Use] = set()

    def attach(self, clients: AwsClients) -> None:
        """Watches these clients from now on."""
        for client in (clients.dynamodb, clients.sqs, clients.logs, clients.eventbridge):
            service = client.meta.service_model.service_name
            client.meta.events.register(f"provide-client-params.{service}", self._note_use)
            client.meta.events.register(f"after-call.{service}", self._note_denial)

    def forget(self, on_denial: Callable[[], None] = lambda: None) -> None:
        """Starts over. `on_denial` is called as soon as a permission is denied."""
        with self._lock:
            self.uses, self.denied, self._hear = set(), set(), on_denial

    def _note_use(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        found = set(self._uses(model.service_model.service_name, model.name, params))
        context[_USES] = found
        with self._lock:
            self.uses |= found

    def _note_denial(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        error = parsed.get("Error", {})
        if error.get("Code") not in _DENIED:
            return
        # The message names the action and not always the resource. The call names both.
        refused = {use for use in context[_USES] if use.action in error["Message"]}
        with self._lock:
            self.denied |= refused
        self._hear()

    def _uses(self, service: str, operation: str, params: Mapping[str, Any]) -> Iterator[Use]:
        action = single_action(f"{service}:{operation}") or ""
        if service == "sqs":
            yield Use(action, f"arn:aws:sqs:{self._prefix}:{params['QueueUrl'].rpartition('/')[2]}")
        elif service == "events":
            for entry in params["Entries"]:
                yield Use(action, f"arn:aws:events:{self._prefix}:event-bus/{entry['EventBusName']}")
        elif service == "logs":
            yield Use(action, f"arn:aws:logs:{self._prefix}:log-group:{params['logGroupName']}:*")
        elif "Statements" in params:
            for statement in params["Statements"]:
                ((needed, table),) = statement_checks(action, _as_body(statement["Statement"]))
                yield Use(needed, self._table(table))
        elif "RequestItems" in params:
            for table, asked in params["RequestItems"].items():
                items = asked.get("Keys", ()) if isinstance(asked, Mapping) else ()
                keys = tuple(value for item in items for value in item[self._key_of[table]].values())
                yield Use(action, self._table(table), keys)
        else:
            suffix = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            table = params["TableName"]
            item = params.get("Key") or params.get("Item") or {}
            keys = tuple(item.get(self._key_of[table], {}).values())
            yield Use(action, self._table(table) + suffix, keys)

    def _table(self, name: str) -> str:
        return f"arn:aws:dynamodb:{self._prefix}:table/{name}"


def _as_body(statement: str) -> bytes:
    return json.dumps({"Statement": statement}).encode()
