"""Errors -> an HTTP status and one line of JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from project.serve.batching import UnavailableError
from project.serve.schema import FIELDS, Failure

LINE = 300  # maximum characters: a message may quote the request
RETRY = {"Retry-After": "1"}  # seconds

# as listed in the OpenAPI document
FAILURES: dict[int | str, dict[str, Any]] = {
    400: {"model": Failure, "description": "The body is not JSON, or not UTF-8."},
    401: {"model": Failure, "description": "The server has a key: send it as Authorization: Bearer KEY."},
    408: {"model": Failure, "description": "The body did not arrive in time."},
    413: {"model": Failure, "description": "The body is too large."},
    415: {"model": Failure, "description": "The body is not declared as application/json, or is compressed."},
    422: {"model": Failure, "description": "A text or a field is wrong."},
    503: {"model": Failure, "description": "Too busy, or the model hangs; try again after Retry-After seconds."},
}


def failure(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the JSON response, with `message` on one line."""
    line = " ".join(message.encode("utf-8", "replace").decode().split())  # it may quote half of a surrogate pair
    return JSONResponse({"error": line[:LINE]}, status, headers)


def add_failures(api: FastAPI) -> None:
    """Give the errors of all routes the same form."""

    @api.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:
            return failure(400, "the body is not valid JSON in UTF-8")
        return failure(error.status_code, f"{request.method} {request.url.path}: {error.detail}", error.headers)

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return failure(415, "send JSON with the header Content-Type: application/json")
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return failure(400, f"the body is not JSON: {first['ctx']['error']} at character {first['loc'][-1]}")
        return failure(422, line_of(first, FIELDS.get(request.url.path, ())))

    @api.exception_handler(UnavailableError)
    async def unavailable(request: Request, error: UnavailableError) -> JSONResponse:
        return failure(503, str(error), RETRY)

    @api.exception_handler(Exception)
    async def crashed(request: Request, error: Exception) -> JSONResponse:
        return failure(500, "the server failed; see its log")


def line_of(error: Mapping[str, Any], fields: Iterable[str]) -> str:
    """Return the place and the message of a validation error: ``texts[3]: the text is empty``.

    Args:
        error: As pydantic describes it.
        fields: Those that the request may have.
    """
    place = ""
    for part in error["loc"][1:]:  # the first is "body"
        place += f"[{part}]" if isinstance(part, int) else f"{'.' if place else ''}{part}"
    wanted = " or ".join(f'"{name}"' for name in fields)
    if error["type"] == "extra_forbidden":
        return f"{place}: there is no such field, give {wanted}"
    if error["type"] == "missing":
        return f"the body has no text: give {wanted}"
    return f"{place}: {error['msg']}" if place else error["msg"]
