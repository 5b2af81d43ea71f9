# SPDX-License-Identifier: Apache-2.0
"""The command line: exit codes, `check` and its JSON, `explain`, `reference` and its schema, `version`.

What each broken config says is tested with the config itself; here it is how the commands report it."""
import json
import re

import pytest
import yaml

from harness.cli import PROJECT, explain, run, to_yaml, write_config
from harness.client import HOST
from harness.daemon import with_defaults
from harness.scene import V3_PATH, VERIFY_PATH, proxy, scene

EXAMPLE = PROJECT / "conf/viaduct.yaml"
PROBLEM = re.compile(r"^(?P<file>\S+):(?P<line>\d+):(?P<column>\d+): (?P<key>[\w.\[\]-]+): (?P<message>.+)$")


@pytest.fixture(scope="module")
def config(place, site_pair, web_root):
    config = scene(site_pair, web_root, "http://127.0.0.1:8000", "http://127.0.0.1:8001")
    config["sites"].append({"hosts": ["strict.example.com"], "tls": site_pair.as_config(), "routes": [
        proxy("only-post", {"exact": "/only-post", "methods": ["POST"]}, "app"),
        proxy("by-header", {"exact": "/pick", "headers": {"X-Version": "2"}}, "web"),
        proxy("pick", {"exact": "/pick"}, "app"),
        proxy("number", {"regex": "^/a/[0-9]+$"}, "app"),
        {"name": "inside", "match": {"prefix": "/inside/"}, "upstream": "app",
         "allow": {"addresses": ["10.0.0.0/8"], "mode": "enforce"}},
    ]})
    return config


@pytest.fixture(scope="module")
def path(place, config):
    return write_config(with_defaults(config, place), place, "good.yaml")


def broken_path(place, text, name="broken.yaml"):
    return write_config(text, place, name)


def problems_of(text):
    """The list of problems in the output of `check --json`: the whole document, or its member `problems`."""
    document = json.loads(text)
    return document if isinstance(document, list) else document["problems"]


# ---- exit codes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["run", "--nonsense"], ["check", "-c"], ["check", "extra", "arguments"], ["explain"],
    ["explain", "GET"], ["reference", "--nonsense"]])
def test_wrong_usage_exits_with_2(arguments):
    done = run(*arguments)
    assert done.returncode == 2 and (done.stderr or done.stdout)


def test_help_exits_with_0():
    done = run("--help")
    assert done.returncode == 0
    for command in ("run", "check", "explain", "stop", "demo", "reference", "version"):
        assert re.search(rf"\b{command}\b", done.stdout), command
    assert run("explain", "--help").returncode == 0


@pytest.mark.parametrize("word", ["version", "--version"])
def test_version(word):
    done = run(word)
    assert done.returncode == 0 and re.fullmatch(r"viaduct \d+\.\d+\.\d+\n", done.stdout), done


@pytest.mark.parametrize("command", ["check", "run"])
def test_missing_config_exits_with_1_and_names_the_file(place, command):
    done = run(command, "-c", place / "no-such-file.yaml")
    assert done.returncode == 1 and "no-such-file.yaml" in done.stderr + done.stdout


# ---- check ----------------------------------------------------------------------------------------------------------


def test_check_of_a_good_config(path):
    done = run("check", "-c", path)
    assert done.returncode == 0, done.stdout + done.stderr
    machine = run("check", "-c", path, "--json")
    assert machine.returncode == 0 and isinstance(problems_of(machine.stdout), list)


def test_check_reports_every_problem_with_place_and_caret(place, config):
    text = to_yaml(with_defaults(config, place))
    text = text.replace("body_limit: 20m", "body_limit: 20mm").replace("hosts:", "hostz:", 1) + "whitelist: []\n"
    done = run("check", "-c", broken_path(place, text))
    assert done.returncode == 1
    lines = (done.stdout + done.stderr).splitlines()
    found = {match["key"].split(".")[-1]: (index, match) for index, line in enumerate(lines)
             if (match := PROBLEM.match(line))}
    source = text.splitlines()
    for key, word in (("body_limit", "20mm"), ("hostz", "hosts"), ("whitelist", "allow")):
        index, match = found[key]
        assert match["file"].endswith("broken.yaml") and key in source[int(match["line"]) - 1]
        assert ";" in match["message"] and word in match["message"], match["message"]
        assert key in lines[index + 1] and lines[index + 2].strip(" |").startswith("^"), lines[index:index + 3]


def test_check_as_json_has_the_same_problems(place, config):
    text = to_yaml(with_defaults(config, place)).replace("body_limit: 20m", "body_limit: 20mm") + "whitelist: []\n"
    broken = broken_path(place, text)
    done = run("check", "-c", broken, "--json")
    assert done.returncode == 1
    problems = problems_of(done.stdout)
    assert len(problems) >= 2
    for problem in problems:
        assert {"file", "line", "column", "key", "message"} <= set(problem), problem
        assert problem["file"].endswith("broken.yaml") and problem["line"] > 0 and problem["column"] > 0
    assert {"body_limit", "whitelist"} <= {problem["key"].split(".")[-1] for problem in problems}


@pytest.mark.parametrize("text", ["", "[]", "listeners: [\n", "listeners： []\n", "\tlisteners: []\n", "a: &x [*x]\n",
                                  "sites: [*]\n", "listeners: []\nlisteners: []\n", "a: \"\\q\"\n", "\0", "\xff"])
def test_check_of_anything_ends_with_1_and_a_place(place, text):
    broken = place / "anything.yaml"
    broken.write_bytes(text.encode("latin-1") if text == "\xff" else text.encode("utf-8"))
    done = run("check", "-c", broken)
    assert done.returncode == 1, done
    assert re.search(r"anything\.yaml:\d+:\d+: ", done.stdout + done.stderr), done


def test_mismatched_key_is_an_error_and_expiry_a_warning(place, authority, config, site_pair):
    other = authority.issue([HOST])
    text = to_yaml(with_defaults(config, place))
    mismatched = run("check", "-c", broken_path(place, text.replace(str(site_pair.key), str(other.key)), "halves.yaml"))
    assert mismatched.returncode == 1 and "key" in mismatched.stdout + mismatched.stderr
    expired = authority.issue([HOST, "xintuxiangce.top", "strict.example.com"], days=(-30, -2))
    text = text.replace(str(site_pair.key), str(expired.key)).replace(str(site_pair.cert), str(expired.cert))
    done = run("check", "-c", broken_path(place, text, "expired.yaml"))
    assert done.returncode == 0 and "expired" in done.stdout + done.stderr


def test_relative_paths_includes_and_variables(place, config, site_pair):
    folder = place / "etc"
    (folder / "conf.d").mkdir(parents=True, exist_ok=True)
    (folder / "secret").write_text("value\n")
    top = with_defaults({**config, "include": ["conf.d/*.yaml"]}, place)
    site = top["sites"].pop()
    (folder / "conf.d/strict.yaml").write_text(to_yaml({"sites": [site]}), encoding="utf-8")
    text = to_yaml(top).replace("20m", "${BODY_LIMIT:-20m}").replace("127.0.0.1:8000", "${APP_ADDRESS}")
    main = folder / "viaduct.yaml"
    main.write_text(text, encoding="utf-8")
    done = run("check", "-c", main, environment={"APP_ADDRESS": "127.0.0.1:8000"})
    assert done.returncode == 0, done.stdout + done.stderr
    missing = run("check", "-c", main)
    assert missing.returncode == 1 and "APP_ADDRESS" in missing.stdout + missing.stderr
    assert "route: pick" == explain_with(main, {"APP_ADDRESS": "127.0.0.1:1"}, "GET", "https://strict.example.com/pick")


def explain_with(main, environment, *arguments):
    done = run("explain", *arguments, "-c", main, environment=environment)
    assert done.returncode == 0, done
    return done.stdout.rstrip("\n").split("\n")[-1]


# ---- explain --------------------------------------------------------------------------------------------------------

STRICT = "https://strict.example.com"
EXPLAINED = [
    (["POST", f"https://{HOST}{V3_PATH}"], "route: payment-notify"),
    (["POST", f"https://{HOST}/api/v1/payment/%6eotify"], "route: payment-notify"),
    (["POST", f"https://{HOST}{V3_PATH}FOO"], "route: api"),
    (["GET", f"https://{HOST}{VERIFY_PATH}?echostr=1"], "route: wechat-verify"),
    (["HEAD", f"https://{HOST}{VERIFY_PATH}"], "route: wechat-verify"),
    (["POST", f"https://{HOST}{VERIFY_PATH}"], "route: wechat-push"),
    (["PUT", f"https://xintuxiangce.top{VERIFY_PATH}"], "route: api"),
    (["GET", f"https://{HOST}/api/v1/x"], "route: api"),
    (["GET", f"https://{HOST}/static/js/app.js"], "route: assets"),
    (["GET", f"https://{HOST}/"], "route: pages"),
    (["GET", f"https://{HOST}/orders/7"], "route: pages"),
    (["HEAD", f"https://{HOST}/orders/7"], "route: pages"),
    (["POST", f"https://{HOST}/orders/7"], "decision: 405 method_not_allowed"),
    (["GET", f"https://{HOST}/api/v1/internal/x"], "decision: 403 path_denied"),
    (["GET", f"https://{HOST}/api/v1/x/%2e%2e/internal/x"], "decision: 403 path_denied"),
    (["GET", f"https://{HOST}/api/v1/../static/x"], "decision: 400 path_ambiguous"),
    (["GET", "https://evil.example/"], "decision: 421 host_unknown"),
    (["GET", f"{STRICT}/only-post"], "decision: 405 method_not_allowed"),
    (["POST", f"{STRICT}/only-post"], "route: only-post"),
    (["GET", f"{STRICT}/nowhere"], "decision: 404 no_route"),
    (["GET", f"{STRICT}/pick"], "route: pick"),
    (["GET", f"{STRICT}/pick", "-H", "X-Version: 2"], "route: by-header"),
    (["GET", f"{STRICT}/a/7"], "route: number"),
    (["GET", f"{STRICT}/inside/x", "--from", "10.1.2.3"], "route: inside"),
    (["GET", f"{STRICT}/inside/x", "--from", "192.0.2.1"], "decision: 403 address_not_allowed"),
    (["OPTIONS", f"https://{HOST}{VERIFY_PATH}", "-H", "Origin: https://www.xintuxiangce.top", "-H",
      "Access-Control-Request-Method: POST"], "route: wechat-push"),
]


@pytest.mark.parametrize("arguments, last", EXPLAINED,
                         ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_explain_ends_with_the_decision(path, arguments, last):
    assert explain(path, *arguments) == last


def test_explain_says_why_candidates_lost_and_what_will_happen(path):
    done = run("explain", "GET", f"https://{HOST}{VERIFY_PATH}", "-c", path)
    assert done.returncode == 0
    for word in ("wechat-verify", "wechat-push", "api", "web", "X-Forwarded-For"):
        assert word in done.stdout, word
    assert re.search(r"wechat-push.*(method|GET|POST)", done.stdout)


def test_explain_as_json(path):
    done = run("explain", "POST", f"https://{HOST}{V3_PATH}", "-c", path, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["route"] == "payment-notify"
    denied = run("explain", "GET", f"https://{HOST}/.env", "-c", path, "--json")
    assert "path_denied" in json.dumps(json.loads(denied.stdout))


def test_explain_shows_no_secret(place, config):
    (place / "secret").write_text("s3cr3t-of-the-inside\n")
    changed = json.loads(json.dumps(config))
    api = next(route for route in changed["sites"][0]["routes"] if route["name"] == "api")
    api["headers"] = {"request": {"set": {"X-Internal-Secret": f"file:{place / 'secret'}"}}}
    with_secret = write_config(with_defaults(changed, place), place, "secret.yaml")
    done = run("explain", "GET", f"https://{HOST}/api/v1/x", "-c", with_secret)
    assert "X-Internal-Secret" in done.stdout and "s3cr3t" not in done.stdout + done.stderr


def test_explain_needs_none_of_the_files_that_the_config_names(place, config):
    """Also on a laptop, and where certificates, pages, secrets and directories are those of the server."""
    changed = json.loads(json.dumps(config))
    site = changed["sites"][0]
    site["tls"] = {"cert": "/nowhere/cert.pem", "key": "/nowhere/key.pem"}
    for route in site["routes"]:
        if "static" in route:
            route["static"] = {"root": "/nowhere"}
        if route["name"] == "api":
            route["headers"] = {"request": {"set": {"X-Internal-Secret": "file:/nowhere/secret"}}}
    changed["errors"] = {"502-504": {"file": "/nowhere/page.html"}}
    changed["logs"] = {"access": {"file": "/nowhere/access.log"}}
    elsewhere = write_config(with_defaults(changed, place), place, "elsewhere.yaml")
    assert run("check", "-c", elsewhere).returncode == 1
    for method, target, last in (("GET", "/api/v1/x", "api"), ("GET", "/", "pages")):
        done = run("explain", method, f"https://{HOST}{target}", "-c", elsewhere)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"route: {last}"), done.stderr
        assert "viaduct check says which" in done.stderr
    site["routes"][0]["match"] = {"regex": "("}
    broken = write_config(with_defaults(changed, place), place, "broken.yaml")
    done = run("explain", "GET", f"https://{HOST}/", "-c", broken)
    assert done.returncode == 1 and "regex" in done.stderr


@pytest.mark.parametrize("url", ["not-a-url", "ftp://x/y", "https://"])
def test_explain_of_a_wrong_url_is_wrong_usage(path, url):
    assert run("explain", "GET", url, "-c", path).returncode == 2


# ---- reference ------------------------------------------------------------------------------------------------------


def test_reference_names_every_key_of_the_scene():
    done = run("reference")
    assert done.returncode == 0
    for key in ("listeners", "redirect_to_https", "proxy_protocol", "min_version", "session_tickets",
                "handshake_timeout",
                "header_timeout", "body_timeout", "idle_timeout", "min_rate", "max_head_size", "max_fields",
                "max_target_size", "max_connections", "max_requests", "timeouts", "body_limit", "servers", "weight",
                "backup", "balance", "host", "verify", "sni", "verify_name", "keepalive", "max_idle", "health", "rise",
                "eject", "max_waiting", "hold", "hosts", "deny", "exact", "prefix", "regex", "methods", "callback",
                "allow",
                "websocket", "allow_origins", "allow_credentials", "max_age", "rate_limit", "static", "root", "index",
                "fallback", "expires", "immutable", "strip_prefix", "redirect", "respond", "forwarded",
                "trusted_proxies",
                "retry", "rewrite", "errors", "access", "format", "query", "socket", "workers", "drain", "include"):
        assert re.search(rf"\b{key}\b", done.stdout), key
    for default in ("20m", "75s", "32k", "10s"):
        assert default in done.stdout, default


@pytest.fixture(scope="module")
def schema():
    done = run("reference", "--schema")
    assert done.returncode == 0
    import jsonschema  # python3-jsonschema; the other tests of this file need it not
    schema = json.loads(done.stdout)
    jsonschema.validators.validator_for(schema).check_schema(schema)
    return jsonschema.validators.validator_for(schema)(schema)


def test_schema_takes_the_shipped_config_and_the_scene(schema, config, place):
    for document in (yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")), with_defaults(config, place)):
        assert not [error.message for error in schema.iter_errors(document)]


@pytest.mark.parametrize("change", [
    lambda config: config.update(listenerz=[]),
    lambda config: config["listeners"][0].update(adress="x"),
    lambda config: config["sites"][0]["routes"][0].update(proxy_pass="http://x"),
    lambda config: config["sites"][0].update(hosts=7),
    lambda config: config["listeners"][0].update(tls="perhaps"),
])
def test_schema_refuses_what_check_refuses(schema, config, place, change):
    broken = json.loads(json.dumps(with_defaults(config, place)))
    change(broken)
    assert not schema.is_valid(broken)
    assert run("check", "-c", write_config(broken, place, "schema.yaml")).returncode == 1


@pytest.mark.parametrize("change", [
    lambda config: config["upstreams"]["app"].update(health={"path": "/x", "expect": 200}),
    lambda config: config["upstreams"]["app"].update(health={"path": "/x", "expect": "200-299"}),
    lambda config: config.update(process={"workers": 2}),
])
def test_schema_takes_what_check_takes(schema, config, place, change):
    changed = json.loads(json.dumps(with_defaults(config, place)))
    change(changed)
    assert not [error.message for error in schema.iter_errors(changed)]
    done = run("check", "-c", write_config(changed, place, "schema.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_shipped_config_differs_from_a_good_one_only_by_its_files(place):
    """conf/viaduct.yaml passes but for certificates, secrets and pages that an operator has to bring."""
    done = run("check", "-c", EXAMPLE, "--json")
    for problem in problems_of(done.stdout):
        assert re.search(r"cert|key|file|root|secret|user|credentials", problem["message"]), problem
