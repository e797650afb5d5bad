"""Guardrails AI: a guard for each action on failure, whose model's first answer fails, and one whose answer passes."""

import logging

import spans
from standin import StandIn

from guardrails import Guard, OnFailAction
from guardrails.validators import FailResult, PassResult, Validator, register_validator

logging.disable(logging.WARNING)


@register_validator(name="local/polite", data_type="string")
class Polite(Validator):
    def _validate(self, value, metadata):
        if "rude" in value:
            return FailResult(error_message="rude", fix_value=value.replace("rude", "kind"))
        return PassResult()


servers, failed = [], 0
for action, answers in [(action, ("a rude answer", "a kind answer")) for action in (
    "fix", "exception", "noop", "refrain", "filter", "reask", "fix_reask")] + [("exception", ("a kind answer",))]:
    server = StandIn(*answers)
    servers.append(server)
    guard = Guard().use(Polite(on_fail=OnFailAction[action.upper()]))
    try:
        guard(model="openai/small", api_base=server.url, api_key="none", messages=[{"role": "user", "content": "hello"}], num_reasks=1)
    except Exception as e:
        assert action == "exception", e
    failed += "rude" in answers[0]
spans.done(revalidated=failed, **spans.served(*servers))
