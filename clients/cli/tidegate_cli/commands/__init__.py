"""The commands: each file reads the arguments of some, calls the client and prints the answer."""
