"""The environment variables that job code gets in its own process: a fixed list, never all of the worker's own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.domain.errors import TidegateError

VARIABLE = "TIDEGATE_JOB_ENVIRONMENT"
ALWAYS_PASSED = frozenset(
    {
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "HOME",
        "LANG",
        "LANGUAGE",
        "LD_LIBRARY_PATH",
        "LOGNAME",
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
        "PYTHONUTF8",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TIDEGATE_STACK",
        "TZ",
        "TZDIR",
        "USER",
    }
)
"""Passed to every job if the worker has them; `LC_*` are passed too."""

# Without these an AWS SDK in job code would look for keys in the user's files, or ask the machine for its role's keys.
_NO_KEYS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_OF_THE_PLATFORM = ("AWS_", "ECS_")


class BadJobEnvironment(TidegateError):
    """The error for a name in the list of passed variables that can't be passed to job code."""

    code = "bad-job-environment"


@dataclass(frozen=True, slots=True)
class JobEnvironment:
    """Variables for job code: `plain` for every type, and `keys`, with which an SDK finds the worker's AWS credentials.

    A type gets `keys` only if it was registered with `aws_credentials=True`.
    """

    plain: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    def at_start(self, *, with_keys: bool) -> dict[str, str]:
        """Returns the variables with which a process for job code is started.

        They never include the keys, because the kernel shows these variables to other processes.
        """
        return {**({} if with_keys else _NO_KEYS), **self.plain}


def job_environment(own: Mapping[str, str], passed: Sequence[str]) -> JobEnvironment:
    """Returns the environment for job code.

    `own` are the worker's variables, `passed` the names of further variables that an operator chose. A name that the
    worker does not have is left out. Raises BadJobEnvironment for a malformed name, and for a variable of the
    platform, which may be a key.
    """
    for name in passed:
        if not _NAME.fullmatch(name):
            raise BadJobEnvironment(f"{VARIABLE}: {name!r} is not the name of a variable")
        if name.startswith(_OF_THE_PLATFORM) and name not in ALWAYS_PASSED:
            raise BadJobEnvironment(
                f"{VARIABLE}: {name} may hold or lead to credentials, so it is not passed to every job; "
                "register the types that need them with aws_credentials=True"
            )
    chosen = ALWAYS_PASSED.union(passed)
    return JobEnvironment(
        plain={name: value for name, value in own.items() if name in chosen or name.startswith("LC_")},
        keys={name: value for name, value in own.items() if name.startswith("AWS_")},
    )
