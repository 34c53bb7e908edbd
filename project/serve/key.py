"""The key that a request must carry, if the operator sets one: `Authorization: Bearer KEY` (RFC 6750)."""

import hmac
import os
import re
from pathlib import Path

from project.errors import UserError

VARIABLE = "SENTIMENT_API_KEY"
OPEN = ("/", "/health", "/ready", "/openapi.json")  # need no key: they reveal nothing about the model


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
    """Return whether an Authorization header holds the key, in a time that does not depend on where it differs."""
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), key.encode())
