"""The addresses that calls out of the stack may reach, and the form of the URLs that name them.

A function has a network of its own behind it: its own loopback, the credentials of its platform at 169.254.0.0/16, and
in a VPC the hosts beside it. A URL that somebody registers must reach none of them. So a call is refused unless every
address of its host is one of the public internet.

The ranges are those of IANA's registries of special-purpose addresses. `ipaddress` of the standard library is not
asked: it calls the translation prefix 64:ff9b::/96 global, behind which every IPv4 address stands, and its answers
differ between versions of Python.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from tidegate.domain import limits

HTTPS_PORT = 443
_MAX_HOST_CHARACTERS = 253
_PRINTABLE = re.compile(r"[!-~]+")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Reach(StrEnum):
    """How far calls may go: to the public internet alone, or to any address and port, for the local stack."""

    PUBLIC = "public"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL points. `host` is a name in lower case or an address, `path` holds the query too."""

    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Returns the value of the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTPS_PORT else f"{host}:{self.port}"


def target_of(url: str, reach: Reach = Reach.PUBLIC) -> Target:
    """Returns where an https URL points.

    Raises ValueError with a message that completes the sentence "the URL …". Only forms that every reader of URLs
    takes for the same host are allowed, so that a check and a connection can't take them for two.
    """
    if len(url) > limits.MAX_WEBHOOK_URL_CHARACTERS or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise ValueError(
            f"must have 1 to {limits.MAX_WEBHOOK_URL_CHARACTERS} printable ASCII characters, no blanks and no "
            "backslashes; write an international host as xn--… and encode other characters with %"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("must be a URL such as https://example.com/hook") from error
    if parts.scheme != "https" or not url.lower().startswith("https://"):
        raise ValueError("must begin with https://")
    if "@" in parts.netloc:
        raise ValueError("must hold no user name and no password; receivers check the signature instead")
    if "#" in url:
        raise ValueError("must have no fragment, because none is ever sent; leave out # and what follows")
    if parts.netloc.endswith(":") or (port not in (None, HTTPS_PORT) and reach is Reach.PUBLIC):
        raise ValueError(f"must use port {HTTPS_PORT}; leave the port out")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(_host_of(parts, reach), HTTPS_PORT if port is None else port, path)


def _host_of(parts: SplitResult, reach: Reach) -> str:
    host = (parts.hostname or "").lower()
    if "%" in host:
        raise ValueError("must name its host without % (no zone of an IPv6 address, no encoded characters)")
    if host.endswith("."):
        raise ValueError("must name its host without a dot at the end")
    if parts.netloc.startswith("["):
        # Some versions of Python ignore what stands between the bracket and the port.
        behind = parts.netloc.partition("]")[2]
        if behind and not behind.startswith(":"):
            raise ValueError(
                "must be a URL such as https://example.com/hook, with nothing between ] and the port"
            )
        return _address_of(host, reach)
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):  # all such hosts are addresses, in forms that programs read differently
        return _address_of(host, reach)
    if len(host) > _MAX_HOST_CHARACTERS or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("must name its host in letters, digits, hyphens and dots, such as example.com")
    if len(labels) == 1 and reach is Reach.PUBLIC:
        raise ValueError(f"must name its host in full; {host!r} is a name of a local network")
    return host


def _address_of(host: str, reach: Reach) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise ValueError(
            "must write an address as four decimal numbers such as 192.0.2.1, or in brackets as IPv6"
        ) from error
    reason = refusal_of(str(address))
    if reason and reach is Reach.PUBLIC:
        raise ValueError(f"must reach the public internet; {address} is {reason}")
    return str(address)


_REFUSED_V4 = {
    "0.0.0.0/8": "an address of this host",
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "an address shared behind a provider's NAT",
    "127.0.0.0/8": "a loopback address",
    "169.254.0.0/16": "a link-local address",
    "172.16.0.0/12": "a private address",
    "192.0.0.0/24": "an address for protocols",
    "192.0.2.0/24": "an address for documentation",
    "192.31.196.0/24": "an anycast address of reverse lookups",
    "192.52.193.0/24": "an anycast address of multicast tunnels",
    "192.88.99.0/24": "a relay of 6to4",
    "192.168.0.0/16": "a private address",
    "192.175.48.0/24": "an anycast address of reverse lookups",
    "198.18.0.0/15": "an address for benchmarks",
    "198.51.100.0/24": "an address for documentation",
    "203.0.113.0/24": "an address for documentation",
    "224.0.0.0/4": "a multicast address",
    "240.0.0.0/4": "a reserved address",
}
_REFUSED_V6 = {
    "::/128": "the unspecified address",
    "::1/128": "a loopback address",
    "::ffff:0:0/96": "a mapped IPv4 address",
    "64:ff9b::/96": "a translated IPv4 address (NAT64)",
    "64:ff9b:1::/48": "a translated IPv4 address (NAT64)",
    "2001::/32": "a Teredo tunnel",
    "2001:2::/48": "an address for benchmarks",
    "2001::/23": "an address for protocols",
    "2001:db8::/32": "an address for documentation",
    "2002::/16": "a 6to4 tunnel",
    "2620:4f:8000::/48": "an anycast address of reverse lookups",
    "3fff::/20": "an address for documentation",
    "fc00::/7": "a private address",
    "fe80::/10": "a link-local address",
    "fec0::/10": "a site-local address",
    "ff00::/8": "a multicast address",
}
# IANA has given out no addresses of the public internet outside of this range.
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED = tuple(
    (ipaddress.ip_network(network), reason) for network, reason in {**_REFUSED_V4, **_REFUSED_V6}.items()
)


def refusal_of(address: str) -> str | None:
    """Returns why no call may go to an IPv4 or IPv6 address, None if it is one of the public internet.

    The reason completes the sentence "the address is …". A text that is no address is refused too, and so is an address
    with a zone, which has a meaning on one host only.
    """
    if "%" in address:
        return "an address with a zone"
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "no address"
    for network, reason in _REFUSED:
        if parsed.version == network.version and parsed in network:
            return reason
    if isinstance(parsed, ipaddress.IPv6Address) and parsed not in _UNICAST_V6:
        return "a reserved address"
    return None


def first_refusal(addresses: Iterable[str]) -> str | None:
    """Returns why a host with these addresses is refused, None if all of them are of the public internet.

    One refused address is enough, because the owner of a name could otherwise add a good address to a bad one.
    """
    for address in addresses:
        reason = refusal_of(address)
        if reason:
            return f"{address} is {reason}"
    return None
