"""Records the acts that requests ask for."""

from __future__ import annotations

from contextlib import AbstractContextManager

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tidegate.api.caller import caller_of
from tidegate.api.reading import deps_of, path_of_route
from tidegate.domain.audit import subject_of
from tidegate.usecases.callers.audited import Asked, Record, audited


def audited_act(router: BaseRouter, act: str, *names: str) -> AbstractContextManager[Record]:
    """Records the act that the block carries out for this request's caller, before it begins and after it ends.

    `act` is the word for it, such as `job.cancel`; its first part is the kind of thing that `names` name. Every route
    that changes something carries it out in such a block, except for submissions, whose record is the job or the
    workflow itself.
    """
    deps, event = deps_of(router), router.current_event
    kind, _, _ = act.partition(".")
    route = f"{event.http_method} {path_of_route(router)}"
    asked = Asked(act, subject_of(kind, *names), caller_of(router), route)
    return audited(deps.services, asked, deps.clock.now_ms)
