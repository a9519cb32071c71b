"""Job code that behaves well and badly, for tests of executors."""
