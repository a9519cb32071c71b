"""The API for bearer tokens exists only where it is wanted. Its gateway asks each route for the scope of its role."""

from __future__ import annotations

import re

import pytest

from tests.harness import template as support
from tests.harness.functions.route_table import sample_path
from tests.harness.functions.sign_in_gateway import OWN, POOL, method_of, paths_of
from tests.harness.template import Resolved, Transformed, rules
from tidegate.console.page import CALLBACK, config_from
from tidegate.contracts.route import Route
from tidegate.contracts.routes import ROUTES
from tidegate.domain.roles import Role, Scope
from tidegate_cli.sign_in import PORTS

OPEN = {("GET", "/v1/health"), ("GET", "/sign-in")}
FILES = {("GET", "/console"), ("GET", "/console/{proxy+}")}
"""The console's files, which hold nothing of the deployment."""


@pytest.fixture(scope="module")
def pool() -> Resolved:
    return Resolved(**POOL)


def kinds(template: Resolved) -> list[str]:
    return [str(spec["Type"]) for spec in template.resources.values()]


def _id(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", [route for route in ROUTES if route.role], ids=_id)
def test_the_gateway_asks_each_route_for_the_scope_of_its_role(pool: Resolved, route: Route) -> None:
    found = method_of(pool, route.method, sample_path(route))
    assert found
    assert route.role
    assert found["security"] == [{"token": [f"tidegate/{route.role.scope}"]}]
    assert found["x-amazon-apigateway-integration"]["uri"].endswith("<ApiFunction.Arn>/invocations")


@pytest.mark.parametrize("parameters", [POOL, OWN], ids=["pool", "own issuer"])
def test_every_method_that_reaches_the_api_s_function_asks_for_a_token(parameters: dict[str, str]) -> None:
    for path, methods in paths_of(Resolved(**parameters)).items():
        for method, operation in methods.items():
            assert method in ("delete", "get", "patch", "post", "put"), (
                "a method for any would be one for all scopes"
            )
            integration = operation["x-amazon-apigateway-integration"]
            kind = integration["type"]
            if (method.upper(), path) in OPEN:
                assert (kind, operation.get("security")) == ("mock", None)
            elif (method.upper(), path) in FILES:
                assert (kind, operation.get("security")) == ("aws_proxy", None)
                assert integration["uri"].endswith("<ConsoleFunction.Arn>/invocations")
            else:
                assert kind == "aws_proxy"
                assert [*operation["security"][0]] == ["token"]


def test_a_method_without_a_scope_would_take_id_tokens_so_each_has_one(pool: Resolved) -> None:
    asked = [
        scope
        for path, methods in paths_of(pool).items()
        for method, operation in methods.items()
        if (method.upper(), path) not in OPEN | FILES
        for scope in operation["security"][0]["token"] or [None]
    ]
    assert set(asked) == {f"tidegate/{scope}" for scope in Scope}


def test_the_default_has_none_of_it() -> None:
    default, wanted = Resolved(), Resolved(**POOL)
    assert not [kind for kind in kinds(default) if "Cognito" in kind]
    assert "SignInApi" not in default.resources
    assert "OAuthApiUrl" not in default.outputs
    assert {"OAuthApiUrl", "OAuthApiId", "UserPoolId", "SignInClientId"} <= wanted.outputs.keys()


def test_a_user_pool_needs_no_function_and_an_issuer_of_one_s_own_no_user_pool(pool: Resolved) -> None:
    own = Resolved(**OWN)
    assert "AuthorizerFunction" not in pool.resources
    assert not [kind for kind in kinds(own) if "Cognito" in kind]
    schemes = [
        each.properties("SignInApi")["DefinitionBody"]["components"]["securitySchemes"]["token"]
        for each in (pool, own)
    ]
    assert [each["x-amazon-apigateway-authtype"] for each in schemes] == ["cognito_user_pools", "custom"]
    assert schemes[0]["x-amazon-apigateway-authorizer"]["providerARNs"] == ["<People.Arn>"]
    authorizer = schemes[1]["x-amazon-apigateway-authorizer"]
    assert authorizer["identitySource"] == "method.request.header.Authorization"
    assert authorizer["authorizerResultTtlInSeconds"] <= 60


def test_the_function_is_told_that_claims_are_to_be_believed_by_this_api_alone(pool: Resolved) -> None:
    assert pool.properties("SignInApi")["Variables"]["callers"] == "oauth"
    assert pool.properties("Api")["Variables"].keys() == {"stack", "waits"}
    own = Resolved(**OWN).properties("SignInApi")["Variables"]
    assert (own["issuer"], own["audience"], own["client_id"]) == (
        OWN["OAuthIssuer"],
        OWN["OAuthAudience"],
        "people",
    )


def test_variables_of_the_stage_are_of_the_characters_that_a_gateway_takes() -> None:
    for parameters in (POOL, OWN):
        for value in Resolved(**parameters).properties("SignInApi")["Variables"].values():
            assert re.fullmatch(r"[A-Za-z0-9._~:/?#&=,<>-]+", value), value  # <…> stands for a resource


def test_nobody_signs_up_and_a_second_factor_is_everyones_choice(pool: Resolved) -> None:
    people = pool.properties("People")
    assert people["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert (people["MfaConfiguration"], people["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])
    assert Resolved(**POOL, DeletionProtection="true").properties("People")["DeletionProtection"] == "ACTIVE"


def test_the_client_is_public_and_takes_a_code_alone(pool: Resolved) -> None:
    client = pool.properties("SignInClient")
    assert (client["GenerateSecret"], client["AllowedOAuthFlows"]) == (False, ["code"])
    assert client["AllowedOAuthScopes"] == ["openid", *(f"tidegate/{scope}" for scope in Scope)]
    assert client["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"], (
        "no password goes past the sign-in page"
    )
    back = client["CallbackURLs"]
    assert [each for each in back if not each.startswith("https://")] == [
        f"http://localhost:{port}/" for port in PORTS
    ]


def test_scopes_and_groups_are_those_of_the_domain(pool: Resolved) -> None:
    server = pool.properties("SignInScopes")
    assert (server["Identifier"], [each["ScopeName"] for each in server["Scopes"]]) == (
        "tidegate",
        list(Scope),
    )
    groups = [
        spec["Properties"]["GroupName"]
        for spec in pool.resources.values()
        if spec["Type"] == "AWS::Cognito::UserPoolGroup"
    ]
    assert groups == list(Role)


def test_sign_in_costs_nothing_while_nobody_signs_in(pool: Resolved) -> None:
    """Machines use IAM: a client that authenticates itself is billed by the month."""
    clients = [spec for spec in pool.resources.values() if spec["Type"] == "AWS::Cognito::UserPoolClient"]
    assert len(clients) == 1
    assert "client_credentials" not in clients[0]["Properties"]["AllowedOAuthFlows"]
    assert "UserPoolAddOns" not in pool.properties("People")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, True),
        (POOL, True),
        (OWN, True),
        (OWN | {"OAuthAudience": ""}, False),
        (OWN | {"OAuthClientId": ""}, False),
        (OWN | {"OAuthIssuer": ""}, False),
        (OWN | {"OAuthApi": "false"}, False),
        (POOL | {"OAuthAudience": OWN["OAuthAudience"]}, False),
        (POOL | {"OAuthClientId": OWN["OAuthClientId"]}, False),
    ],
)
def test_an_issuer_of_one_s_own_comes_with_all_that_belongs_to_it(given: dict[str, str], kept: bool) -> None:
    template = Resolved(**given)
    failed = [
        each["AssertDescription"]
        for rule in rules().values()
        if template.resolve(rule["RuleCondition"])
        for each in rule["Assertions"]
        if not template.resolve(each["Assert"])
    ]
    assert (not failed) is kept, failed


@pytest.mark.parametrize("name", ["OAuthIssuer", "OAuthAudience", "OAuthClientId"])
def test_a_parameter_takes_what_a_variable_of_a_stage_takes(name: str) -> None:
    """Source: API Gateway stage variables, in its developer guide. Another value would fail in the deployment."""
    pattern, prefix = (
        support.parameters()[name]["AllowedPattern"],
        "https://x" if name == "OAuthIssuer" else "",
    )
    taken = {chr(code) for code in range(256) if re.fullmatch(pattern, prefix + chr(code))}
    assert taken <= set(re.findall(r"[A-Za-z0-9._~:/?#&=,-]", "".join(map(chr, range(128)))))
    assert re.fullmatch(pattern, OWN[name])
    assert re.fullmatch(pattern, "")


def test_parameters_of_sign_in_change_nothing_without_its_api() -> None:
    default = Resolved()
    for given in ({"OAuthApi": "false"}, OWN | {"OAuthApi": "false"}):
        without = Resolved(**given)
        assert without.resources == default.resources
        assert without.outputs == default.outputs


def test_sam_takes_both_forms() -> None:
    for parameters in (POOL, OWN):
        made = Transformed(**parameters)
        assert made.resources["SignInApi"]["Type"] == "AWS::ApiGateway::RestApi"


@pytest.mark.parametrize("parameters", [POOL, OWN], ids=["pool", "own issuer"])
def test_the_page_of_the_console_is_told_how_to_sign_in(parameters: dict[str, str]) -> None:
    variables = Resolved(**parameters).properties("SignInApi")["Variables"]
    told = config_from(variables)
    assert (told.stack, told.page_token) == ("tidegate-test", None)
    assert told.sign_in
    assert (told.sign_in.issuer, told.sign_in.client_id) == (variables["issuer"], variables["client_id"])
    assert told.sign_in.scopes == ("openid", *(f"tidegate/{scope}" for scope in Scope))


def test_the_console_comes_with_sign_in_alone(pool: Resolved) -> None:
    of_the_console = {name for name in pool.resources if name.startswith("Console")}
    assert of_the_console == {"ConsoleFunction", "ConsoleLogGroup", "ConsoleRole"}
    assert not of_the_console & Resolved().resources.keys()
    address, client = pool.outputs["ConsoleUrl"]["Value"], pool.properties("SignInClient")
    assert address.removesuffix("/") + CALLBACK in client["CallbackURLs"]
    assert client["LogoutURLs"] == [address]


def test_what_anyone_may_call_is_throttled_further(pool: Resolved) -> None:
    limits = {
        (each["HttpMethod"], each["ResourcePath"].replace("/~1", "/").replace("~1", "/")): (
            int(each["ThrottlingRateLimit"]),
            int(each["ThrottlingBurstLimit"]),
        )
        for each in pool.properties("SignInApi")["MethodSettings"]
    }
    assert limits.pop(("*", "/*")) == (100, 200)
    assert limits.pop(("GET", "/console/{proxy+}")) == (50, 100)  # a page comes with about ten files
    assert limits.pop(("POST", "/v1/forecast")) == (5, 10)
    assert limits == dict.fromkeys([*OPEN, ("GET", "/console"), ("POST", "/v1/workflows")], (10, 20))
