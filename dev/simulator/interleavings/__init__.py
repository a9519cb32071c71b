"""Two use cases that run in every order of their calls to the stores, over one world."""
