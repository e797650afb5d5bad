"""What Great Expectations found in a table, as attributes and events of a span: the same as data_quality.py has of pandera."""
from typing import Any

from opentelemetry.trace import Span


def report(span: Span, result: dict[str, Any]) -> None:
    """result is what ValidationDefinition.run() returned, as to_json_dict() gives it."""
    statistics = result["statistics"]
    span.set_attribute("ml.data.suite",         result["suite_name"])
    span.set_attribute("ml.data.checks",        statistics["evaluated_expectations"])
    span.set_attribute("ml.data.checks_failed", statistics["unsuccessful_expectations"])
    for one in result["results"]:
        if not one["success"]:
            config = one["expectation_config"]
            span.add_event("ml.data.check_failed", {"check": config["type"], "column": config["kwargs"].get("column", "")})
    # The expectations about a column's values say how many there are, and how many of them are missing.
    columns = {one["expectation_config"]["kwargs"]["column"]: one["result"] for one in result["results"] if "missing_count" in one["result"]}
    if columns:
        values = sum(column["element_count"] for column in columns.values())
        span.set_attribute("ml.data.rows",       max(column["element_count"] for column in columns.values()))
        span.set_attribute("ml.data.null_share", sum(column["missing_count"] for column in columns.values()) / max(values, 1))
