"""The key that a request has to bring, if the operator sets one: `Authorization: Bearer KEY` (RFC 6750)."""

import hmac
import os
import re
from pathlib import Path

from fastapi import FastAPI

from project.errors import UserError

VARIABLE = "SENTIMENT_API_KEY"
OPEN = ("/", "/health", "/ready", "/openapi.json")  # need no key: they tell nothing of the model


def read_key(path: Path | None) -> str | None:
    """Return the key in a file, else that of the environment, None if neither is named.

    Raises:
        UserError: The file cannot be read, or what is named holds no key.
    """
    try:
        key = os.environ.get(VARIABLE) if path is None else path.read_text("ascii", "replace")
    except OSError as error:
        raise UserError(f"cannot read --api_key_file {path}: {error.strerror}") from error
    if key is not None and not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", key := key.strip()):
        raise UserError(
            f"{path or VARIABLE} holds no key: one line of letters, digits and . _ ~ + / - that may end in ="
        )
    return key


def brings(authorization: str, key: str) -> bool:
    """Return whether an Authorization header brings the key, in a time that does not depend on where it differs."""
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), key.encode())


def document_key(api: FastAPI) -> None:
    """Say in the OpenAPI document of a finished application which requests need the key."""
    document = api.openapi()
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    failure = document["paths"]["/predict"]["post"]["responses"]["503"]
    for path, methods in document["paths"].items():
        for operation in methods.values() if path not in OPEN else ():
            operation["security"] = [{"key": []}]
            operation["responses"]["401"] = {**failure, "description": "The key is missing, or another."}
