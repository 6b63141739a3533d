"""Checks that Python clients work with the gateway after a change of only their base URL and key."""

import json
import sys

import groq
import openai

SETTINGS = json.load(sys.stdin)
BASE_URL = SETTINGS["baseUrl"]
MODEL = "openai/gpt-oss-20b"
MESSAGES = [{"role": "user", "content": "Hello"}]
TOOL = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
UNKNOWN_KEY = f"grk_test_{'0' * 12}_{'A' * 43}"


def key(team):
    return SETTINGS["teams"][team]["key"]


def client(library, api_key, **more):
    if library is groq:
        return groq.Groq(api_key=api_key, base_url=BASE_URL, **more)
    return openai.OpenAI(api_key=api_key, base_url=f"{BASE_URL}/openai/v1", **more)


def chats(library):
    answer = client(library, key("roomy")).chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=20)
    assert "fake Groq" in answer.choices[0].message.content
    assert answer.usage.completion_tokens == 20


def streams(library):
    stream = client(library, key("roomy")).chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "fake Groq" in text


def calls_tools(library):
    answer = client(library, key("roomy")).chat.completions.create(model=MODEL, messages=MESSAGES, tools=[TOOL])
    assert json.loads(answer.choices[0].message.tool_calls[0].function.arguments) == {"city": "fake"}


def supports_json_mode(library):
    answer = client(library, key("roomy")).chat.completions.create(
        model=MODEL, messages=MESSAGES, response_format={"type": "json_object"}
    )
    assert json.loads(answer.choices[0].message.content) == {"answer": "fake"}


def lists_models(library):
    roomy = client(library, key("roomy"))
    assert MODEL in [model.id for model in roomy.models.list().data]
    assert roomy.models.retrieve(MODEL).id == MODEL


def raises(library, error_class, status, api_key, **more):
    request = {"model": MODEL, "messages": MESSAGES, **more}
    try:
        client(library, api_key, max_retries=0).chat.completions.create(**request)
    except error_class as error:
        assert error.status_code == status, f"{error.status_code} instead of {status}"
        assert error.response.headers["x-request-id"]
        return
    raise AssertionError(f"{error_class.__name__} was expected")


def raises_each_error(library):
    raises(library, library.AuthenticationError, 401, UNKNOWN_KEY)
    raises(library, library.PermissionDeniedError, 403, key("roomy"), model="qwen/qwen3.6-27b")
    raises(library, library.NotFoundError, 404, key("roomy"), model="nothing")
    raises(library, library.BadRequestError, 400, key("roomy"), n=2)
    raises(library, library.APIStatusError, 402, key("broke"))
    raises(library, library.InternalServerError, 503, key("roomy"), messages=[{"role": "user", "content": "[fault:500]"}])
    client(library, key("slow" if library is groq else "slow-too")).chat.completions.create(model=MODEL, messages=MESSAGES)
    raises(library, library.RateLimitError, 429, key("slow" if library is groq else "slow-too"))


def does_not_retry_a_budget_refusal(library):
    # With the default retry settings, so that a retry would show up in the header.
    try:
        answer = client(library, key("broke")).chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES)
    except library.APIStatusError as error:
        assert error.status_code == 402
        assert error.request.headers.get("x-stainless-retry-count", "0") == "0"
        return
    raise AssertionError(f"402 was expected, not {answer.status_code}")


CHECKS = [
    chats,
    streams,
    calls_tools,
    supports_json_mode,
    lists_models,
    raises_each_error,
    does_not_retry_a_budget_refusal,
]

failed = 0
for library in (groq, openai):
    for check in CHECKS:
        try:
            check(library)
            print(f"ok      {library.__name__} {library.__version__} {check.__name__}")
        except Exception as error:  # Any failure is reported under the name of its check.
            failed += 1
            print(f"FAILED  {library.__name__} {library.__version__} {check.__name__}: {type(error).__name__}: {error}")
sys.exit(1 if failed else 0)
