"""Which addresses calls out of the stack may reach, and which URLs may name them."""

from __future__ import annotations

import ipaddress
import random

import pytest

from tidegate.domain.addresses import Reach, Target, first_refusal, refusal_of, target_of

REFUSED = {
    "0.0.0.0": "this host",  # noqa: S104  # nothing binds to it
    "0.1.2.3": "this host",
    "10.0.0.1": "private",
    "100.64.0.1": "NAT",
    "100.127.255.255": "NAT",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "169.254.169.254": "link-local",
    "169.254.170.2": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.8": "protocols",
    "192.0.2.1": "documentation",
    "192.88.99.1": "6to4",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarks",
    "198.19.255.255": "benchmarks",
    "198.51.100.7": "documentation",
    "203.0.113.7": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "::10.0.0.1": "reserved",
    "::ffff:127.0.0.1": "mapped",
    "::ffff:8.8.8.8": "mapped",
    "64:ff9b::7f00:1": "NAT64",
    "64:ff9b::808:808": "NAT64",
    "64:ff9b:1::1": "NAT64",
    "100::1": "reserved",
    "2001::1": "Teredo",
    "2001:0:ffff::1": "Teredo",
    "2001:2::1": "benchmarks",
    "2001:10::1": "protocols",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4",
    "3fff::1": "documentation",
    "5f00::1": "reserved",
    "fc00::1": "private",
    "fd00:ec2::254": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "zone",
    "2600::1%eth0": "zone",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "example.com": "no address",
    "010.0.0.1": "no address",
    "2130706433": "no address",
    "": "no address",
}
ALLOWED = ["1.1.1.1", "8.8.8.8", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"]
ALLOWED += ["192.0.1.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2600::1", "2a00:1450:4001::1"]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_of_a_special_range_is_refused(address: str) -> None:
    reason = refusal_of(address)
    assert reason is not None
    assert REFUSED[address] in reason


@pytest.mark.parametrize("address", ALLOWED)
def test_an_address_of_the_public_internet_is_allowed(address: str) -> None:
    assert refusal_of(address) is None


def test_no_address_is_allowed_that_the_standard_library_calls_other_than_global() -> None:
    chance = random.Random(7)
    drawn = [ipaddress.IPv4Address(chance.getrandbits(32)) for _ in range(20_000)]
    drawn += [ipaddress.IPv6Address(0x2 << 124 | chance.getrandbits(124)) for _ in range(5_000)]  # type: ignore[misc]
    others = [str(each) for each in drawn if not each.is_global or each.is_multicast]
    assert others
    assert [each for each in others if refusal_of(each) is None] == []


def test_one_refused_address_among_good_ones_refuses_the_host() -> None:
    assert first_refusal(["8.8.8.8", "2600::1"]) is None
    assert first_refusal(["8.8.8.8", "10.0.0.1"]) == "10.0.0.1 is a private address"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com", Target("example.com", 443, "/")),
        ("HTTPS://Example.COM:443/a?b=c", Target("example.com", 443, "/a?b=c")),
        ("https://xn--bcher-kva.example/%C3%BC", Target("xn--bcher-kva.example", 443, "/%C3%BC")),
        ("https://my_hooks.example.com?x", Target("my_hooks.example.com", 443, "/?x")),
        ("https://8.8.8.8/", Target("8.8.8.8", 443, "/")),
        ("https://[2600::0:1]/", Target("2600::1", 443, "/")),
    ],
)
def test_a_url_of_the_public_internet_is_read(url: str, target: Target) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "printable"),
        ("https://example.com/" + "a" * 2_048, "2048"),
        ("https://example.com/\r\nx: y", "printable"),
        ("https://exam\tple.com/", "printable"),
        ("https://bücher.example/", "xn--"),
        ("https://example.com\\@127.0.0.1/", "backslash"),
        ("https://[2600::1].example.com/", "such as https://"),
        ("https://[2600::1]example.com:443/", "such as https://"),
        ("http://example.com/", "https://"),
        ("https:example.com", "https://"),
        ("//example.com", "https://"),
        ("ftp://example.com/", "https://"),
        ("https://user@example.com/", "user name"),
        ("https://user:secret@example.com/", "user name"),
        ("https://example.com@127.0.0.1/", "user name"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com:8443/", "port 443"),
        ("https://example.com:0/", "port 443"),
        ("https://example.com:/", "port 443"),
        ("https://example.com:99999/", "such as https://"),
        ("https://example.com:x/", "such as https://"),
        ("https:///path", "letters"),
        ("https://example.com./", "dot at the end"),
        ("https://example..com/", "letters"),
        ("https://-example.com/", "letters"),
        ("https://exa%6Dple.com/", "without %"),
        ("https://" + ".".join(["a" * 60] * 5) + "/", "letters"),
        ("https://localhost/", "local network"),
        ("https://metadata/", "local network"),
        ("https://127.0.0.1/", "loopback"),
        ("https://2130706433/", "four decimal numbers"),
        ("https://0x7f000001/", "four decimal numbers"),
        ("https://0x7f.0.0.1/", "four decimal numbers"),
        ("https://0177.0.0.1/", "four decimal numbers"),
        ("https://127.1/", "four decimal numbers"),
        ("https://1.2.3.4.5/", "four decimal numbers"),
        ("https://example.0x/", "four decimal numbers"),
        ("https://[::1]/", "loopback"),
        ("https://[::ffff:10.0.0.1]/", "mapped"),
        ("https://[fe80::1%25eth0]/", "zone"),
        ("https://[::1/", "such as https://"),
    ],
)
def test_a_url_that_leads_elsewhere_or_may_be_read_in_two_ways_is_refused(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as refused:
        target_of(url)
    assert says in str(refused.value)


@pytest.mark.parametrize("url", ["https://127.0.0.1:8443/", "https://localhost:1/", "https://[::1]:8443/a"])
def test_the_local_stack_may_reach_any_address_and_port(url: str) -> None:
    assert target_of(url, Reach.ANY).port != 443
    with pytest.raises(ValueError, match="must"):
        target_of(url)


def test_the_local_stack_still_wants_https_without_users() -> None:
    for url in ("http://127.0.0.1/", "https://a@127.0.0.1/"):
        with pytest.raises(ValueError, match="must"):
            target_of(url, Reach.ANY)


def test_the_host_header_names_the_port_only_where_it_is_another() -> None:
    assert target_of("https://example.com/").authority == "example.com"
    assert target_of("https://[::1]:8443/", Reach.ANY).authority == "[::1]:8443"
