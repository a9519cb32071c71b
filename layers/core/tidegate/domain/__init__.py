"""The pure domain: states, dependencies, ranks, plans. Standard library only, no clock, no input or output."""
