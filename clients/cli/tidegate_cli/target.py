"""Finds the deployment that a command talks to, and the credentials for it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import boto3
import httpx
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from tidegate_cli import sign_in
from tidegate_cli.errors import OptionError, UsageError
from tidegate_cli.tokens import Tokens, read_tokens, renew_tokens
from tidegate_client.auth import Bearer
from tidegate_client.sigv4 import SigV4
from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.model import StackInfo, read_info
from tidegate_devstack.places import Places

API_URL_VARIABLE = "TIDEGATE_API_URL"
_AWS_HOST = re.compile(r"^https://[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.")


@dataclass(frozen=True, slots=True)
class Target:
    """An API and the credentials to call it with. `api_url` goes before `/v1/...`; `local` is set for the local stack.

    `credentials` is None where the user is signed in at the API, which then takes a bearer token. `aws_profile` is the
    AWS profile that was named for it, `name` the saved profile that it comes from. `tell` is called with the
    deployment's title after the first change there.
    """

    api_url: str
    region: str
    credentials: Credentials | None = field(repr=False)
    local: StackInfo | None = None
    aws_profile: str | None = None
    name: str | None = None
    tell: Callable[[str], None] | None = None

    @property
    def title(self) -> str:
        """Returns the name of the deployment for people."""
        if self.local is not None:
            return f"the local stack at {self.local.endpoint_url}"
        if self.credentials is None:
            return f"{f'{self.name}, ' if self.name else ''}{self.api_url} where you are signed in"
        signed = f" with AWS profile {self.aws_profile}" if self.aws_profile else ""
        named = f"{self.name}, " if self.name else ""
        return f"{named}{self.api_url} in {self.region}{signed}"

    def signer(self) -> httpx.Auth:
        """Returns the signer of requests. It asks for the credentials each time; those of a role are renewed.

        So are the tokens of a person who is signed in. A request raises UsageError if the credentials have ended.
        """
        if self.credentials is None:
            return Bearer(lambda: fresh_token(self.api_url))
        credentials = self.credentials
        return SigV4(self.region, credentials=lambda: _frozen(credentials))


def fresh_token(api_url: str) -> str:
    """Returns an access token for an API, renewed if it ends soon. Raises Ended, ApiUnreachable."""

    def renew(saved: Tokens) -> Tokens:
        with sign_in.http_for(api_url) as http:
            return sign_in.renew(saved, http, now=time.time())

    found = read_tokens(api_url)
    if found is not None and not found.are_fresh(time.time()):
        found = renew_tokens(api_url, renew, now=time.time())
    if found is None:
        raise UsageError(f"you are not signed in at {api_url}: `tidegate login --api-url {api_url}`")
    return found.access_token


def _frozen(credentials: Credentials) -> ReadOnlyCredentials:
    """Returns the credentials of this moment, renewed if they have ended. Raises UsageError if they can't be."""
    try:
        return credentials.get_frozen_credentials()
    except (BotoCoreError, ClientError, RuntimeError) as error:  # the last if renewed ones have ended too
        raise UsageError(f"no AWS credentials to sign with ({error}): log in again") from error


def aws_session(aws_profile: str | None, region: str | None) -> tuple[boto3.Session, Credentials]:
    """Returns a session of AWS, and its credentials.

    `aws_profile` and `region` choose them; None leaves the choice to the environment. Raises UsageError if the profile
    or the credentials are not there.
    """
    try:
        session = boto3.Session(profile_name=aws_profile, region_name=region)
    except ProfileNotFound as error:
        raise UsageError(
            f"{error}: name one of your AWS configuration, or log in with `aws sso login`"
        ) from error
    try:
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise UsageError(f"no AWS credentials can be read: {error}") from error
    if credentials is None:
        raise UsageError(
            "no AWS credentials found: set AWS_PROFILE, pass --aws-profile, or log in with `aws sso login`"
        )
    return session, credentials


def find_target(api_url: str | None, aws_profile: str | None, region: str | None) -> Target:
    """Returns the API that `api_url` or TIDEGATE_API_URL names, else the local stack if one is up.

    `aws_profile` and `region` choose AWS credentials and region. Raises UsageError if there is no API, or no
    credentials or region for it. Raises OptionError if a profile or a region is given for the local stack, which has
    its own.
    """
    local = recorded_stack()
    url = (api_url or os.environ.get(API_URL_VARIABLE) or "").rstrip("/").removesuffix("/v1")
    if local is not None and url in ("", local.api_url):
        refuse_aws_options(
            aws_profile,
            region,
            f"means nothing for the local stack at {local.endpoint_url}, which this talks to: leave it out, or name "
            f"the deployment that you mean with --api-url or {API_URL_VARIABLE}",
        )
        return local_target(local)
    if not url:
        raise UsageError(
            f"no API to talk to: start the local stack with `tidegate local up`, or name one with --api-url "
            f"or {API_URL_VARIABLE} (the stack's output ApiUrl)"
        )
    if not url.startswith(("https://", "http://")):
        raise UsageError(
            f"--api-url {url!r} is not a URL; it must begin with https://, and is the stack's output ApiUrl"
        )
    if aws_profile is None and read_tokens(url) is not None:
        return Target(url, region or "", None)
    session, credentials = aws_session(aws_profile, region)
    in_host = _AWS_HOST.match(url)
    own_region = os.environ.get("AWS_REGION") or session.region_name
    found_region = region or (in_host.group(1) if in_host else own_region)
    if not found_region:
        raise UsageError("no AWS region: pass --region or set AWS_REGION")
    return Target(url, found_region, credentials, aws_profile=aws_profile)


def refuse_aws_options(aws_profile: str | None, region: str | None, message: str) -> None:
    """Raises OptionError with `message` if --aws-profile or --region was given to a command that can't use them."""
    for name, value in (("--aws-profile", aws_profile), ("--region", region)):
        if value is not None:
            raise OptionError(name, message)


def local_target(info: StackInfo) -> Target:
    """Returns the local stack of `info` as a target, with the stack's own credentials."""
    return Target(
        info.api_url.rstrip("/"), info.region, Credentials(info.access_key_id, info.secret_access_key), info
    )


def recorded_stack() -> StackInfo | None:
    """Returns the local stack that is up according to its own record; None if there is no record."""
    try:
        return read_info(Places.find().stack_info)
    except LocalStackError:  # outside a checkout there is no local stack
        return None
