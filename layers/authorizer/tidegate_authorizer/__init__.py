"""Checks bearer tokens of an issuer outside the stack, for the gateway. Only the authorizer's function loads it."""
