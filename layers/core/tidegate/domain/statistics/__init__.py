"""Statistics of ended jobs: what an end tells, how ends are counted, and how counts of several times merge."""
