"""The caller is read from the request in one place."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tests.harness.functions.api_calls import ANN
from tidegate.api.caller import caller_of
from tidegate.domain.callers import Caller, CallerKind


@pytest.mark.parametrize(
    ("arn", "subject", "display"),
    [
        (ANN, ANN, "ann@example.com"),
        ("arn:aws:iam::123456789012:user/team/bob", "arn:aws:iam::123456789012:user/team/bob", "bob"),
        ("", "", "client"),
        (None, "", "client"),
    ],
)
def test_the_whole_arn_is_the_subject_and_its_last_part_is_shown(
    arn: str | None, subject: str, display: str
) -> None:
    event = {"requestContext": {"identity": {"userArn": arn}}}
    router = cast(BaseRouter, SimpleNamespace(current_event=event))
    assert caller_of(router) == Caller(subject, display, CallerKind.IAM, frozenset())
