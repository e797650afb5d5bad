"""Great Expectations checks a table, and its result goes onto a span as examples/training shows it."""

import pathlib
import sys

import great_expectations as gx
import pandas as pd

import spans

sys.path.append(str(pathlib.Path(__file__).parents[3] / "examples/training"))
from great_expectations_result import report  # noqa: E402

context = gx.get_context(mode="ephemeral")
batch = context.data_sources.add_pandas("files").add_dataframe_asset("orders").add_batch_definition_whole_dataframe("all")
suite = context.suites.add(gx.ExpectationSuite(name="orders"))
for expectation in (
    gx.expectations.ExpectTableRowCountToBeBetween(min_value=1),
    gx.expectations.ExpectColumnToExist(column="id"),
    gx.expectations.ExpectColumnValuesToBeUnique(column="id"),                    # fails
    gx.expectations.ExpectColumnValuesToNotBeNull(column="amount"),               # fails
    gx.expectations.ExpectColumnValuesToBeBetween(column="amount", min_value=0),  # fails
    gx.expectations.ExpectColumnToExist(column="currency"),                       # fails
):
    suite.add_expectation(expectation)
table = pd.DataFrame({"id": [1, 2, 2, 4, 5], "amount": [10.0, None, -5.0, 7.5, None]})
tracer = spans.trace.get_tracer("checks")
with tracer.start_as_current_span("data-validation") as span:
    result = gx.ValidationDefinition(data=batch, suite=suite, name="nightly").run(batch_parameters={"dataframe": table})
    report(span, result.to_json_dict())
spans.done(checks=6, failedChecks={
    "expect_column_values_to_be_unique id": 1, "expect_column_values_to_not_be_null amount": 1,
    "expect_column_values_to_be_between amount": 1, "expect_column_to_exist currency": 1,
}, rows=len(table), nullShare=2 / 10)
