"""Checks that a request is signed with a key that this emulator knows.

The emulator by itself checks the signatures of users' and sessions' keys where it asks for a permission, and takes the
root key and a few other names for the root whatever the signature is. Here every signature counts, the root key's too,
and no other name is taken for the root.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_evaluator, responses, router, sigv4
from ministack.services import apigateway_v1, s3

from tidegate_cli.local_stack.gate import Refusal, Request

_ALGORITHM = "AWS4-HMAC-SHA256"
_IN_QUERY = ("x-amz-algorithm", "x-amz-credential", "x-amz-signature", "awsaccesskeyid")
_NOT_HASHED = ("UNSIGNED-PAYLOAD", "STREAMING-")
_UNKNOWN_KEY = ("UnrecognizedClientException", "The security token included in the request is invalid.")
_UNSIGNED = ("MissingAuthenticationToken", "Missing Authentication Token")


class Refused(Exception):
    """A signature that does not hold; `code` is AWS's word for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Signatures:
    """The gate's guard. `access_key_id` with `secret` is the root key."""

    def __init__(self, access_key_id: str, secret: str) -> None:
        self._root = access_key_id
        self._secret = secret
        self._resolve_others = iam_evaluator.resolve_credential

    def install(self) -> None:
        """Has the emulator know the root key as this guard does, for the signatures in addresses that S3 checks."""
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

    def before_body(self, request: Request) -> Refusal | None:
        """Refuses a request that can't hold whatever its body is; its time and its key are judged here."""
        if _is_for_all(request):
            return None
        try:
            self._claim(request)
        except Refused as refused:
            return _answer(request, b"", refused)
        return None

    def with_body(self, request: Request, body: bytes) -> Refusal | None:
        """Refuses a request with another signature than its key's."""
        if _is_for_all(request):
            return None
        try:
            signature, secret = self._claim(request)
            _check(request, body, signature, secret)
        except Refused as refused:
            return _answer(request, body, refused)
        return None

    def _claim(self, request: Request) -> tuple[sigv4.HeaderSignature, str]:
        """The signature that a request claims, and the secret it must have been made with. Raises Refused."""
        headers, query = _headers(request), _query(request)
        signature = _parsed(headers, query)
        if "host" not in signature.signed_headers.split(";"):
            raise Refused(
                "SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization."
            )
        # The emulator reads the key in its own way; it must not take another one for the caller.
        if router.extract_access_key_id(headers, query) != signature.access_key_id:
            raise Refused("IncompleteSignature", "The request names more than one access key.")
        _check_time(signature, query, presigned="authorization" not in headers)
        token = headers.get("x-amz-security-token") or _first(query, "X-Amz-Security-Token")
        return signature, self._secret_of(signature.access_key_id, token)

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


def _is_for_all(request: Request) -> bool:
    """True for an unsigned call of a method of the API that AWS would not ask a signature for either.

    What such a method asks for instead, if anything, is its authorizer's part.
    """
    headers, query = _headers(request), _query(request)
    if headers.get("authorization", "").startswith("AWS") or _is_query_signed(query):
        return False
    called = app._parse_execute_api_url(headers["host"], request.path)
    if called is None:
        return False
    stage, path = app._resolve_stage_and_path(*called)
    kind = app._execute_api_authorization_type(called[0], stage, request.method, path)
    return kind is not None and kind != "AWS_IAM"


def _parsed(headers: Mapping[str, str], query: Mapping[str, Sequence[str]]) -> sigv4.HeaderSignature:
    in_header, in_query = "authorization" in headers, _is_query_signed(query)
    if in_header and in_query:
        raise Refused("IncompleteSignature", "Only one way of signing is allowed in a request.")
    if in_header:
        if not headers["authorization"].startswith(f"{_ALGORITHM} "):
            raise Refused("IncompleteSignature", f"Signatures are of {_ALGORITHM}.")
        found = sigv4.parse_header_signature(headers)
    elif in_query:
        if _first(query, "X-Amz-Algorithm") != _ALGORITHM:
            raise Refused("IncompleteSignature", f"Signatures are of {_ALGORITHM}.")
        found = sigv4.parse_query_signature(query)
    else:
        raise Refused(*_UNSIGNED)
    if isinstance(found, tuple):
        raise Refused(*found)
    if found.region_set is not None:
        raise Refused("IncompleteSignature", f"Signatures are of {_ALGORITHM}.")
    return found


def _check_time(
    signature: sigv4.HeaderSignature, query: Mapping[str, Sequence[str]], *, presigned: bool
) -> None:
    if sigv4._amz_datetime(signature.amz_date) is None:
        raise Refused("IncompleteSignature", "X-Amz-Date must be like 20261128T120000Z.")
    if not presigned:
        failure = sigv4.request_time_failure(signature)
        if failure:
            raise Refused(*failure)
        return
    try:
        expired = sigv4.presigned_request_is_expired(signature.amz_date, _first(query, "X-Amz-Expires"))
    except ValueError:
        expired = True
    if expired:
        raise Refused("RequestExpired", "Request has expired")


def _check(request: Request, body: bytes, signature: sigv4.HeaderSignature, secret: str) -> None:
    headers, query = _headers(request), _query(request)
    stated = headers.get("x-amz-content-sha256", "")
    is_hashed = not (signature.service == "s3" and stated.startswith(_NOT_HASHED))
    if stated and is_hashed and stated != hashlib.sha256(body).hexdigest():
        raise Refused("XAmzContentSHA256Mismatch", "'x-amz-content-sha256' is not the hash of the body.")
    presigned = "authorization" not in headers
    failure = sigv4.header_signature_failure(
        signature, secret, request.method, request.raw_path, query, headers, body, presigned=presigned
    )
    if failure:
        raise Refused(*failure)


def _answer(request: Request, body: bytes, refused: Refused) -> Refusal:
    """The refusal in the words and the format of the service that was asked, so that its client can read it."""
    headers, query = _headers(request), _query(request)
    error = iam_evaluator.AuthError(refused.code, refused.message)
    called = app._parse_execute_api_url(headers["host"], request.path)
    answer: Any = None
    if called is not None:
        stage, _ = app._resolve_stage_and_path(*called)
        answer = apigateway_v1.authentication_error_response(called[0], stage, error, headers, query)
    if answer is None:
        routing = app._routing_params(request.method, request.path, headers, body, query)
        # Without its body, a form does not say which service it is for. All of them read the same XML.
        is_form = not body and headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        service = "sts" if is_form else router.detect_service(request.method, request.path, headers, routing)
        answer = app._credential_failure(service, "", str(uuid.uuid4()), error, headers)
    status, answered, text = answer
    kinds = {name.lower(): value for name, value in answered.items()}
    content = text.encode() if isinstance(text, str) else text
    return Refusal(int(status), content, str(kinds.get("content-type", "application/json")))


def _headers(request: Request) -> dict[str, str]:
    """The headers by name; values of one that stands more than once are joined as a signature joins them."""
    joined: dict[str, str] = {}
    for name, value in request.headers:
        key, text = name.decode("latin-1"), sigv4.decode_header_value(value)
        joined[key] = f"{joined[key]},{text}" if key in joined else text
    return joined


def _query(request: Request) -> dict[str, list[str]]:
    return parse_qs(request.query, keep_blank_values=True)


def _is_query_signed(query: Mapping[str, Sequence[str]]) -> bool:
    return any(name.lower() in _IN_QUERY for name in query)


def _first(query: Mapping[str, Sequence[str]], name: str) -> str:
    return (query.get(name) or [""])[0]
