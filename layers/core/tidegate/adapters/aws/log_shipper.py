"""Ships what job code prints from a worker process to a stream of CloudWatch Logs.

Lines wait in a bounded buffer for a thread that sends them. So no job waits for the network, and a worker whose jobs
print nothing makes no call and no thread. Lines that find no room, or that the service refuses for long, are dropped.
Their numbers are then missing among those of the attempt.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tidegate.adapters.aws.errors import error_code, translated
from tidegate.adapters.aws.logs import MISSING, event_text
from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.logs import LogLine, LogPlace

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

MAX_BATCH_EVENTS = 10_000
MAX_BATCH_BYTES = 1_048_576
EVENT_OVERHEAD_BYTES = 26  # that the service adds to each event
MAX_BUFFER_BYTES = 8 * 1_048_576
GATHER_SECONDS = 0.25  # between the first line and its batch, so that the lines of a moment share one call
_TRIES = 5
_TRY_AGAIN_SECONDS = 1.0
_CLOSE_SECONDS = 5.0
_EXISTS = "ResourceAlreadyExistsException"
_LOGGER = logging.getLogger("tidegate.worker")

_Event = tuple[int, str, int]  # time in milliseconds, text, bytes


class LogShipper:
    """Sends the lines of one worker to `place`; see ports.LogSink.

    `client` returns the client, and is called once there is a line to send. `now_ms` dates the lines. The group must
    exist; the stream is created when the first line is sent.
    """

    def __init__(
        self,
        client: Callable[[], CloudWatchLogsClient],
        place: LogPlace,
        now_ms: Callable[[], int],
        *,
        gather_seconds: float = GATHER_SECONDS,
        try_again_seconds: float = _TRY_AGAIN_SECONDS,
        buffer_bytes: int = MAX_BUFFER_BYTES,
    ) -> None:
        self._client = client
        self._place = place
        self._now_ms = now_ms
        self._gather_seconds = gather_seconds
        self._try_again_seconds = try_again_seconds
        self._buffer_bytes = buffer_bytes
        self._lock = threading.Lock()
        self._lines: deque[_Event] = deque()
        self._waiting_bytes = 0
        self._latest_ms = 0
        self._dropped = 0
        self._has_lines = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """Returns how many lines were dropped."""
        return self._dropped

    def write(self, line: LogLine) -> None:
        """Passes a line on."""
        text = event_text(line)
        size = len(text.encode("utf-8", "replace")) + EVENT_OVERHEAD_BYTES
        with self._lock:
            if self._waiting_bytes + size > self._buffer_bytes or not self._is_started():
                self._dropped += 1
                return
            # The service wants the events of a batch in the order of their times, whatever the clock does.
            self._latest_ms = max(self._latest_ms, self._now_ms())
            self._lines.append((self._latest_ms, text, size))
            self._waiting_bytes += size
        self._has_lines.set()

    def close(self) -> None:
        """Sends what is left, for some seconds at most, and logs how many lines were dropped."""
        self._closing.set()
        self._has_lines.set()
        thread = self._thread
        if thread is not None:
            thread.join(_CLOSE_SECONDS)
        with self._lock:
            left = self._dropped + len(self._lines)
        if left:
            _LOGGER.warning("%d lines that job code printed are not in its log", left)

    def _is_started(self) -> bool:
        if self._thread is None and not self._closing.is_set():
            thread = threading.Thread(target=self._run, name="logs", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no thread left
                return False
            self._thread = thread
        return self._thread is not None

    def _run(self) -> None:
        is_created = False
        while True:
            self._has_lines.wait()
            self._closing.wait(self._gather_seconds)
            self._has_lines.clear()
            while batch := self._next_batch():
                is_created = self._sent(batch, is_created)
            if self._closing.is_set():
                return

    def _next_batch(self) -> list[_Event]:
        batch: list[_Event] = []
        size = 0
        with self._lock:
            while (
                self._lines and len(batch) < MAX_BATCH_EVENTS and size + self._lines[0][2] <= MAX_BATCH_BYTES
            ):
                event = self._lines.popleft()
                size += event[2]
                batch.append(event)
            self._waiting_bytes -= size
        return batch

    def _sent(self, batch: list[_Event], is_created: bool) -> bool:
        """Sends a batch, or drops it if the service refuses it for long; returns True if the stream exists."""
        for tried in range(_TRIES):
            try:
                if not is_created:
                    self._create()
                    is_created = True
                self._put(batch)
                return True
            except (ServiceUnavailable, ServiceRefused) as error:
                if tried == 0:
                    _LOGGER.warning("the lines of jobs can't be sent to their log now: %s", error)
                if isinstance(error, ServiceRefused):
                    is_created = False  # an operator may have removed the stream
                if self._closing.wait(self._try_again_seconds) and tried > 0:
                    break
            except Exception as error:  # noqa: BLE001 - without this thread, no later line would be sent
                _LOGGER.error("sending the lines of jobs raised %s", type(error).__name__)
                break
        with self._lock:
            self._dropped += len(batch)
        return is_created

    def _create(self) -> None:
        with translated("creating a log stream"):
            try:
                self._client().create_log_stream(
                    logGroupName=self._place.group, logStreamName=self._place.stream
                )
            except ClientError as error:
                if error_code(error) != _EXISTS:
                    raise

    def _put(self, batch: list[_Event]) -> None:
        events: list[InputLogEventTypeDef] = [
            {"timestamp": at_ms, "message": text} for at_ms, text, _ in batch
        ]
        with translated("sending lines"):
            try:
                answer = self._client().put_log_events(
                    logGroupName=self._place.group, logStreamName=self._place.stream, logEvents=events
                )
            except ClientError as error:
                if error_code(error) != MISSING:
                    raise
                raise ServiceRefused("the log stream is missing") from error
        refused = answer.get("rejectedLogEventsInfo", {})  # their times are too far from the service's
        too_old = max(refused.get("tooOldLogEventEndIndex", 0), refused.get("expiredLogEventEndIndex", 0))
        too_new = len(batch) - refused.get("tooNewLogEventStartIndex", len(batch))
        with self._lock:
            self._dropped += too_old + too_new
