"""Access: the grants of callers, and the checks that a caller acts only on its own."""
