"""A guardrail that looks at questions and one that looks at answers."""

from fastapi import HTTPException
from litellm.integrations.custom_guardrail import CustomGuardrail, log_guardrail_information


def look(text):
    if "rude" in str(text):
        raise HTTPException(status_code=400, detail={"error": "rude"})


class Before(CustomGuardrail):
    @log_guardrail_information
    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        look(data.get("messages"))
        return data


class After(CustomGuardrail):
    @log_guardrail_information
    async def async_post_call_success_hook(self, data, user_api_key_dict, response):
        look(response)
        return response
