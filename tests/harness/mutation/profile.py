"""How drawn tests run under `make mutants`: the same draws each time, so that the count is the same each time.

The smallest failing example is not looked for, which would take most of the time: it counts only that a test failed.
"""

from __future__ import annotations

from hypothesis import Phase, settings

settings.register_profile(
    "mutants",
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=50,
    phases=(Phase.explicit, Phase.generate),
)
