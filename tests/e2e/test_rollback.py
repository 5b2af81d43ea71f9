# SPDX-License-Identifier: Apache-2.0
"""The way back from a config: good ones are kept in the state directory, `rollback` serves one of them again, and a
reload with a guard goes back by itself when answers get worse."""
import contextlib
import re
import shutil
import stat
import subprocess
import threading

import pytest
import yaml

from harness.cli import run
from harness.client import RawClient, build_request, fetch
from harness.scene import ALIPAY_PATH, plain_scene, proxy
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, wait_until
from test_reload import free_port, reload

KEPT = {"workers": 1, "state_dir": "state"}


def page(name):
    return [{"name": name, "match": {"prefix": "/"}, "respond": {"body": name}}]


def config(raw, name, **process):
    return plain_scene(raw.url, page(name), process={**KEPT, **process})


def served(daemon):
    return fetch(daemon.http, "GET", "/").body.decode()


def order(daemon, *words, code=0):
    done = run(*words, "-c", daemon.config_path)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def change(daemon, raw, name, **process):
    daemon.write(config(raw, name, **process))
    reload(daemon)
    wait_until(lambda: served(daemon) == name, f"{name} to be served")


def rows(daemon):
    """Of `rollback --list`: (N, what is said of it), the newest first."""
    lines = order(daemon, "rollback", "--list").rstrip("\n").split("\n")
    assert lines[0] == "ok" and lines[1].split() == ["N", "KEPT", "SNAPSHOT"], lines
    found = [re.fullmatch(r" *(\d+|-)  (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) +\d+  (/\S+)(?:  (.+))?", line)
             for line in lines[2:]]
    assert all(found), lines
    return [(one[1], one[4] or "") for one in found]


def kept_folders(daemon):
    return sorted((daemon.directory / "state/configs").iterdir())


def test_rollback_serves_what_was_kept_and_leaves_the_file_alone(start_one, raw):
    daemon = start_one(config(raw, "first"))
    change(daemon, raw, "second")
    change(daemon, raw, "third")
    written = daemon.config_path.read_bytes()
    assert rows(daemon) == [("-", "in use"), ("1", ""), ("2", "")]
    text = order(daemon, "rollback", "2")
    assert text.startswith("ok\nroute added: www.xintuxiangce.top/first\n"), text
    assert served(daemon) == "first"
    assert daemon.config_path.read_bytes() == written
    assert rows(daemon) == [("-", "left behind"), ("-", "left behind"), ("-", "in use")]
    assert "before the one in use" in order(daemon, "rollback", code=1)
    # The answer names what puts the kept file back.
    assert shutil.which("cp")
    source, target = re.search(r"^to put it back: cp (\S+) (\S+)$", text, re.M).groups()
    assert target == str(daemon.config_path)
    reload(daemon)
    assert served(daemon) == "third", "a reload reads the file again"
    shutil.copyfile(source, target)
    reload(daemon)
    assert served(daemon) == "first"


def test_rollback_brings_included_files_back_too(start_one, raw):
    def write(name):
        (directory / "conf.d").mkdir(exist_ok=True)
        (directory / "conf.d/errors.yaml").write_text(f"errors: {{ 502: {{ file: {directory}/{name}.html }} }}\n")
        (directory / f"{name}.html").write_text(name)

    daemon = start_one(config(raw, "first"))
    directory = daemon.directory
    broken = {"include": ["conf.d/*.yaml"], "upstreams": {"app": {"servers": [f"http://127.0.0.1:{free_port()}"]}}}
    write("old")
    daemon.write({**plain_scene(raw.url, process=KEPT), **broken})
    reload(daemon)
    wait_until(lambda: served(daemon) == "old", "the page of the included file")
    write("new")
    reload(daemon)
    wait_until(lambda: served(daemon) == "new", "the other page")
    order(daemon, "rollback")
    wait_until(lambda: served(daemon) == "old", "the page from before")


def test_line_that_puts_a_config_back_brings_its_includes_and_no_others(start_one, raw, place):
    def site(host, body):
        route = {"name": "all", "match": {"prefix": "/"}, "respond": {"body": body}}
        return yaml.safe_dump({"sites": [{"hosts": [host], "routes": [route]}]})

    outside = place / "it's elsewhere"
    outside.mkdir()
    (outside / "a.yaml").write_text(site("a.example", "good"))
    daemon = start_one({**config(raw, "first"), "include": [f"{outside}/*.yaml", "conf.d/*.yaml"]})
    inside = daemon.directory / "conf.d"
    inside.mkdir()
    (inside / "b.yaml").write_text(site("b.example", "good"))
    reload(daemon)
    (outside / "a.yaml").write_text(site("a.example", "bad"))
    (outside / "c.yaml").write_text(site("c.example", "bad"))
    (inside / "b.yaml").write_text(site("b.example", "bad"))
    (inside / "d d.yaml").write_text(site("d.example", "bad"))
    reload(daemon)
    line = order(daemon, "rollback").split("to put it back: ")[1].strip()
    subprocess.run(line, shell=True, check=True)
    assert reload(daemon) == ["ok", "nothing has changed"]
    for host, status, body in (("a", 200, b"good"), ("b", 200, b"good"), ("c", 421, None), ("d", 421, None)):
        answered = fetch(daemon.http, "GET", "/", host=f"{host}.example")
        assert answered.status == status and body in (None, answered.body), (host, answered.status, answered.body)


def test_twenty_are_kept_over_restarts_and_for_nobody_else(start_one, raw):
    daemon = start_one(config(raw, "page-0"))
    for number in range(1, 24):
        change(daemon, raw, f"page-{number}")
    reload(daemon)  # the same again is not kept again
    folders = kept_folders(daemon)
    assert [int(one.name[:4]) for one in folders] == list(range(5, 25))
    assert stat.S_IMODE(folders[0].stat().st_mode) == 0o700
    for file in (daemon.directory / "state").rglob("*"):
        assert stat.S_IMODE(file.stat().st_mode) == (0o700 if file.is_dir() else 0o600), file
    daemon.stop()
    later = start_one(daemon.config_path.read_text(), directory=daemon.directory)
    assert len(rows(later)) == 20 and rows(later)[0] == ("-", "in use")
    order(later, "rollback", "19")
    wait_until(lambda: served(later) == "page-4", "the oldest that is kept")


def test_broken_state_directory_refuses_nothing(start_one, raw):
    directory_is_a_file = {"state_dir": "viaduct.yaml"}
    daemon = start_one(config(raw, "first", **directory_is_a_file))
    daemon.wait_error("warning config_not_kept error=")
    change(daemon, raw, "second", **directory_is_a_file)
    assert "before the one in use" in order(daemon, "rollback", code=1)
    change(daemon, raw, "third")
    change(daemon, raw, "fourth")
    order(daemon, "rollback")
    wait_until(lambda: served(daemon) == "third", "the config before")
    for folder in kept_folders(daemon):
        shutil.rmtree(folder / "files")
    change(daemon, raw, "fifth")
    assert "cannot open" in order(daemon, "rollback", code=1)
    assert served(daemon) == "fifth"


def test_nothing_is_kept_unless_the_config_says_where(start_one, raw):
    daemon = start_one(plain_scene(raw.url))
    assert "process.state_dir" in order(daemon, "rollback", code=1)
    assert "process.state_dir" in order(daemon, "rollback", "--list", code=1)


@pytest.fixture()
def good(raw):
    raw.handler = lambda received: answer(b"good")
    return raw


def guarded(daemon, *time):
    text = order(daemon, "reload", "--guard", *time)
    assert text.startswith("ok\n") and "watched for" in text, text


def test_guard_falls_back_when_the_new_upstream_refuses_connections(start_one, good):
    daemon = start_one(plain_scene(good.url, process=KEPT))
    for _ in range(10):
        assert served(daemon) == "good"
    daemon.write(plain_scene(f"http://127.0.0.1:{free_port()}", process=KEPT))
    guarded(daemon)
    wait_until(lambda: served(daemon) == "good" and daemon.find_error("reload_rolled_back"), "the config before")
    found = daemon.find_error(r'error reload_rolled_back reason="(.+)" bad=2 snapshot=3$')
    assert found and "failures made here" in found[1], daemon.error_text()
    assert "was taken back by its guard" in order(daemon, "status")
    assert rows(daemon) == [("-", "left behind"), ("-", "in use")]


def test_guard_sees_failing_callbacks_among_many_good_answers(start_one, good):
    def routes(upstream):
        pay = proxy("pay", {"exact": ALIPAY_PATH, "methods": ["POST"]}, upstream, callback="alipay")
        return [pay, proxy("all", {"prefix": "/"}, "app")]

    def scene(upstream):
        both = {"app": {"servers": [good.url]}, "other": {"servers": [f"http://127.0.0.1:{free_port()}"]}}
        return {**plain_scene(good.url, routes(upstream)), "upstreams": both}

    daemon = start_one(scene("app"))
    for _ in range(400):
        assert served(daemon) == "good"
    daemon.write(scene("other"))
    guarded(daemon, "30s")
    for _ in range(3):
        assert fetch(daemon.http, "POST", ALIPAY_PATH, body=b"a=b").body == b"fail"
    daemon.wait_error(r'reload_rolled_back reason="the callback route \S+/pay has 3 failures')
    wait_until(lambda: fetch(daemon.http, "POST", ALIPAY_PATH, body=b"a=b").body == b"good", "the upstream from before")


def test_guard_does_not_hold_failures_of_the_config_before_against_its_cure(start_one, good):
    failing = threading.Event()

    def never_answer(received):
        failing.wait(DEADLINE)
        received.close()

    pay = [proxy("pay", {"exact": ALIPAY_PATH, "methods": ["POST"]}, "app", callback="alipay")]
    with RawUpstream(never_answer) as dead, contextlib.ExitStack() as clients:
        daemon = start_one(plain_scene(dead.url, pay, process={"workers": 1}))
        waiting = [clients.enter_context(RawClient(daemon.http.port)) for _ in range(3)]
        for client in waiting:
            client.send(build_request("POST", ALIPAY_PATH, body=b"a=b"))
        dead.wait_received(3)
        daemon.write(plain_scene(good.url, pay, process={"workers": 1}))
        guarded(daemon, "2s")
        failing.set()
        assert [client.read_response().body for client in waiting] == 3 * [b"fail"]
        assert fetch(daemon.http, "POST", ALIPAY_PATH, body=b"a=b").body == b"good"
        daemon.wait_error(r"reload_kept snapshot=2$|reload_rolled_back")
        assert not daemon.find_error("reload_rolled_back")


def test_guard_keeps_what_stays_good(start_one, good):
    daemon = start_one(plain_scene(good.url))
    daemon.write(plain_scene(good.url, [proxy("other", {"prefix": "/"}, "app")]))
    guarded(daemon, "2s")
    stopping = threading.Event()
    threading.Thread(target=lambda: [served(daemon) for _ in iter(stopping.is_set, True)], daemon=True).start()
    try:
        daemon.wait_error(r"info reload_kept snapshot=2$")
    finally:
        stopping.set()
    assert not daemon.find_error("reload_rolled_back")


def test_guard_is_replaced_by_another_reload(start_one, good):
    daemon = start_one(plain_scene(good.url))
    guarded(daemon, "1h")
    refused = run("reload", "--guard", "2h", "-c", daemon.config_path)
    assert refused.returncode == 1 and "1h" in refused.stderr, refused
    reload(daemon)
    daemon.wait_error("reload_guard_ended reason=reload")
