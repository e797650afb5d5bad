"""What a valid output is, and how one that is not is repaired."""
import json
from typing import Any, NamedTuple


class SchemaError(NamedTuple):
    code: str
    field: str | None = None


def parse_output(raw_output: str) -> Any:
    try:
        return json.loads(raw_output)
    except json.JSONDecodeError:
        return None


def validate_schema(candidate: Any) -> SchemaError | None:
    if not isinstance(candidate, dict):
        return SchemaError("truncated_json")
    for field in ("items", "model"):
        if not candidate.get(field):
            return SchemaError("missing_field", field)
    return None


def apply_repair(raw_output: str, error: SchemaError) -> str:
    """Closes what was cut after the last whole item, and fills in a model's name. Items are not made up."""
    if error.code == "truncated_json":
        whole, found, _ = raw_output.rpartition("}")
        return whole + found + "]}" if found else '{"items": []}'
    candidate = json.loads(raw_output)
    if error.field == "model":
        candidate["model"] = "unknown"
    return json.dumps(candidate)
