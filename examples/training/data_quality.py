"""What pandera finds in a table, as attributes and events of a span."""
import pandas as pd
import pandera.pandas as pa
from opentelemetry.trace import Span

SCHEMA = pa.DataFrameSchema({
    "client":  pa.Column(int, unique=True),
    "age":     pa.Column(float, pa.Check.in_range(18, 110), nullable=False),
    "visits":  pa.Column(int, pa.Check.ge(0)),
    "basket":  pa.Column(float, pa.Check.ge(0), nullable=False),
    "churned": pa.Column(int, pa.Check.isin([0, 1])),
}, name="churn_clients")


def check(span: Span, table: pd.DataFrame) -> pd.DataFrame:
    """Says on the span what the checks found, and returns the rows that passed all of them."""
    span.set_attribute("ml.data.suite",      SCHEMA.name)
    span.set_attribute("ml.data.rows",       len(table))
    span.set_attribute("ml.data.null_share", float(table.isna().to_numpy().mean()))
    span.set_attribute("ml.data.checks",     number_of_checks(SCHEMA))
    failed = pd.DataFrame(columns=["column", "check", "index"])
    try:
        SCHEMA.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        failed = errors.failure_cases
    # A row of failure_cases is a value; a check is one, however many values fail it.
    checks = failed[["column", "check"]].drop_duplicates()
    span.set_attribute("ml.data.checks_failed", len(checks))
    for column, name in checks.itertuples(index=False):
        span.add_event("ml.data.check_failed", {"check": name, "column": column})
    return table.drop(index=failed["index"].dropna().unique())


def number_of_checks(schema: pa.DataFrameSchema) -> int:
    """Those that are written, and for each column its type, whether it may have nulls, and whether it is unique."""
    return sum(len(c.checks) + 1 + (not c.nullable) + c.unique for c in schema.columns.values())
