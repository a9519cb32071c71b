"""The description of a route: what it takes, what it answers, and which role may call it.

A description is a value and does nothing. `tidegate.contracts.routes` lists those of the API. The functions don't load
them; `openapi.json`, the policies' tests and the tests of the API are made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, Field

from tidegate.domain import limits
from tidegate.domain.errors import TidegateError
from tidegate.domain.failures import FINGERPRINT
from tidegate.domain.roles import Role


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or a header. `form` is the type of its values, as pydantic reads types."""

    name: str
    says: str
    form: Any = str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A route.

    `path` has its parts in braces, as the template writes it. `role` is the least role that may call it, None where no
    signature is needed. `does` completes the sentence "This route …". `answers` has the type of the body by status.
    `body` is the model of the request's body, None where the route takes none; with `needs_body` it may not be empty.
    `errors` are those of this route; every route may also refuse its parameters or its body, or fail.
    """

    method: str
    path: str
    role: Role | None
    does: str
    answers: Mapping[HTTPStatus, Any]
    body: type[BaseModel] | None = None
    needs_body: bool = False
    parameters: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    errors: tuple[type[TidegateError], ...] = field(default=())


_ID = "[0-9A-Z]{26}"
_SHARE = f"^[A-Za-z0-9._-]{{1,{limits.MAX_SHARE_CHARACTERS}}}$"
PARTS: Mapping[str, Parameter] = {
    part.name: part
    for part in (
        Parameter(
            "job_id", "the id of a job", Annotated[str, Field(pattern=rf"^{_ID}(\.(0|[1-9][0-9]{{0,3}}))?$")]
        ),
        Parameter("workflow_id", "the id of a workflow", Annotated[str, Field(pattern=f"^{_ID}$")]),
        Parameter("webhook_id", "the id of a webhook", Annotated[str, Field(pattern=f"^{_ID}$")]),
        Parameter("timetable_id", "the id of a timetable", Annotated[str, Field(pattern=f"^{_ID}$")]),
        Parameter("pool", "the name of a pool", Annotated[str, Field(min_length=1)]),
        Parameter(
            "share",
            "the name of a share",
            Annotated[str, Field(pattern=f"^[A-Za-z0-9._-]{{1,{limits.MAX_SHARE_CHARACTERS}}}$")],
        ),
        Parameter(
            "fingerprint",
            "the fingerprint of a failure group",
            Annotated[str, Field(pattern=f"^{FINGERPRINT.pattern}$")],
        ),
        Parameter("job_type", "the name of a job type", Annotated[str, Field(min_length=1)]),
        Parameter(
            "worker_id",
            "the id of a worker, which is unique in its pool",
            Annotated[str, Field(min_length=1)],
        ),
    )
}
"""The parts of paths by name. The form of a part is what its ids look like; any other text is answered with 404."""

PageSize = Annotated[int, Field(ge=1, le=limits.MAX_PAGE_SIZE)]
LIMIT = Parameter("limit", f"the most entries of a page; {limits.DEFAULT_PAGE_SIZE} by default", PageSize)
DRY_RUN = Parameter("dry_run", "checks everything, writes nothing and answers what would be", bool)
CURSOR = Parameter("cursor", "where to go on: the cursor that the last page or call answered")
WAIT = Parameter(
    "wait",
    "how many seconds the answer may wait for the end; without a wait where it has ended, where as many calls wait as "
    "may, and where the deployment lets no call wait",
    Annotated[int, Field(ge=0, le=limits.MAX_ASKED_WAIT_SECONDS)],
)
