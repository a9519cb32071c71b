"""Checks that a request is signed with a key that this emulator knows.

The unpatched emulator checks the signatures of users' and sessions' keys only when it checks a permission. It accepts
the root key and a few other key ids as the root with any signature. Here every request's signature is checked, the root
key's too, and only the root key counts as the root.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_evaluator, responses, router, sigv4
from ministack.services import apigateway_v1, s3

from tidegate_devstack.gate import BodyCheck, Refusal, Request

_ALGORITHM = "AWS4-HMAC-SHA256"
_IN_QUERY = ("x-amz-algorithm", "x-amz-credential", "x-amz-signature", "awsaccesskeyid")
_NOT_HASHED = ("UNSIGNED-PAYLOAD", "STREAMING-")
_UNKNOWN_KEY = ("UnrecognizedClientException", "The security token included in the request is invalid.")
_UNSIGNED = ("MissingAuthenticationToken", "Missing Authentication Token")


class Refused(Exception):
    """A signature that is refused. `code` is AWS's error code for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request as signatures are checked. The values of a header that appears more than once are joined."""

    request: Request
    headers: Mapping[str, str]
    query: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, request: Request) -> _Asked:
        headers: dict[str, str] = {}
        for name, value in request.headers:
            key, text = name.decode("latin-1"), sigv4.decode_header_value(value)
            headers[key] = f"{headers[key]},{text}" if key in headers else text
        return cls(request, headers, parse_qs(request.query, keep_blank_values=True))

    @property
    def is_query_signed(self) -> bool:
        """True if the address has any part of a signature."""
        return any(name.lower() in _IN_QUERY for name in self.query)

    @property
    def token(self) -> str:
        """Returns the session token, "" without one."""
        return self.headers.get("x-amz-security-token") or self.first("X-Amz-Security-Token")

    def first(self, name: str) -> str:
        """Returns the first value of a parameter of the address, "" without one."""
        return (self.query.get(name) or [""])[0]


class Signatures:
    """The gate's guard. `access_key_id` with `secret` is the root key."""

    def __init__(self, access_key_id: str, secret: str) -> None:
        self._root = access_key_id
        self._secret = secret
        self._resolve_others = iam_evaluator.resolve_credential

    def install(self) -> None:
        """Has the emulator resolve the root key as this guard does."""
        # Patches ministack: `iam_evaluator.resolve_credential`, and the name under which `s3` imported it, because they
        # know the root key without its secret. S3 checks signatures in addresses itself, and needs the secret for that.
        iam_evaluator.resolve_credential = self._resolve
        s3.resolve_credential = self._resolve

    def _resolve(self, key: str, *more: Any, **named: Any) -> Any:
        if not iam_evaluator.is_root_access_key(key):
            return self._resolve_others(key, *more, **named)
        if key != self._root:
            return iam_evaluator.CredentialResolutionError(*_UNKNOWN_KEY)
        found = self._resolve_others(key, *more, **named)
        if isinstance(found, iam_evaluator.ResolvedCredential):
            return replace(found, secret_access_key=self._secret)
        return found

    def judge(self, request: Request) -> Refusal | BodyCheck:
        """Returns a refusal if the time, key or form of a request is wrong, else a check of its body."""
        asked = _Asked.of(request)
        if _is_for_all(asked):
            return lambda _body: None
        try:
            signature = _claimed(asked)
            secret = self._secret_of(signature.access_key_id, asked.token)
        except Refused as refused:
            return _answer(asked, b"", refused)

        def check(body: bytes) -> Refusal | None:
            try:
                _check(asked, body, signature, secret)
            except Refused as refused:
                return _answer(asked, body, refused)
            return None

        return check

    def _secret_of(self, key: str, token: str) -> str:
        try:
            owner = iam_evaluator.find_iam_access_key_account(key)
        except iam_evaluator.AmbiguousAccessKeyError:
            raise Refused(*_UNKNOWN_KEY) from None
        account = responses._account_from_sts_session(key) or owner or responses.get_account_id()
        found = self._resolve(key, account, token)
        if isinstance(found, iam_evaluator.CredentialResolutionError):
            raise Refused(found.code, found.message)
        return str(found.secret_access_key)


def _is_for_all(asked: _Asked) -> bool:
    """True for an unsigned call of an API method that needs no signature on AWS either.

    The method may have an authorizer. The emulator then asks that authorizer itself.
    """
    if asked.headers.get("authorization", "").startswith("AWS") or asked.is_query_signed:
        return False
    called = app._parse_execute_api_url(asked.headers["host"], asked.request.path)
    if called is None:
        return False
    stage, path = app._resolve_stage_and_path(*called)
    kind = app._execute_api_authorization_type(called[0], stage, asked.request.method, path)
    return kind is not None and kind != "AWS_IAM"


def _claimed(asked: _Asked) -> sigv4.HeaderSignature:
    """Returns the signature of a request. Raises Refused if there is none, or if its form or time is wrong."""
    signature = _parsed(asked)
    if "host" not in signature.signed_headers.split(";"):
        raise Refused("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    # The emulator reads the key id in its own way. If it found another one, it would mistake the caller.
    if router.extract_access_key_id(asked.headers, asked.query) != signature.access_key_id:
        raise Refused("IncompleteSignature", "The request names more than one access key.")
    if sigv4._amz_datetime(signature.amz_date) is None:
        raise Refused("IncompleteSignature", "X-Amz-Date must be like 20261128T120000Z.")
    if not asked.is_query_signed:
        failure = sigv4.request_time_failure(signature)
        if failure:
            raise Refused(*failure)
    elif _is_expired(signature, asked.first("X-Amz-Expires")):
        raise Refused("RequestExpired", "Request has expired")
    return signature


def _parsed(asked: _Asked) -> sigv4.HeaderSignature:
    authorization = asked.headers.get("authorization")
    if authorization is None and not asked.is_query_signed:
        raise Refused(*_UNSIGNED)
    if authorization is not None and asked.is_query_signed:
        raise Refused("IncompleteSignature", "Only one way of signing is allowed in a request.")
    algorithm = asked.first("X-Amz-Algorithm") if authorization is None else authorization.partition(" ")[0]
    if algorithm != _ALGORITHM:
        raise Refused("IncompleteSignature", f"Signatures are of {_ALGORITHM}.")
    found = (
        sigv4.parse_query_signature(asked.query)
        if authorization is None
        else sigv4.parse_header_signature(asked.headers)
    )
    if isinstance(found, tuple):
        raise Refused(*found)
    return found


def _is_expired(signature: sigv4.HeaderSignature, expires: str) -> bool:
    try:
        return bool(sigv4.presigned_request_is_expired(signature.amz_date, expires))
    except (ValueError, OverflowError):  # not a number, or not a possible time
        return True


def _check(asked: _Asked, body: bytes, signature: sigv4.HeaderSignature, secret: str) -> None:
    stated = asked.headers.get("x-amz-content-sha256", "")
    is_hashed = not (signature.service == "s3" and stated.startswith(_NOT_HASHED))
    if stated and is_hashed and stated != hashlib.sha256(body).hexdigest():
        raise Refused("XAmzContentSHA256Mismatch", "'x-amz-content-sha256' is not the hash of the body.")
    failure = sigv4.header_signature_failure(
        signature,
        secret,
        asked.request.method,
        asked.request.raw_path,
        asked.query,
        asked.headers,
        body,
        presigned=asked.is_query_signed,
    )
    if failure:
        raise Refused(*failure)


def _answer(asked: _Asked, body: bytes, refused: Refused) -> Refusal:
    """Returns the refusal in the format of the service that the request is for, so that its client can read it."""
    method, path, headers, query = asked.request.method, asked.request.path, asked.headers, asked.query
    error = iam_evaluator.AuthError(refused.code, refused.message)
    called = app._parse_execute_api_url(headers["host"], path)
    answer: Any = None
    if called is not None:
        stage, _ = app._resolve_stage_and_path(*called)
        answer = apigateway_v1.authentication_error_response(called[0], stage, error, headers, query)
    if answer is None:
        routing = app._routing_params(method, path, headers, body, query)
        # A form names its service in its body only, which was not read yet. All their clients read the same XML.
        is_form = not body and headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        service = "sts" if is_form else router.detect_service(method, path, headers, routing)
        answer = app._credential_failure(service, "", str(uuid.uuid4()), error, headers)
    status, answered, text = answer
    kinds = {name.lower(): value for name, value in answered.items()}
    content = text.encode() if isinstance(text, str) else text
    return Refusal(int(status), content, str(kinds.get("content-type", "application/json")))
