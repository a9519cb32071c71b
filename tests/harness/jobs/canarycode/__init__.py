"""Job code that returns and raises the text that it gets, for the search of a canary value."""
