"""Characters that a name or a message may not hold, because people read it on a terminal or compare it by eye.

A terminal obeys control characters, those of C1 as well. Marks of direction make text read otherwise than it is stored,
and marks without width make two names look alike. The joiners U+200C and U+200D stay: Persian and Indic words and many
emoji are written with them.
"""

from __future__ import annotations

import re
from typing import Final

_C0: Final = (0x00, 0x1F)
_DECEPTIVE: Final = (
    (0x7F, 0x9F),  # delete, and C1: 0x9B begins a command as ESC [ does
    (0xAD, 0xAD),  # a hyphen that is shown at the end of a line only
    (0x061C, 0x061C),  # Arabic letter mark
    (0x180E, 0x180E),  # Mongolian vowel separator
    (0x200B, 0x200B),  # a space without width
    (0x200E, 0x200F),  # marks of direction
    (0x2028, 0x202E),  # separators of lines and paragraphs, embedding and overriding direction
    (0x2060, 0x206F),  # joiners and operators without width, isolating direction
    (0xFEFF, 0xFEFF),  # the same as a byte order mark
    (0xFFF9, 0xFFFB),  # annotations between lines
    (0xE0000, 0xE007F),  # tags, which nothing shows
)
_RANGES: Final = (_C0, *_DECEPTIVE)
_MESSAGE_LAYOUT: Final = "\t\n"

UNPRINTABLE: Final = "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in _RANGES)
"""Those characters as the inside of a character class, as Rust's regular expressions write it."""

_ANY: Final = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES) + "]")
_SHOWN_AS: Final = {
    number: None if chr(number) == "\r" else "?"
    for first, last in _RANGES
    for number in range(first, last + 1)
    if chr(number) not in _MESSAGE_LAYOUT
}


def is_plain(text: str) -> bool:
    """Whether the text holds none of those characters."""
    return _ANY.search(text) is None


def plain_message(text: str) -> str:
    """The text with a ? for each of those characters but tabs and new lines, and for each half character.

    Half characters come from names of files that are not UTF-8. Carriage returns are left out.
    """
    return text.encode("utf-8", "replace").decode().translate(_SHOWN_AS)
