"""Bounds the size of the upstream results that one job is given, so that no job fills a worker's memory."""

from __future__ import annotations

import json

from tidegate.domain import limits
from tidegate.domain.errors import TooMuchGathered
from tidegate.domain.job import Json


class Gathered:
    """Adds up the results for one job, in bytes of compact JSON in UTF-8."""

    def __init__(self) -> None:
        self._bytes = 0
        self._count = 0

    def add(self, result: Json) -> None:
        """Counts one more result; raises TooMuchGathered if the sum is above `MAX_GATHERED_BYTES`."""
        self._bytes += len(json.dumps(result, separators=(",", ":"), ensure_ascii=False).encode())
        self._count += 1
        if self._bytes > limits.MAX_GATHERED_BYTES:
            raise TooMuchGathered(
                f"the results of the first {self._count:,} upstreams are larger than the "
                f"{limits.MAX_GATHERED_BYTES:,} bytes that one job may gather; let upstreams store large results "
                "elsewhere and return their addresses, or gather in stages"
            )
