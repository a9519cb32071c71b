"""The pure domain: states, dependencies, ranks, plans.

It uses the standard library only. It reads no clock and does no input or output.
"""
