"""Calls that leave the stack, to hosts that callers named."""
