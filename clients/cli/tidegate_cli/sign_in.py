"""Signs a person in with a browser: code + PKCE over a loopback address. Sources: RFC 7636, RFC 8252, RFC 6749."""

from __future__ import annotations

# The ports on which `tidegate login` may wait for the browser. The client of the user pool knows exactly these.
PORTS = (48211, 48212, 48213)
