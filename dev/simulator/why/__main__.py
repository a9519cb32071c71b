"""Proves many answers. Run as `python -m dev.simulator.why --count 10000`."""

from __future__ import annotations

import argparse
import sys

from dev.simulator.why.proof import Proven, prove

_EVERY = 1_000


def main() -> int:
    """Proves answers over drawn states until there are enough. Prints the failed seed and how to replay it."""
    parser = argparse.ArgumentParser(
        description="Proves why jobs wait.", epilog="Example: python -m dev.simulator.why --count 10000"
    )
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1_000, help="how many states with a waiting job")
    options = parser.parse_args()
    proven, seed = Proven(), options.seed
    while proven.answers < options.count:
        try:
            found = prove(seed, proven)
        except BaseException:
            sys.stdout.write(f"seed {seed}: python -m dev.simulator.why --seed {seed} --count 1 replays it\n")
            raise
        if found and proven.answers % _EVERY == 0:
            sys.stdout.write(f"{proven.answers:,} of {options.count:,} states\n")
            sys.stdout.flush()
        seed += 1
    for name, counts in (
        ("states", proven.states),
        ("facts", proven.codes),
        ("facts in one answer", proven.sizes),
    ):
        sys.stdout.write(
            f"{name}: {', '.join(f'{key} {number:,}' for key, number in counts.most_common())}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
