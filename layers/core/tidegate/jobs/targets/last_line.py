"""Keeps the last line of a stream of bytes, however long the stream is."""

from __future__ import annotations


class LastLine:
    """The last line that is not blank. Keeps at most `max_bytes` of a line, and one byte more of a longer one."""

    def __init__(self, max_bytes: int) -> None:
        self._kept_bytes = max_bytes + 1
        self._ended = b""
        self._open = b""

    def take(self, part: bytes) -> None:
        """Reads the next part of the stream, which may begin and end anywhere."""
        head, line_break, tail = part.rpartition(b"\n")
        if not line_break:
            self._open = self._joined(tail)
            return
        text = head.rstrip()
        before, inner_break, last = text.rpartition(b"\n")
        del before
        if inner_break:
            self._ended = last[: self._kept_bytes]
        elif (joined := self._joined(text)).strip():
            self._ended = joined
        self._open = tail[: self._kept_bytes]

    def value(self) -> bytes:
        """Returns the last line that is not blank, without white space around it; empty where there is none."""
        return self._open.strip() or self._ended.strip()

    def _joined(self, more: bytes) -> bytes:
        return self._open + more[: self._kept_bytes - len(self._open)]
