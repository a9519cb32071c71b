"""An API in memory with something to see, for work on the console."""
