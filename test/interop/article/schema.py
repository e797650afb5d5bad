# Outputs that fail their validation as often as they are told. A validation takes 40 ms.
import time
from types import SimpleNamespace

ProcessedOutput = dict


class OutputValidationError(Exception):
    pass


def parse_output(raw_output: dict) -> dict:
    return raw_output


def validate_schema(candidate: dict) -> SimpleNamespace | None:
    time.sleep(0.04)
    if candidate["broken"] == 0:
        return None
    candidate["failed"].append(time.time())
    return SimpleNamespace(code="missing_field", field=None)


def apply_repair(raw_output: dict, error: SimpleNamespace) -> dict:
    return {**raw_output, "broken": raw_output["broken"] - 1}
