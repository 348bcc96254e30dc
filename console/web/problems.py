"""A problem as RFC 9457 has it: what the API answers with instead of a page, and its description."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import BaseModel, Field

from console.web.faster import Change


class FieldError(BaseModel):
    """One field of a request that is not as it must be."""

    field: str
    message: str


class Problem(BaseModel):
    """What went wrong, as RFC 9457 (application/problem+json) has it."""

    type: str = Field(default="about:blank")
    title: str
    status: int
    detail: str
    instance: str = Field(description="the request's id, as the audit log has it")
    errors: list[FieldError] = Field(default_factory=list, description="which fields, where that is what is wrong")


class ChangedProblem(Problem):
    """The same where it does not fit what is there now (409)."""

    changes: list[Change] = Field(description="who changed what in the meantime, and how it stands now, where known")


def _schema(model: type[Problem]) -> dict[str, Any]:
    """The schema of a problem in one piece: FastAPI puts it where references into it would lead nowhere."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})
    text = json.dumps(schema)
    for name, part in parts.items():
        text = text.replace(json.dumps({"$ref": f"#/$defs/{name}"}), json.dumps(part))
    whole: dict[str, Any] = json.loads(text)
    return whole


PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": said,
        "content": {"application/problem+json": {"schema": _schema(ChangedProblem if status == 409 else Problem)}},
    }
    for status, said in {
        400: "Not a request that can be read.",
        401: "Not signed in, or the session is over.",
        403: "The role may not do this, or the CSRF token is missing.",
        404: "There is no such thing, or none that you may know of.",
        409: "It was changed by somebody else in the meantime.",
        422: "Fields are not as they must be.",
        503: "The store is full, locked or away; nothing was done.",
    }.items()
}
