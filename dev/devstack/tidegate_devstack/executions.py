"""Bounds how many functions run at once, as an account of AWS does, and ends running functions with the emulator.

Each execution is a process of about 75 MB here. Beyond the bound, an invocation is answered with 429
TooManyRequestsException, as Lambda does. A REST API then answers its client with 500, as API Gateway does: it treats
every refused invocation as an error of its own (AWS, "Handling Lambda errors with an API Gateway API"). Event sources
try the invocation again later.

The patches wrap private functions of the emulator. A version without them fails tests/devstack.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from typing import Any

import hypercorn.asyncio
from ministack.services import apigateway_v1, lambda_svc

from tidegate_devstack import left_processes, processes
from tidegate_devstack.emulator import executions_of_one_function
from tidegate_devstack.places import Places

CALLS_SECONDS = 3.0
"""How long running calls may go on after the emulator is told to end."""


class Executions:
    """Bounds this process's emulator to `most` executions of functions at once, and half as many of one function."""

    def __init__(self, places: Places, most: int) -> None:
        self._places = places
        self._most_of_one = executions_of_one_function(most)
        self._counting = threading.Lock()
        self._ending = threading.Event()

    def install(self) -> None:
        """Patches the emulator of this process with the bounds."""
        acquire = lambda_svc._acquire_execution_slot
        call = apigateway_v1._call_lambda_raw
        serve = hypercorn.asyncio.serve

        def acquire_within(function: dict[str, Any], configuration: dict[str, Any]) -> Any:
            with self._counting:
                if self._ending.is_set() or self._is_full(configuration):
                    return None, "account"
                return acquire(function, configuration)

        async def call_or_fail(*arguments: Any, **named: Any) -> Any:
            result, error = await call(*arguments, **named)
            if result and result.get("throttle"):
                return None, "throttled"  # answered as 500 with "Internal server error"
            return result, error

        async def serve_until_told(*arguments: Any, **named: Any) -> None:
            await serve(*arguments, **named, shutdown_trigger=self._told_to_end())

        # Patches ministack: `lambda_svc._acquire_execution_slot`, because it lets one function use all executions, and
        # starts new ones while the emulator ends.
        lambda_svc._acquire_execution_slot = acquire_within
        # Patches ministack: `apigateway_v1._call_lambda_raw`, because the emulator's REST API answers 429 if an
        # invocation is refused. API Gateway answers 500.
        apigateway_v1._call_lambda_raw = call_or_fail
        # Patches hypercorn, the emulator's server: `hypercorn.asyncio.serve`, because nothing else tells this module
        # that the emulator is to end. It then ends calls that still run after CALLS_SECONDS.
        hypercorn.asyncio.serve = serve_until_told

    def _is_full(self, configuration: dict[str, Any]) -> bool:
        running: int = lambda_svc._inflight.get(lambda_svc._inflight_key(configuration), 0)
        return running >= self._most_of_one

    def _told_to_end(self) -> Any:
        loop = asyncio.get_running_loop()
        told = asyncio.Event()

        def end() -> None:
            told.set()
            if not self._ending.is_set():
                self._ending.set()
                threading.Thread(target=self._end_calls, name="tidegate-ending", daemon=True).start()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end)
        return told.wait

    def _end_calls(self) -> None:
        """Ends the functions that still run after CALLS_SECONDS.

        The emulator waits for its calls before it saves. Processes that a function started are ended too, because they
        may hold the pipe from which the emulator reads the function's answer.
        """
        time.sleep(CALLS_SECONDS)
        own = os.getpid()
        left_processes.end(self._places, left_processes.Leader(own, processes.start_mark(own) or ""))
