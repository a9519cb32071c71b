"""Characters that a name or a message may not hold, because people read it on a terminal or compare it by eye.

A terminal obeys control characters, those of C1 as well. Direction marks make a text read differently from what is
stored, and marks without width make two names look alike. The joiners U+200C and U+200D are allowed, because Persian
and Indic words and many emoji are written with them.
"""

from __future__ import annotations

import re
from typing import Final

_C0: Final = (0x00, 0x1F)
_DECEPTIVE: Final = (
    (0x7F, 0x9F),  # delete, and C1, in which 0x9B begins a command as ESC [ does
    (0xAD, 0xAD),  # a hyphen that shows at the end of a line only
    (0x061C, 0x061C),  # Arabic letter mark
    (0x180E, 0x180E),  # Mongolian vowel separator
    (0x200B, 0x200B),  # a space without width
    (0x200E, 0x200F),  # direction marks
    (0x2028, 0x202E),  # separators of lines and paragraphs, and marks that embed or override a direction
    (0x2060, 0x206F),  # joiners and operators without width, and marks that isolate a direction
    (0xFEFF, 0xFEFF),  # the byte order mark, which has no width
    (0xFFF9, 0xFFFB),  # annotations between lines
    (0xE0000, 0xE007F),  # tags, which no terminal shows
)
_RANGES: Final = (_C0, *_DECEPTIVE)
_MESSAGE_LAYOUT: Final = "\t\n"

UNPRINTABLE: Final = "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in _RANGES)
"""These characters as the inside of a character class, in the syntax of Rust's regular expressions."""

_ANY: Final = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES) + "]")
_SHOWN_AS: Final = {
    number: None if chr(number) == "\r" else "?"
    for first, last in _RANGES
    for number in range(first, last + 1)
    if chr(number) not in _MESSAGE_LAYOUT
}


def is_plain(text: str) -> bool:
    """Tells whether the text holds none of these characters."""
    return _ANY.search(text) is None


def plain_message(text: str) -> str:
    """Returns the text with a ? for each of these characters except tab and new line, and for each half character.

    Half characters come from file names that are not UTF-8. Carriage returns are left out.
    """
    return text.encode("utf-8", "replace").decode().translate(_SHOWN_AS)
