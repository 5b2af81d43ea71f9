# SPDX-License-Identifier: Apache-2.0
"""`viaduct check --against`: the requests that a daemon has served, put to the config that is to follow."""
import json

import pytest

from harness.cli import run, write_config
from harness.client import HOST, fetch
from harness.daemon import with_defaults
from harness.scene import plain_scene, proxy
from harness.waiting import wait_until

ROUTES = [
    proxy("api", {"prefix": "/api/"}, "app"),
    proxy("notify", {"exact": "/notify", "methods": ["POST"]}, "app", callback="generic"),
    {"name": "old", "match": {"exact": "/old"}, "redirect": {"to": "/new"}},
]
REQUESTS = [("GET", "/api/users?page=7", 200), ("GET", "/api/users?page=8", 200), ("POST", "/notify", 200),
            ("GET", "/old", 302), ("GET", "/nowhere", 404), ("GET", "/notify", 405)]


def changed(config, **upstreams):
    """The same without /old, and with users elsewhere."""
    config = json.loads(json.dumps(config))
    config["upstreams"].update(upstreams)
    config["sites"][0]["routes"] = ROUTES[:2] + [proxy("users", {"prefix": "/api/users"}, "users")]
    return config


@pytest.fixture(scope="module", params=["json", "combined"])
def served(request, raw, start_daemon):
    """A daemon that has logged REQUESTS in one format."""
    config = plain_scene(raw.url, ROUTES, logs={"access": {"format": request.param}})
    daemon = start_daemon(config)
    for method, target, status in REQUESTS:
        assert fetch(daemon.http, method, target).status == status
    wait_until(lambda: daemon.access_text().count("\n") == len(REQUESTS), "all lines of the log")
    return request.param, config, daemon


def replay(daemon, config, *options):
    path = write_config(with_defaults(config, daemon.directory), daemon.directory, "next.yaml")
    return run("check", "-c", path, "--against", daemon.access_path, *options)


def test_the_config_that_served_them_changes_nothing(served):
    _, config, daemon = served
    for options in ([], ["--old", daemon.config_path]):
        done = replay(daemon, config, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "0 of 6 requests would change\n" in done.stdout


def test_two_configs_are_compared(served, raw):
    _, config, daemon = served
    done = replay(daemon, changed(config, users={"servers": [raw.url]}), "--old", daemon.config_path, "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert (told["requests"], told["changes"], told["unreadable"]) == (6, 3, 0)
    assert [(one["method"], one["path"], one["old"], one["new"], one["count"]) for one in told["groups"]] == [
        ("GET", "/api/users", f"{HOST}/api", f"{HOST}/users", 2),
        ("GET", "/old", f"{HOST}/old", "404 no_route", 1)]
    example = told["groups"][0]["example"]
    assert 1 <= example["line"] <= 6 and "/api/users?page=" in example["url"]


def test_without_an_old_config_the_log_is_taken_at_its_word(served, raw):
    form, config, daemon = served
    done = replay(daemon, changed(config, users={"servers": [raw.url]}))
    assert done.returncode == 1, done.stderr
    if form == "json":
        assert "3 of 6 requests would change:" in done.stdout, done.stdout
        assert f"2  GET /api/users: {HOST}/api -> {HOST}/users" in done.stdout
    else:
        assert "1 of 6 requests would change:" in done.stdout, done.stdout
        assert "1  GET /old: status 302 -> 404 no_route" in done.stdout


def test_a_log_from_standard_input_and_of_an_unknown_host(served):
    form, config, daemon = served
    done = run("check", "-c", daemon.config_path, "--against", "-")
    assert done.returncode == 0 and "0 of 0 requests" in done.stdout, done.stdout + done.stderr
    done = replay(daemon, config, "--host", "unknown.test", "--json")
    assert json.loads(done.stdout)["refused"] == (2 if form == "json" else 6), done.stdout


FILES = [("GET", "/index.html", 200), ("GET", "/", 200), ("GET", "/docs", 301), ("GET", "/docs/", 200),
         ("HEAD", "/docs/index.html", 200), ("POST", "/index.html", 405), ("GET", "/wp-login.php", 404),
         ("GET", "/.env", 404), ("GET", "/empty/", 403), ("GET", "/a%00b", 400), ("GET", "/index%2Ehtml", 200)]


@pytest.mark.parametrize("form", ["json", "combined"])
def test_a_route_for_files_is_judged_as_it_answers(start_one, raw, place, form):
    for name in ("index.html", "docs/index.html", "empty/only.txt"):
        (place / "www" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "www" / name).write_text("page")
    pages = {"name": "pages", "match": {"prefix": "/"}, "static": {"root": str(place / "www")}}
    config = plain_scene(raw.url, [pages], logs={"access": {"format": form}})
    daemon = start_one(config)
    for method, target, status in FILES:
        assert fetch(daemon.http, method, target).status == status, target
    wait_until(lambda: daemon.access_text().count("\n") == len(FILES), "all lines of the log")
    done = replay(daemon, config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 of 11 requests would change\n" in done.stdout and "5 are refused in all" in done.stdout, done.stdout
    log = "".join(f'192.0.2.1 - - [t] "{method} {target} HTTP/1.1" 200 5\n' for method, target, _ in FILES)
    (place / "old.log").write_text(log)
    done = run("check", "-c", daemon.config_path, "--against", place / "old.log", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    told = {(one["method"], one["path"]): int(one["new"][:3]) for one in json.loads(done.stdout)["groups"]}
    assert told == {(method, target): status for method, target, status in FILES if status >= 400}
