"""Routes of the API, a file for each part: each parses, calls one use case and answers."""
