"""Job code that behaves well and badly, for tests of what runs it."""
