"""The Hypothesis profile of `make mutants`: it makes the same draws each time, so that the count stays the same.

It does not look for the smallest failing example, which would take most of the time: only the failure counts.
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
