"""Tokens with real signatures: those of an issuer in memory and of a user pool, good ones and each kind of bad one."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tidegate_authorizer.keys import IssuerKeys, IssuerUnreachable

ISSUER = "https://issuer.example.com/tenant"
AUDIENCE = "https://tidegate.example.com"
POOL_ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI"
JWKS_URL = f"{ISSUER}/keys"
RSA_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
FORGER = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Make = Callable[..., str]
"""Returns a signed token with some of its claims changed; a claim that is None is left out."""


def jwk(key: Key, key_id: str, **changes: object) -> dict[str, Any]:
    """Returns the public half of a key as an issuer shows it."""
    algorithm = (
        jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    )
    public: Any = key.public_key()
    return {**json.loads(algorithm.to_jwk(public)), "kid": key_id, "use": "sig", **changes}


class Issuer:
    """An issuer in memory, which counts what is fetched of it."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.fetched: list[str] = []
        self.is_down = False
        self.configuration: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": JWKS_URL}
        self.keys: list[Any] = [jwk(RSA_KEY, "rsa"), jwk(EC_KEY, "ec")]

    def fetch(self, url: str) -> Any:
        self.fetched.append(url)
        if self.is_down:
            raise IssuerUnreachable("down")
        return {
            f"{ISSUER}/.well-known/openid-configuration": self.configuration,
            JWKS_URL: {"keys": self.keys},
        }[url]

    def known(self) -> IssuerKeys:
        return IssuerKeys(ISSUER, self.fetch, lambda: self.now)


def token(key: Any = RSA_KEY, key_id: str | None = "rsa", algorithm: str = "RS256", **changes: object) -> str:
    """Returns an access token of the issuer's."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ann-1",
        "scope": "openid tidegate:read tidegate:submit",
        "groups": ["tidegate-client", "staff", "operator"],
        "preferred_username": "ann",
    }
    return _signed({**claims, **changes}, key, key_id, algorithm)


def pool_token(
    key: Any = RSA_KEY, key_id: str | None = "rsa", algorithm: str = "RS256", **changes: object
) -> str:
    """Returns an access token of a user pool. It names no audience; its scopes do."""
    claims = {
        "iss": POOL_ISSUER,
        "client_id": "people",
        "token_use": "access",
        "sub": "ann-1",
        "scope": "openid tidegate/read tidegate/submit",
        "cognito:groups": ["client"],
        "username": "ann",
    }
    return _signed({**claims, **changes}, key, key_id, algorithm)


def _signed(claims: Mapping[str, object], key: Any, key_id: str | None, algorithm: str) -> str:
    now = int(time.time())
    kept = {
        name: value for name, value in {"iat": now, "exp": now + 600, **claims}.items() if value is not None
    }
    headers = {"kid": key_id} if key_id else {}
    # The part of the library that signs any text, because the other one refuses to make some bad tokens.
    return jwt.api_jws.encode(json.dumps(kept).encode(), key, algorithm, headers)


def before(seconds: int) -> int:
    """Returns the time so many seconds ago, as a claim."""
    return int(time.time()) - seconds


def _text(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def with_head(head: bytes, whole: str) -> str:
    """Returns a token with another header, whose signature fits no more."""
    _, body, signature = whole.split(".")
    return f"{_text(head)}.{body}.{signature}"


def _by_the_public_key(whole: str) -> str:
    """Returns a token whose HMAC has the issuer's public key as its secret: a confusion of algorithms."""
    public = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = with_head(b'{"alg":"HS256","kid":"rsa"}', whole).rpartition(".")[0]
    return f"{text}.{_text(hmac.digest(public, text.encode(), 'sha256'))}"


def _with_other_claims(make: Make) -> str:
    head, _, signature = make().split(".")
    _, body, _ = make(sub="somebody-else").split(".")
    return f"{head}.{body}.{signature}"


def bad_tokens(make: Make) -> dict[str, Callable[[], str]]:
    """Returns what makes a token for each reason to refuse it, whichever issuer gives it.

    `make` signs the issuer's tokens. Each is made when it is needed, because some are bad for a minute only.
    """
    none = b'{"alg":"none","kid":"rsa"}'
    return {
        "forged": lambda: make(FORGER),
        "claims changed after it was signed": lambda: _with_other_claims(make),
        "no signature": lambda: f"{with_head(none, make()).rpartition('.')[0]}.",
        "signed with the public key": lambda: _by_the_public_key(make()),
        "a key of another kind": lambda: make(EC_KEY, "rsa", "ES256"),
        "an algorithm that is not taken": lambda: make(algorithm="RS512"),
        "an unknown key": lambda: make(key_id="other"),
        "no key's id": lambda: make(key_id=None),
        "expired": lambda: make(exp=before(60)),
        "without an end": lambda: make(exp=None),
        "another issuer": lambda: make(iss="https://issuer.example.com/other"),
        "no issuer": lambda: make(iss=None),
        "an ID token by its use": lambda: make(token_use="id"),
        "no token": lambda: "x.y.z",
        "half a token": lambda: make()[:100],
        "a header that nests too deep": lambda: with_head(b"[" * 4_000, make()),
        "a header that is no text": lambda: with_head(b"\xff\xfe", make()),
        "far too long": lambda: "x" * 10_001,
        "empty": str,
    }


def bad_tokens_of_the_issuer() -> dict[str, Callable[[], str]]:
    """Returns what makes each token that the authorizer of an issuer of one's own refuses."""
    return {
        **bad_tokens(token),
        "not yet good": lambda: token(nbf=before(-60)),
        "issued in the future": lambda: token(iat=before(-60)),
        "a list of issuers": lambda: token(iss=[ISSUER]),
        "another audience": lambda: token(aud="https://other.example.com"),
        "other audiences": lambda: token(aud=["a", "b"]),
        "no audience": lambda: token(aud=None),
        "no subject": lambda: token(sub=None),
        "an ID token by its nonce": lambda: token(nonce="n-1"),
        "an ID token by a hash": lambda: token(at_hash="h"),
        "an ID token by its type": lambda: token(typ="ID"),
        "a token that ends a sign-in": lambda: token(
            events={"http://schemas.openid.net/event/backchannel-logout": {}}
        ),
    }
