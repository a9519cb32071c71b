"""Checks ids and names before they become part of a request's path.

A slash or a percent sign in one of them would name another path, and the API's error would then be about that path.
"""

from __future__ import annotations

import re

from tidegate.domain.errors import Violation
from tidegate.domain.failures import FINGERPRINT
from tidegate.domain.workers import WORKER_ID
from tidegate_cli.errors import UsageError

_SUBMISSION = re.compile("[0-9A-Z]{26}")
_JOB_OF_WORKFLOW = re.compile(r"([0-9A-Z]{26})\.(0|[1-9][0-9]{0,3})")
_BEGINNING = re.compile("[0-9A-Z]{6,25}")  # in which no two of a few thousand ids are likely to agree
_TYPE = re.compile("[A-Za-z0-9_.-]+")
_NO_NAME = re.compile(r"[/\\%?#\s\x00-\x1f\x7f]")
_SHOWN_CHARACTERS = 64
_EXAMPLE = "01JD3V8Q5S2Y6W9K4M7N0P1R2T"


class MalformedId(UsageError):
    """A malformed id or name. No request was sent.

    `field` names the argument, `text` is its value, `fix` says how to correct it.
    """

    code = "malformed-id"

    def __init__(self, field: str, text: str, fix: str) -> None:
        shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
        message = f"{shown!r} is malformed: {fix}"
        super().__init__(f"{field.replace('_', ' ')} {message}", violations=[Violation(field, message)])


def job_id(text: str) -> str:
    """Returns `text` if it is a well-formed job id. Raises MalformedId if not."""
    if is_job_id(text):
        return text
    form = f"a job's id is like {_EXAMPLE}, or {_EXAMPLE}.3 in a workflow"
    raise MalformedId("job_id", text, _upper(text) or form)


def is_job_id(text: str) -> bool:
    """True if `text` is a well-formed job id."""
    return bool(_SUBMISSION.fullmatch(text) or _JOB_OF_WORKFLOW.fullmatch(text))


def job_id_or_beginning(text: str) -> str:
    """Returns `text` if it is a well-formed job id, or the beginning of one. Raises MalformedId if not."""
    return text if _BEGINNING.fullmatch(text) else job_id(text)


def workflow_id(text: str) -> str:
    """Returns `text` if it is a well-formed workflow id. Raises MalformedId if not."""
    if _SUBMISSION.fullmatch(text):
        return text
    of_workflow = _JOB_OF_WORKFLOW.fullmatch(text)
    if of_workflow:
        raise MalformedId("workflow_id", text, f"it is a job's id; its workflow is {of_workflow[1]}")
    raise MalformedId("workflow_id", text, _upper(text) or f"a workflow's id is like {_EXAMPLE}")


def timetable_id(text: str) -> str:
    """Returns `text` if it is a well-formed id of a timetable. Raises MalformedId if not."""
    if _SUBMISSION.fullmatch(text):
        return text
    form = f"a timetable's id is like {_EXAMPLE}; `tidegate timetables list` shows them"
    raise MalformedId("timetable_id", text, _upper(text) or form)


def any_id(text: str) -> str:
    """Returns `text` if it is a well-formed id of a job or a workflow. Raises MalformedId if not."""
    if _SUBMISSION.fullmatch(text) or _JOB_OF_WORKFLOW.fullmatch(text):
        return text
    form = f"the id of a job or a workflow is like {_EXAMPLE}, or {_EXAMPLE}.3 for a job of a workflow"
    raise MalformedId("id", text, _upper(text) or form)


def pool_name(text: str) -> str:
    """Returns `text` if it can be a pool's name. Raises MalformedId if not."""
    if _NO_NAME.search(text) or not text.strip("."):
        raise MalformedId("pool", text, "a pool's name is like ecs; `tidegate pools list` shows them")
    return text


def type_name(text: str) -> str:
    """Returns `text` if it can be the name of a job type. Raises MalformedId if not."""
    if not _TYPE.fullmatch(text) or not text.strip("."):
        raise MalformedId(
            "job_type", text, "a type's name is like tidegate.sleep; `tidegate types list` shows them"
        )
    return text


def share_name(text: str) -> str:
    """Returns `text` if it can be the name of a share. Raises MalformedId if not."""
    if not _TYPE.fullmatch(text) or not text.strip("."):
        raise MalformedId("share", text, "a share's name has letters, digits, dots, hyphens and underscores")
    return text


def webhook_id(text: str) -> str:
    """Returns `text` if it is a well-formed id of a webhook. Raises MalformedId if not."""
    if not _SUBMISSION.fullmatch(text):
        form = f"a webhook's id is like {_EXAMPLE}; `tidegate webhooks list` shows them"
        raise MalformedId("webhook_id", text, _upper(text) or form)
    return text


def fingerprint(text: str) -> str:
    """Returns `text` if it is a well-formed fingerprint of a failure group. Raises MalformedId if not."""
    if not FINGERPRINT.fullmatch(text):
        form = "a fingerprint is like 3f2a91c07b5d8e64; `tidegate failures list` shows them"
        raise MalformedId("fingerprint", text, form)
    return text


def worker_id(text: str) -> str:
    """Returns `text` if it is a well-formed worker id. Raises MalformedId if not."""
    if not WORKER_ID.fullmatch(text) or not text.strip("."):
        form = "a worker's id has letters, digits, dots, hyphens and underscores"
        raise MalformedId("worker_id", text, f"{form}; `tidegate workers list` shows them")
    return text


def _upper(text: str) -> str | None:
    """Suggests an id in capitals and without blanks around it, if that is well formed; else returns None."""
    meant = text.strip().upper()
    if _SUBMISSION.fullmatch(meant) or _JOB_OF_WORKFLOW.fullmatch(meant):
        return f"did you mean {meant}?"
    return None
