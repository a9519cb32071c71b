"""Job code that a worker of the console's flows has in place of the samples: all that it says is hostile.

It stands in for `tidegate_samples.demo` (see surroundings.py), because the API knows the types of the samples.
"""

from __future__ import annotations

import logging

from tidegate.domain.job import Json
from tidegate.jobs import JobContext, Parameters, job

_ACT = "document.title='broken into'"
HOSTILE = f'<script>{_ACT}</script><img src=x onerror="{_ACT}"> \u202egnp.exe'
LONG = "x" * 10_000


class TalkParameters(Parameters):
    """The parameters of the sample."""

    lines: int = 3
    seconds: float = 0
    fails: bool = False


@job("demo.talk")
def talk(parameters: TalkParameters, context: JobContext) -> Json:
    """Prints, logs, reports, returns and raises texts that would break a careless page."""
    print(HOSTILE)  # noqa: T201 - it is what the job is for
    print(LONG)  # noqa: T201 - likewise
    logging.getLogger("demo").warning(HOSTILE)
    context.progress(0.5, HOSTILE)
    if parameters.fails:
        raise type("<b>bold</b>", (ValueError,), {})(f"{HOSTILE} {LONG}")
    return {HOSTILE: [HOSTILE, LONG], LONG: None}
