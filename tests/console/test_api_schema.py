"""The API keeps its own description whatever it is sent, by nobody and by everybody of each role (schemathesis)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from console.people.roles import ROLES
from console.settings import ConsoleSettings
from console.store.opening import Store
from console.web.app import create_app
from console.web.viewer import COOKIE, CSRF_HEADER
from tests.console.web.clients import KEYS, signed_in, stranger

# The description says of what form a value is; check digits, blank reasons and unknown words are refused all the same.
STRICTER = [positive_data_acceptance]
EXAMPLES = 2  # of each operation and role, beside what the description itself shows


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("role", ["nobody", *ROLES])
def test_every_operation_answers_as_it_says(role: Any, tmp_path: Path, empty_file: Path) -> None:
    """OWASP ASVS v5.0.0-4.1.1, v5.0.0-8.2.1: no request is answered by a fault or beyond what a role may do."""
    file = tmp_path / "cases.db"
    file.write_bytes(empty_file.read_bytes())
    store = Store.open(f"sqlite:///{file}")
    browser = stranger(store) if role == "nobody" else signed_in(store, role)
    app = create_app(ConsoleSettings(hosts=("localhost", "testserver")), store, KEYS)
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    headers = {CSRF_HEADER: browser.csrf}
    cookies = {COOKIE: browser.cookies[COOKIE]} if role != "nobody" else {}
    failures, operations = [], 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == "/api/session" and operation.method.upper() == "DELETE":
            continue  # it would end the session of all that follows
        operations += 1

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def called(case: Any) -> None:
            case.call_and_validate(headers=headers, cookies=cookies, excluded_checks=STRICTER)

        try:
            called()
        except (Exception, BaseExceptionGroup) as failure:
            failures.append(f"{operation.label}: {failure}")
    store.close()
    print(f"{role}: {operations} operations")
    assert not failures, "\n\n".join(failures)
    assert operations > 80


def test_every_reference_in_the_description_leads_somewhere(store: Store) -> None:
    description = stranger(store).get("/api/openapi.json").json()
    known = {f"#/components/schemas/{name}" for name in description["components"]["schemas"]}
    led = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(description)))
    assert led
    assert led <= known
