"""Makes commands fit the bounds of a target, without changing what runs."""

from __future__ import annotations

from tidegate.domain.targets import MAX_ARGUMENT_CHARACTERS, MAX_ARGUMENTS

MAX_ONE_ARGUMENT_CHARACTERS = 120_000
"""Linux refuses an argument of 128 KiB (execve(2), MAX_ARG_STRLEN)."""
_IN_A_FOLDER = 'cd "$1" && shift && exec "$@"'


class NoFit(ValueError):
    """The error for a command that a target can't hold; says why."""


def in_folder(argv: tuple[str, ...], folder: str) -> tuple[str, ...]:
    """Returns a command that runs in `folder`. No text of the command or the folder becomes text of the shell."""
    return ("sh", "-c", _IN_A_FOLDER, "sh", folder, *argv)


def fitted(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Returns a command of the same meaning that a target takes. Raises NoFit.

    A target takes no long argument, so a shell joins a long one from pieces. Nor does it take a relative path as the
    program, so a shell runs that one.
    """
    for each in argv:
        if len(each.encode("utf-8", "replace")) > MAX_ONE_ARGUMENT_CHARACTERS:
            raise NoFit(f"has an argument of more than {MAX_ONE_ARGUMENT_CHARACTERS:,} bytes")
        if "\0" in each:
            raise NoFit("holds the character NUL, which no argument can hold")
    if not argv[0].strip():
        raise NoFit("has no program")
    is_relative = "/" in argv[0] and not argv[0].startswith("/")
    made = argv
    if is_relative or any(len(each) > MAX_ARGUMENT_CHARACTERS for each in argv):
        pieces: list[str] = []
        words: list[str] = []
        for each in argv:
            first = len(pieces) + 1
            most = MAX_ARGUMENT_CHARACTERS
            pieces += [each[at : at + most] for at in range(0, len(each), most)] or [""]
            words.append("".join(f"${{{number}}}" for number in range(first, len(pieces) + 1)))
        script = "exec " + " ".join(f'"{word}"' for word in words)
        if len(script) > MAX_ARGUMENT_CHARACTERS:
            raise NoFit("has too many long arguments")
        made = ("sh", "-c", script, "sh", *pieces)
    if len(made) > MAX_ARGUMENTS:
        raise NoFit(f"has more than {MAX_ARGUMENTS} arguments")
    return made
