"""The state of pools, for other use cases: capacity, lanes, rules in force, and the choice of a job's pool."""
