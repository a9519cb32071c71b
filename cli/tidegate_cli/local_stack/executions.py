"""Bounds how many functions run at once, as an account of AWS does, and ends them with the emulator.

Each execution is a process of about 75 MB here. Beyond the bound, an invocation answers 429 TooManyRequestsException,
as Lambda does. A REST API answers its client 500 to that, as API Gateway does: it treats every refused invocation as an
error of its own (AWS, "Handling Lambda errors with an API Gateway API"). Event sources come again later.

`lambda_svc._acquire_execution_slot`, `apigateway_v1._call_lambda_raw` and hypercorn's `serve` are wrapped. A version of
the emulator without them fails tests/local_stack.
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

from tidegate_cli.local_stack import left_processes, processes
from tidegate_cli.local_stack.emulator import executions_of_one_function
from tidegate_cli.local_stack.places import Places

CALLS_SECONDS = 3.0
"""How long calls that run may go on once the emulator is told to end."""


class Executions:
    """The bounds on this process's emulator: `most` functions at once, half of them of one function."""

    def __init__(self, places: Places, most: int) -> None:
        self._places = places
        self._most_of_one = executions_of_one_function(most)
        self._counting = threading.Lock()
        self._ending = threading.Event()

    def install(self) -> None:
        """Puts the bounds around the emulator's own invocations."""
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

        lambda_svc._acquire_execution_slot = acquire_within
        apigateway_v1._call_lambda_raw = call_or_fail
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
        """Ends the functions that still run after a while: the emulator waits for its calls before it saves.

        What a function started is ended too, for it may hold the pipe that the emulator reads the answer from.
        """
        time.sleep(CALLS_SECONDS)
        own = os.getpid()
        left_processes.end(self._places, left_processes.Leader(own, processes.start_mark(own) or ""))
