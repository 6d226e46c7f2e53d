"""A client that knows nothing but the published description finds nothing that is not as described."""

import csv
import io
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from dpp.adapters.simulation import SimulatedOrganisation, Size
from dpp.entrypoints.http.app import create
from dpp.entrypoints.http.parts import Parts
from dpp.entrypoints.http.query_names import query_names
from tests.support.postgres import TestServer
from tests.support.running import RunningPlatform, platform

pytestmark = pytest.mark.xdist_group("openapi")

DOCUMENT_PATH = "/api/v1/openapi/openapi.json"
WEEKS = 3
EXAMPLES = 8
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
ALWAYS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "allow_header_conformance",
)


def not_started() -> AbstractAsyncContextManager[Parts]:
    """Stand in for the parts of an application that only describes itself."""
    raise AssertionError("nothing is asked")


APP = create(not_started)
DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(APP.openapi_schema.to_schema()))
OPERATIONS = [(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item]
#: What only people have, and a key is refused: `tests/unit/entrypoints/http/test_people.py` asks for it.
OF_PEOPLE = ("/api/v1/sessions",)
READING = [path for method, path in OPERATIONS if method == "GET" and path not in OF_PEOPLE]


def checks_of(*names: str) -> list[Any]:
    """Return the client's checks of these names."""
    load_all_checks()
    return list(CHECKS.get_by_names([*names]))


@dataclass
class Api:
    """A running platform with some weeks of history, and the client's reading of its description."""

    running: RunningPlatform
    schema: Any

    def headers(self) -> dict[str, str]:
        """Return the proof of who is asking."""
        return {"authorization": f"Bearer {self.running.key}"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer) -> Iterator[Api]:
    """Yield a platform whose tables are not empty."""
    began = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(weeks=WEEKS)
    organisation = SimulatedOrganisation(3, start=began, weeks=WEEKS, size=Size.SMALL)
    with (
        postgres_server.database(template=postgres_server.template) as url,
        platform(tmp_path_factory.mktemp("openapi"), url, configuration=organisation.configuration_toml()) as running,
        running.client() as client,
    ):
        assert [] == running.send(organisation.deliveries())
        running.wait_until_settled()
        schema = schemathesis.openapi.from_dict(client.get(DOCUMENT_PATH).json())
        schema.config.update(base_url=running.address())
        yield Api(running, schema)


def as_meant(case: Case[Any]) -> Case[Any]:
    """Keep what the description says and a schema cannot: times in order, days to come, streams, 1 not 1.0."""
    if "by_date" in case.query:
        case.query["by_date"] = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    for item in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(item, dict):
            for name in ("pr_number", "pace_score", "tooling_score", "clarity_score"):
                if isinstance(number := item.get(name), float):
                    item[name] = int(number)
            if "delivery_stream" in item:
                item["delivery_stream"] = "payments"
            if item.get("started_at") and item.get("completed_at"):
                item["started_at"] = item["completed_at"]
    return case


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda part: part.removeprefix("/api/v1"))
def test_every_answer_is_as_described(api: Api, method: str, path: str, mode: GenerationMode) -> None:
    """No answer has a status, a type, a header or a body that is not described; none tells of a fault of ours.

    What the description allows is accepted, and what it does not allow is refused.
    """
    is_positive = mode is GenerationMode.POSITIVE
    extra = "positive_data_acceptance" if is_positive else "negative_data_rejection"
    checks = checks_of(*ALWAYS, extra)

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(case=api.schema[path][method].as_strategy(generation_mode=mode))
    def run(case: Case[Any]) -> None:
        meant = as_meant(case) if is_positive else case
        meant.call_and_validate(headers=api.headers(), checks=checks)

    run()


@pytest.mark.parametrize("path", READING, ids=lambda path: path.removeprefix("/api/v1"))
def test_every_table_is_there_and_nothing_is_without_a_key(api: Api, path: str) -> None:
    """Each table that is named comes as CSV of one width; without a key there is nothing, and a known answer is 304."""
    described = DOCUMENT["paths"][path]["get"]["parameters"]
    parameters = {row["name"]: row["schema"] for row in described}
    path = path.format(**{row["name"]: row["schema"]["enum"][0] for row in described if row["in"] == "path"})
    with api.running.client() as client:
        for table in parameters["table"]["enum"]:
            answer = client.get(path, params={"table": table})
            assert (200, "text/csv; charset=utf-8") == (answer.status_code, answer.headers["content-type"]), answer.text
            header, *rows = csv.reader(io.StringIO(answer.text, newline=""), strict=True)
            assert len(header) == len(set(header))
            assert {len(header)} == {len(header), *map(len, rows)}
        first = client.get(path, params={"as_of": "2026-03-01T09:00:00Z"} if "as_of" in parameters else {})
        again = client.get(first.request.url, headers={"if-none-match": first.headers["etag"]})
        assert (200, 304, b"") == (first.status_code, again.status_code, again.content)
        del client.headers["authorization"]
        assert 401 == client.get(first.request.url, headers={"if-none-match": first.headers["etag"]}).status_code


def test_some_tables_have_rows(api: Api) -> None:
    """What is described is tried on figures, and not on empty lists alone."""
    with api.running.client() as client:
        for path, table in (("realtime", "cycle_time_scatter"), ("realtime", "stages"), ("trends", "series")):
            assert 2 < len(client.get(f"/api/v1/metrics/{path}", params={"table": table}).text.splitlines())


def test_the_description_is_the_one_that_is_published(api: Api) -> None:
    """Whatever process describes the API, it says the same."""
    with api.running.client() as client:
        assert DOCUMENT == client.get(DOCUMENT_PATH).json()


def test_every_route_is_described_with_all_that_it_reads() -> None:
    """Parameters that a route takes from the query are those described, and every status has its envelope."""
    for route in APP.routes:
        item = DOCUMENT["paths"].get(getattr(route, "path_format", ""))
        for handler in getattr(route, "route_handlers", ()) if item else ():
            for method in handler.http_methods & {"GET"}:
                described = {row["name"] for row in item[method.lower()].get("parameters", []) if row["in"] == "query"}
                assert described == query_names(handler), route.path
    for method, path in OPERATIONS:
        operation = DOCUMENT["paths"][path][method.lower()]
        assert operation["description"]
        assert {"400", "401", "403", "422", "429", "503"} <= set(operation["responses"]), path
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert {"$ref": "#/components/schemas/Failure"} == answer["content"]["application/json"]["schema"]
            elif status != "304":
                assert "$ref" in answer["content"]["application/json"]["schema"], (path, status)
        for proof in operation.get("security", DOCUMENT["security"]):
            assert set(proof) <= set(DOCUMENT["components"]["securitySchemes"])


@given(st.sampled_from([(method, path) for method, path in OPERATIONS if "{" not in path]))
@settings(max_examples=3)
def test_the_client_finds_what_is_wrong(operation: tuple[str, str]) -> None:
    """An answer with a status that nobody described is a failure, so that silence means something."""
    method, path = operation
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.config.update(base_url="http://127.0.0.1:1")
    case = schema[path][method].Case()
    response = schemathesis.Response(
        status_code=418,
        headers={"content-type": ["application/json"]},
        content=b"{}",
        request=requests.Request(method, "http://127.0.0.1:1/").prepare(),
        elapsed=0,
        verify=False,
    )
    with pytest.raises(FailureGroup):
        case.validate_response(response, checks=checks_of("status_code_conformance"))
