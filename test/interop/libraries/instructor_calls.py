"""Instructor, which asks again until the answer fits, under OpenInference with the OpenAI client below it."""

import instructor
import openai
import pydantic
from openinference.instrumentation.instructor import InstructorInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

import spans
from standin import StandIn

InstructorInstrumentor().instrument(tracer_provider=spans.provider)
OpenAIInstrumentor().instrument(tracer_provider=spans.provider)


class Legs(pydantic.BaseModel):
    legs: int


server = StandIn()
client = instructor.from_openai(openai.OpenAI(base_url=server.url, api_key="none", max_retries=0))
question = [{"role": "user", "content": "How many legs has a cat?"}]
for attempts in 1, 2, 3:
    server.answers = [{"Legs": {"legs": "many"}}] * (attempts - 1) + [{"Legs": {"legs": 4}}]
    client.chat.completions.create(model="small", messages=question, response_model=Legs, max_retries=3)
spans.done(revalidated=2, validations=1 + 2 + 3, **spans.served(server))
