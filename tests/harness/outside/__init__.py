"""Receivers of calls that leave the stack, for tests."""
