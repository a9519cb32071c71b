"""A caller's namespace is the part of its name that no session changes."""

from __future__ import annotations

import pytest

from tidegate.domain.callers import NOBODY, CallerKind, caller_under, namespace_of, signed_in

ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("subject", "namespace"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/ann", f"arn:aws:iam::{ACCOUNT}:user/ann"),
        (f"arn:aws:iam::{ACCOUNT}:user/team/data/ann", f"arn:aws:iam::{ACCOUNT}:user/team/data/ann"),
        (f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Nightly/i-0a1b2c", f"arn:aws:iam::{ACCOUNT}:role/Nightly"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Nightly/ann@example.com", f"arn:aws:iam::{ACCOUNT}:role/Nightly"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Nightly", f"arn:aws:iam::{ACCOUNT}:role/Nightly"),
        (f"arn:aws:iam::{ACCOUNT}:role/Nightly", f"arn:aws:iam::{ACCOUNT}:role/Nightly"),
        (f"arn:aws:iam::{ACCOUNT}:role/service/batch/Nightly", f"arn:aws:iam::{ACCOUNT}:role/Nightly"),
        (
            f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ann@example.com",
            f"arn:aws:iam::{ACCOUNT}:role/AWSReservedSSO_Admin_0123456789abcdef",
        ),
        (
            f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef",
            f"arn:aws:iam::{ACCOUNT}:role/AWSReservedSSO_Admin_0123456789abcdef",
        ),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/ann", f"arn:aws:sts::{ACCOUNT}:federated-user/ann"),
        (f"arn:aws-us-gov:sts::{ACCOUNT}:assumed-role/R/s", f"arn:aws-us-gov:iam::{ACCOUNT}:role/R"),
        ("https://issuer.example/pool#1234", "https://issuer.example/pool#1234"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_namespace_leaves_out_what_a_session_chooses(subject: str, namespace: str) -> None:
    assert caller_under(subject).namespace == namespace
    assert namespace_of(namespace) == namespace


@pytest.mark.parametrize(
    ("name", "is_named"),
    [
        ("arn:aws:sts::1:assumed-role/Lead/zoe", True),
        ("arn:aws:iam::1:role/Lead", True),
        ("arn:aws:iam::1:role/team/data/Lead", True),
        ("arn:aws:sts::1:assumed-role/Lead/another", False),
        ("arn:aws:iam::2:role/team/data/Lead", False),
        ("arn:aws-cn:iam::1:role/team/Lead", False),
        ("arn:aws:iam::1:role/Lead/Other", False),
        ("arn:aws:iam::1:role/team/", False),
        ("arn:aws:iam::1:user/team/Lead", False),
        ("Lead", False),
        ("", False),
    ],
)
def test_a_role_s_own_arn_names_its_sessions_and_a_session_only_itself(name: str, is_named: bool) -> None:
    assert caller_under("arn:aws:sts::1:assumed-role/Lead/zoe").is_named_by(name) is is_named


def test_the_arn_of_a_user_names_the_user_with_its_path_alone() -> None:
    user = caller_under("arn:aws:iam::1:user/team/ann")
    assert user.is_named_by("arn:aws:iam::1:user/team/ann")
    assert not user.is_named_by("arn:aws:iam::1:user/ann")
    assert not user.is_named_by("arn:aws:iam::1:role/team/ann")


def test_roles_and_users_of_one_name_have_different_namespaces() -> None:
    names = ("iam::1:user/x", "iam::2:user/x", "sts::1:assumed-role/x/s", "sts::1:federated-user/x")
    assert len({namespace_of(f"arn:aws:{name}") for name in names}) == len(names)


@pytest.mark.parametrize(
    ("subject", "is_root"),
    [
        (f"arn:aws:iam::{ACCOUNT}:root", True),
        (f"arn:aws:iam::{ACCOUNT}:user/root", False),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/x/arn:aws:iam::{ACCOUNT}:root", False),
        (f"arn:aws:iam::{ACCOUNT}:user/x:root", False),
        ("", False),
    ],
)
def test_only_the_account_itself_is_root(subject: str, is_root: bool) -> None:
    assert caller_under(subject).is_root is is_root


def test_no_request_passes_for_code_without_one() -> None:
    assert NOBODY.kind is CallerKind.PROGRAM
    assert caller_under(None) != NOBODY
    assert caller_under(None).kind is CallerKind.IAM


@pytest.mark.parametrize(
    ("subject", "display"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/team/ann", "ann"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Nightly/today", "today"),
        ("ann", "ann"),
        ("", "client"),
        (None, "client"),
    ],
)
def test_the_last_part_of_the_arn_is_shown(subject: str | None, display: str) -> None:
    caller = caller_under(subject)
    assert (caller.subject, caller.display, caller.kind) == (subject or "", display, CallerKind.IAM)


ISSUER = "https://issuer.example/pool"


@pytest.mark.parametrize("display", ["Ann", "ann@example.com", "Änn O'Hara", "李四"])
def test_a_person_with_a_token_is_shown_by_name(display: str) -> None:
    caller = signed_in(ISSUER, "1234", display=f" {display} ")
    assert caller is not None
    assert (caller.subject, caller.display, caller.kind) == (f"{ISSUER}#1234", display, CallerKind.OAUTH)
    assert caller_under(caller.subject).namespace == caller.namespace


@pytest.mark.parametrize(
    "display", ["", "  ", "ann:\tby hand", "a\nb", "\u202enna", "a\u200bnn", "\x1b[31mann", "\0"]
)
def test_a_name_that_would_mislead_a_reader_is_not_shown(display: str) -> None:
    caller = signed_in(ISSUER, "1234", display=display)
    assert caller is not None
    assert caller.display == "1234"


def test_a_name_is_bounded() -> None:
    caller = signed_in(ISSUER, "1234", display="x" * 5_000)
    assert caller is not None
    assert len(caller.display) == 128


@pytest.mark.parametrize(
    ("issuer", "sub"),
    [
        ("", "1"),
        (ISSUER, ""),
        ("http://issuer.example", "1"),
        ("https://issuer.example/#a", "1"),
        (ISSUER + "/" * 256, "1"),
        (ISSUER, "x" * 256),
        (ISSUER, "a b"),
        (ISSUER, "a\nb"),
        (ISSUER, "änn"),
        ("arn:aws:iam::123456789012:root", "1"),
        ("https://a\narn:aws:iam::123456789012:root", "1"),
    ],
)
def test_claims_that_name_nobody_make_no_caller(issuer: str, sub: str) -> None:
    assert signed_in(issuer, sub) is None


def test_the_same_subject_of_two_issuers_is_two_callers() -> None:
    pairs = [
        (ISSUER, "1"),
        (f"{ISSUER}/", "1"),
        ("https://other.example", "1"),
        (ISSUER, "1#1"),
        (ISSUER, "#1"),
    ]
    callers = [signed_in(issuer, sub) for issuer, sub in pairs]
    assert len({caller.namespace for caller in callers if caller}) == len(pairs)
    assert not [caller for caller in callers if caller and caller.is_root]


@pytest.mark.parametrize(
    "sub", [f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:sts::{ACCOUNT}:assumed-role/Nightly/x"]
)
def test_a_subject_that_is_spelled_as_an_arn_is_no_caller_of_iam(sub: str) -> None:
    caller = signed_in(ISSUER, sub)
    assert caller is not None
    assert (caller.kind, caller.namespace, caller.is_root) == (CallerKind.OAUTH, f"{ISSUER}#{sub}", False)
    assert caller_under(caller.subject).kind is CallerKind.OAUTH
