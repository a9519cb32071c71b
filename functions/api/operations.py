"""The routes of operators: pools, job types, and the rules that hold them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from tidegate.bootstrap import ApiDeps
from tidegate.contracts.operations import pool_out, type_out
from tidegate.contracts.wire import read_type_limit
from tidegate.domain.rules import DispatchRules
from tidegate.usecases import set_rules, status

_Answer = Response[str]
_Set = Callable[..., DispatchRules]


@dataclass(frozen=True, slots=True)
class OperatorRoutes:
    """Handlers over what every route of the API shares: its world, its way to answer, the body and the caller."""

    deps: Callable[[], ApiDeps]
    answer: Callable[[HTTPStatus, dict[str, Any]], _Answer]
    body: Callable[[], str]
    caller: Callable[[], str]

    def add_to(self, app: APIGatewayRestResolver, refuse_other_methods: Callable[..., None]) -> None:
        """Registers the routes, and refuses other methods on their paths."""
        routes: tuple[tuple[str, str, Callable[..., _Answer]], ...] = (
            ("GET", "/v1/pools", self.list_pools),
            ("GET", "/v1/pools/<pool>", self.get_pool),
            ("POST", "/v1/pools/<pool>/pause", self.pause_pool),
            ("POST", "/v1/pools/<pool>/resume", self.resume_pool),
            ("GET", "/v1/types", self.list_types),
            ("GET", "/v1/types/<job_type>", self.get_type),
            ("POST", "/v1/types/<job_type>/pause", self.pause_type),
            ("POST", "/v1/types/<job_type>/resume", self.resume_type),
            ("PUT", "/v1/types/<job_type>/limit", self.limit_type),
        )
        for method, rule, handler in routes:
            app.route(rule, method=method)(handler)
            refuse_other_methods(rule, method)

    def list_pools(self) -> _Answer:
        """Every pool with its load."""
        deps = self.deps()
        found = status.pool_statuses(deps.services, deps.services.rules.load(), now_ms=deps.clock.now_ms())
        return self.answer(HTTPStatus.OK, {"pools": [self._pool_view(each) for each in found]})

    def get_pool(self, pool: str) -> _Answer:
        """One pool with its load."""
        status.check_pool(self.deps().services, pool)
        return self._pool_answer(pool, self.deps().services.rules.load())

    def pause_pool(self, pool: str) -> _Answer:
        """Nothing more is dispatched in a pool."""
        return self._pool_answer(pool, self._set(set_rules.pause_pool, pool))

    def resume_pool(self, pool: str) -> _Answer:
        """Jobs are dispatched in a pool again."""
        return self._pool_answer(pool, self._set(set_rules.resume_pool, pool))

    def list_types(self) -> _Answer:
        """Every job type with what holds for it."""
        services = self.deps().services
        found = status.type_statuses(services, services.rules.load())
        return self.answer(HTTPStatus.OK, {"types": [_type_view(each) for each in found]})

    def get_type(self, job_type: str) -> _Answer:
        """One job type with what holds for it."""
        status.check_type(self.deps().services, job_type)
        return self._type_answer(job_type, self.deps().services.rules.load())

    def pause_type(self, job_type: str) -> _Answer:
        """No more jobs of a type are dispatched."""
        return self._type_answer(job_type, self._set(set_rules.pause_type, job_type))

    def resume_type(self, job_type: str) -> _Answer:
        """Jobs of a type are dispatched again."""
        return self._type_answer(job_type, self._set(set_rules.resume_type, job_type))

    def limit_type(self, job_type: str) -> _Answer:
        """How many jobs of a type run at once."""
        limit = read_type_limit(self.body())
        return self._type_answer(job_type, self._set(set_rules.limit_type, job_type, limit))

    def _set(self, change: _Set, *arguments: object) -> DispatchRules:
        deps = self.deps()
        return change(deps.services, *arguments, actor=self.caller(), now_ms=deps.clock.now_ms())

    def _pool_answer(self, pool: str, rules: DispatchRules) -> _Answer:
        deps = self.deps()
        found = status.pool_status(deps.services, pool, rules, now_ms=deps.clock.now_ms())
        return self.answer(HTTPStatus.OK, self._pool_view(found))

    def _type_answer(self, job_type: str, rules: DispatchRules) -> _Answer:
        found = status.type_status(self.deps().services, job_type, rules)
        return self.answer(HTTPStatus.OK, _type_view(found))

    def _pool_view(self, found: status.PoolStatus) -> dict[str, Any]:
        load = asdict(found.load)
        del load["pool"]  # its name stands there already
        return pool_out(
            found.pool,
            window=self.deps().services.settings.window,
            load=load,
            paused=found.paused,
            paused_change=found.paused_change,
        )


def _type_view(found: status.TypeStatus) -> dict[str, Any]:
    return type_out(found.type, found.rule, found.paused_change, found.limit_change)
