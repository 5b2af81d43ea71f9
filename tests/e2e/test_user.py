# SPDX-License-Identifier: Apache-2.0
"""`process.user`: who starts as root serves as somebody else, and all that comes later works as that user."""
import json
import os
import pwd
import re
import signal
import tempfile
from pathlib import Path

import pytest

from harness.cli import run, write_config
from harness.client import fetch
from harness.daemon import is_alive, with_defaults
from harness.scene import plain_scene
from harness.waiting import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture()
def directory(place):
    """Where the other user may rotate logs and read the config."""
    path = Path(tempfile.mkdtemp(dir=place))
    place.chmod(0o755)
    path.chmod(0o777)
    return path


def user_of(pid):
    return int(re.search(r"^Uid:\s+(\d+)\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[2])


def test_daemon_lives_on_as_its_user(start_one, site_pair, raw, directory):
    nobody = pwd.getpwnam("nobody").pw_uid
    config = plain_scene(raw.url, process={"user": "nobody"})
    config["listeners"].append({"address": "127.0.0.1:0", "tls": True})
    config["sites"][0]["tls"] = site_pair.as_config()
    config["logs"] = {"error": {"file": "-"}}
    daemon = start_one(config, directory=directory)
    assert user_of(daemon.pid) == nobody
    assert daemon.find_error(rf"file_unreadable file={site_pair.as_config()['key']} user=nobody")
    assert not daemon.find_error("directory_unwritable")
    record = daemon.record_of(fetch(daemon.http, "GET", "/x"))
    assert record["status"] == 200
    daemon.access_path.rename(directory / "rotated.log")
    daemon.send_signal(signal.SIGUSR1)
    wait_until(daemon.access_path.exists, "the new log")
    assert daemon.access_path.stat().st_uid == nobody
    # The new process is that user from its start, so that it must be able to read the key.
    key = Path(site_pair.as_config()["key"])
    key.parent.chmod(0o755)
    os.chown(key, nobody, -1)
    daemon.upgrade()
    assert user_of(daemon.pid) == nobody
    assert fetch(daemon.https, "GET", "/x").status == 200
    assert run("stop", "-c", daemon.config_path).returncode == 0
    wait_until(lambda: not is_alive(daemon.successor), "the end")
    assert not (directory / "admin.sock").exists()


def test_directory_in_which_no_log_can_be_made_anew_is_said(start_one, raw, directory):
    directory.chmod(0o755)
    daemon = start_one(plain_scene(raw.url, process={"user": "nobody"}), directory=directory)
    assert daemon.find_error(rf"directory_unwritable directory={directory} user=nobody")
    found = json.loads(run("doctor", "-c", daemon.config_path, "--json").stdout)
    logs = [one for one in found if one["check"] == "access log"]
    assert [one["state"] for one in logs] == ["warning"] and f"{directory} cannot by nobody" in logs[0]["message"], logs


def test_user_that_does_not_exist_is_a_warning_until_the_start(place, raw):
    path = write_config(with_defaults(plain_scene(raw.url, process={"user": "no-such-user"}), place), place)
    done = run("check", "-c", path)
    assert done.returncode == 0, done.stdout
    assert "there is no user no-such-user here" in done.stderr, (done.stdout, done.stderr)
    done = run("run", "-c", path)
    assert done.returncode == 1 and "user no-such-user does not exist; create it" in done.stderr, done.stderr
