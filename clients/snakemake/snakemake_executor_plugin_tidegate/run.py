"""Runs one rule where a worker runs the job: `python -m snakemake_executor_plugin_tidegate.run --root FOLDER`.

The job's parameters come as JSON on standard input. Their arguments go to Snakemake as words; no shell reads them. The
operator's `--root` bounds the folders in which a workflow and its Snakefile may lie.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

MAX_INPUT_BYTES = 1024 * 1024
USAGE = 64  # EX_USAGE of sysexits.h: another attempt can't help
_SNAKEFILE = "--snakefile"


class Refused(ValueError):
    """The error for parameters that are not those of a rule; says what to do."""


def command_of(text: str, roots: Sequence[Path]) -> tuple[list[str], Path]:
    """Returns the command that runs the rule, and its folder. Raises Refused."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the parameters are not JSON: {error}") from error
    if not isinstance(value, dict) or set(value) != {"directory", "arguments"}:
        raise Refused("the parameters must be `directory` and `arguments`, as the executor plugin sends them")
    directory, arguments = value["directory"], value["arguments"]
    if not isinstance(directory, str) or not isinstance(arguments, list):
        raise Refused("`directory` must be text, and `arguments` a list of texts")
    if not all(isinstance(each, str) and "\0" not in each for each in arguments) or "\0" in directory:
        raise Refused("`arguments` must be texts without the character NUL")
    folder = _inside(Path(directory), roots, "directory")
    if len(arguments) < 2 or arguments[0] != _SNAKEFILE or arguments.count(_SNAKEFILE) != 1:
        raise Refused(f"`arguments` must begin with {_SNAKEFILE} and a path")
    _inside(folder / arguments[1], roots, "Snakefile")
    return [sys.executable, "-m", "snakemake", *arguments], folder


def main(arguments: Sequence[str]) -> NoReturn:
    """Becomes the Snakemake process that runs the rule, so that a signal to the job reaches it."""
    roots = [
        Path(root).resolve()
        for flag, root in zip(arguments[::2], arguments[1::2], strict=False)
        if flag == "--root"
    ]
    if not roots or len(arguments) != 2 * len(roots):
        _end("give --root FOLDER, at least once, in the target's command")
    text = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
    if len(text) > MAX_INPUT_BYTES:
        _end(f"the parameters are longer than {MAX_INPUT_BYTES:,} bytes")
    try:
        command, folder = command_of(text.decode("utf-8", "replace"), roots)
        os.chdir(folder)
    except (Refused, OSError) as error:
        _end(str(error))
    os.execv(command[0], command)  # noqa: S606  # nosec B606 - no shell reads these words


def _inside(path: Path, roots: Sequence[Path], what: str) -> Path:
    found = path.resolve()
    if not path.is_absolute() or not any(found.is_relative_to(root) for root in roots):
        allowed = ", ".join(map(str, roots))
        raise Refused(
            f"the {what} {str(path)!r} is not inside {allowed}; add it as --root to the target's command"
        )
    return found


def _end(message: str) -> NoReturn:
    sys.stderr.write(f"tidegate: {message}\n")
    sys.exit(USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
