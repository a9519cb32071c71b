"""The simulator: the real use cases on a virtual clock, with faults, workers and people drawn from a seed."""
