"""Finds the truths on docs/reference/aws-truth.md that a shape rests on, by the words of the shape."""

from __future__ import annotations

import re
from collections.abc import Mapping

_CALLS = "PutItem|UpdateItem|DeleteItem"
_READS = "GetItem|Query|BatchGetItem"

# By its name on the page: the operations of a truth, and the words of a shape that it accounts for.
TRUTHS: Mapping[str, tuple[str, str]] = {
    "table": (
        r"\w+",
        r"^(?:Jobs|Payloads|Dependents|Submissions|SubmissionPlans|Workers|Lanes|Control|Audit|Progress)"
        r"(?:\.\w+)?(?= ·)",
    ),
    "key": (f"{_CALLS}|GetItem", r"· key\([^)]*\)"),
    "read": ("GetItem", r"^\w+"),
    "consistent-read": (_READS, r"ConsistentRead=True"),
    "old-read": (_READS, r"ConsistentRead=False"),
    "batch-get": ("BatchGetItem", r"Keys of key\([^)]*\)"),
    "batch-write": ("BatchWriteItem", r"(?:Put|Delete)Request"),
    "put": ("PutItem", r"· Item"),
    "delete": ("DeleteItem", r"^\w+"),
    "item-back": ("PutItem|UpdateItem", r"ReturnValuesOnConditionCheckFailure=ALL_OLD"),
    "new-item": ("UpdateItem", r"ReturnValues=ALL_NEW"),
    "set": ("UpdateItem", r"\bSET\b|… = \?[\w/]+"),
    "set-once": ("UpdateItem", r"\w+ = if_not_exists\(\w+, \?\w+\)"),
    "set-from": ("UpdateItem", r"\w+ = \w+(?= REMOVE)"),
    "plus": ("UpdateItem", r"\w+ = \w+ \+ \?N"),
    "append": ("UpdateItem", r"\w+ = list_append\(\w+, \?L\)"),
    "map-entry": ("UpdateItem", r"\w+\.#\w+ = \?M|(?<=REMOVE )\w+\.#\w+"),
    "remove": ("UpdateItem", r"\bREMOVE\b"),
    "set-delete": ("UpdateItem", r"DELETE \w+ \?[NS]S"),
    "set-add": ("UpdateItem", r"ADD \w+ \?SS"),
    "compare": (f"{_CALLS}|Query", r"[\w.#]+ (?:=|<>|<|<=|>|>=) \?[NS]\b(?!S)"),
    "set-equal": ("UpdateItem", r"\w+ = \?[NS]S"),
    "size": ("PutItem|UpdateItem", r"size\(\w+\) (?:=|<) (?:\?N|\w+)"),
    "contains": ("UpdateItem", r"contains\(\w+, \?[NS]\)(?: AND …)?"),
    "in": (f"{_CALLS}|Query", r"\w+ IN \(\?S, …\)"),
    "exists": (_CALLS, r"attribute_(?:not_)?exists\([\w.#]+\)"),
    "or": (_CALLS, r"\bOR\b"),
    "query": ("Query", r"KeyCondition:"),
    "between": ("Query", r"\w+ BETWEEN \?[NS]\s+(?:AND\s+)?\?[NS]"),
    "prefix": ("Query", r"begins_with\(\w+, \?S\)"),
    "filter": ("Query", r"Filter:"),
    "projection": ("Query|BatchGetItem", r"Projection:"),
    "order": ("Query", r"ScanIndexForward=\w+"),
    "limit": ("Query", r"\bLimit\b"),
    "count": ("Query", r"Select=COUNT"),
    "start": ("Query", r"ExclusiveStartKey"),
    "index": ("Query", r"^\w+\.\w+"),
    "statement-batch": ("BatchExecuteStatement", r"^(?:UPDATE|INSERT INTO) \"\w+\""),
    "statement-insert": ("BatchExecuteStatement", r"VALUE \{'…': \?, …\}"),
    "statement-sets": ("BatchExecuteStatement", r'SET "…" = \?[\w/]+'),
    "statement-removes": ("BatchExecuteStatement", r'(?:REMOVE "[\w…]+" ?)+'),
    "statement-plus": ("BatchExecuteStatement", r'SET "\w+" = "\w+" \+ \?N'),
    "statement-append": ("BatchExecuteStatement", r'SET "\w+" = list_append\("\w+", \?L\)'),
    "statement-set-delete": ("BatchExecuteStatement", r'SET "\w+" = set_delete\("\w+", \?NS\)'),
    "statement-where": ("BatchExecuteStatement", r'WHERE "\w+" = \?S\b'),
    "statement-compare": ("BatchExecuteStatement", r'"\w+" (?:=|<|<=|>=) \?[NS]\b(?!S)'),
    "statement-set-equal": ("BatchExecuteStatement", r'"\w+" = \?NS'),
    "statement-contains": ("BatchExecuteStatement", r'contains\("\w+", \?N\)(?: AND …)?'),
    "statement-in": ("BatchExecuteStatement", r'"\w+" IN \[\?S, …\]'),
    "statement-missing": ("BatchExecuteStatement", r'"\w+" IS (?:NOT )?MISSING'),
    "statement-returning": ("BatchExecuteStatement", r"RETURNING ALL NEW \*"),
    "queue-send": ("SendMessageBatch", r"Entries"),
    "queue-receive": (
        "ReceiveMessage",
        r"MaxNumberOfMessages · MessageSystemAttributeNames · WaitTimeSeconds",
    ),
    "queue-depth": ("GetQueueAttributes", r"AttributeNames"),
    "queue-delete": ("DeleteMessageBatch", r"Entries"),
    "queue-extend": ("ChangeMessageVisibility", r"ReceiptHandle · VisibilityTimeout"),
    "events-put": ("PutEvents", r"Entries"),
}

# A word that no truth accounts for and that is no joining word: a function, a keyword, an operator, a value.
_JOINED = re.compile(r"\b(?:AND|Update:|Condition:)")
_LEFT = re.compile(r"\w+\(|\b[A-Z_]{2,}\b|[<>=]|\?\w*")


def truths_of(operation: str, text: str) -> list[str]:
    """Returns the truths that a shape rests on, in the order of the page."""
    return [
        name
        for name, (operations, words) in TRUTHS.items()
        if re.fullmatch(operations, operation) and any(match[0] for match in re.finditer(words, text))
    ]


def unaccounted(operation: str, text: str) -> list[str]:
    """Returns the words of a shape that no truth accounts for."""
    left = _JOINED.sub(" ", text)
    for operations, words in TRUTHS.values():
        if re.fullmatch(operations, operation):
            left = re.sub(words, " ", left)
    return _LEFT.findall(left)
