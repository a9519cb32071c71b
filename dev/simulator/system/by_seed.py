"""The command line of a simulation: replays one seed, or tries many."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable


def replay_or_try(description: str, run: Callable[[int], object], shown: Callable[[int], str]) -> int:
    """Replays one seed, or tries many, and returns the status of the process.

    `run` raises AssertionError for a seed that fails, which is printed. `shown` replays a seed and says what happened.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, help="replay this one, and show what happened")
    parser.add_argument("--count", type=int, default=500, help="how many")
    options = parser.parse_args()
    logging.disable()  # drawn faults log too much
    if options.seed is not None:
        sys.stdout.write(f"{shown(options.seed)}\n")
        return 0
    for seed in range(options.count):
        try:
            run(seed)
        except AssertionError as error:
            sys.stdout.write(f"seed {seed}: {error}\n")
            return 1
    sys.stdout.write(f"{options.count:,} seeds\n")
    return 0
