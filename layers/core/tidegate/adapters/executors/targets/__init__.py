"""The targets that call a service: they run in the child process of a worker, by the attempt that asks for them."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.adapters.executors.targets.container import run_container
from tidegate.adapters.executors.targets.http_call import run_call
from tidegate.adapters.executors.targets.lambda_function import run_function
from tidegate.adapters.executors.targets.state_machine import run_machine
from tidegate.domain.containers import Container
from tidegate.domain.targets import HttpCall, LambdaFunction, StateMachine, Work
from tidegate.jobs.targets.support import RunService

SERVICES: Mapping[type[Work], RunService] = {
    LambdaFunction: run_function,
    StateMachine: run_machine,
    Container: run_container,
    HttpCall: run_call,
}
"""The runner of each kind of target that calls a service."""
