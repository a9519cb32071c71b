"""The answers of the API as typed, immutable values."""
