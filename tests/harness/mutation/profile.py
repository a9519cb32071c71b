"""The profile of `make mutants`.

Hypothesis makes the same draws each time, so that the count stays the same. It does not look for the smallest failing
example, which would take most of the time: only the failure counts. A call of a function with mistakes goes through
others, so the tests' deepest recursion needs a multiple of Python's usual limit.
"""

from __future__ import annotations

import sys

from hypothesis import Phase, settings

sys.setrecursionlimit(5_000)

settings.register_profile(
    "mutants",
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=50,
    phases=(Phase.explicit, Phase.generate),
)
