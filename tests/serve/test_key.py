"""Requests of a server that has a key, and where it comes from."""

import asyncio
import threading

import pytest

from project.errors import UserError
from project.serve.app import create_app
from project.serve.key import read_key
from tests.serve.conftest import ask

KEY = "aGVsbG8.wor_ld~+/-=="
REFUSED = {"error": "a key is needed: Authorization: Bearer KEY"}


@pytest.fixture(scope="module")
def app(predictor, facts):
    return create_app(predictor, facts, threading.Event(), key=KEY)


def asked(app, path, method="GET", **headers):
    return asyncio.run(ask(app, method, path, {"text": "Warm."} if method == "POST" else None, **headers))


@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/openapi.json"])
def test_what_tells_nothing_of_the_model_needs_no_key(app, path):
    assert asked(app, path).status == 200


@pytest.mark.parametrize("path", ["/info", "/metrics", "/nothing", "//health", "/health/"])
def test_everything_else_needs_the_key(app, path):
    answer = asked(app, path)
    assert (answer.status, answer.json, answer.headers["WWW-Authenticate"]) == (401, REFUSED, "Bearer")


@pytest.mark.parametrize("path", ["/predict", "/explain"])
def test_the_model_needs_the_key(app, path):
    assert asked(app, path, "POST").status == 401


@pytest.mark.parametrize(
    "header", [KEY, "Bearer", "Bearer " + KEY[:-1], f"Bearer {KEY}x", f"Basic {KEY}", "Bearer \xff"]
)
def test_another_key_is_refused(app, header):
    assert asked(app, "/info", Authorization=header).status == 401


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer  {KEY}"])
def test_who_brings_the_key_is_answered(app, header):
    assert asked(app, "/predict", "POST", Authorization=header).status == 200


def test_openapi_says_which_requests_may_need_a_key(app):
    paths = asked(app, "/openapi.json").json["paths"]
    locked = {path for path, methods in paths.items() for each in methods.values() if "401" in each["responses"]}
    assert locked == {"/predict", "/explain", "/info", "/metrics"}


def test_no_key_is_needed_if_none_is_named(monkeypatch):
    monkeypatch.delenv("SENTIMENT_API_KEY", raising=False)
    assert read_key(None) is None


def test_the_key_of_a_file_goes_before_that_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMENT_API_KEY", "environment")
    (tmp_path / "key").write_text("file\n")
    assert (read_key(tmp_path / "key"), read_key(None)) == ("file", "environment")


@pytest.mark.parametrize("content", ["", "\n", "two words", "one\ntwo", "\u00fc"])
def test_a_file_without_a_key_is_an_error(tmp_path, content):
    (tmp_path / "key").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="key holds no key: one line of letters"):
        read_key(tmp_path / "key")


def test_an_empty_variable_is_not_taken_for_no_key(monkeypatch):
    monkeypatch.setenv("SENTIMENT_API_KEY", "")
    with pytest.raises(UserError, match=r"^SENTIMENT_API_KEY holds no key"):
        read_key(None)


@pytest.mark.parametrize(("named", "reason"), [("missing", "No such file or directory"), ("", "Is a directory")])
def test_a_key_file_that_cannot_be_read_is_a_one_line_error(sentiment, bundle, capsys, named, reason):
    assert sentiment("serve", bundle, "--api_key_file", named) == 2
    assert capsys.readouterr().err == f"error: cannot read --api_key_file {named or '.'}: {reason}\n"
