# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests. Daemons and upstreams live as long as one test file; files share nothing."""
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.dont_write_bytecode = True

from harness.app_server import AppServer  # noqa: E402
from harness.certificates import Authority  # noqa: E402
from harness.client import HOST  # noqa: E402
from harness.daemon import Daemon  # noqa: E402
from harness.scene import make_web_root  # noqa: E402
from harness.upstream import RawUpstream  # noqa: E402


def fresh_directory():
    """A short path, since the path of a Unix socket has 107 bytes at most."""
    return Path(tempfile.mkdtemp(prefix="viaduct-e2e-"))


@pytest.fixture(scope="module")
def place():
    directory = fresh_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def authority(place):
    return Authority(place / "certificates")


@pytest.fixture(scope="module")
def site_pair(authority):
    """The site's certificate: RSA, as the platforms' older clients need it."""
    return authority.issue([HOST, "xintuxiangce.top"], kind="rsa")


@pytest.fixture(scope="module")
def web_root(place):
    return make_web_root(place / "www")


@pytest.fixture(scope="module")
def apps():
    server = AppServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def raw():
    """A recording upstream that answers 200 `ok`."""
    with RawUpstream() as upstream:
        yield upstream


def make_starter():
    daemons, directories = [], []

    def start(config, environment=None, directory=None):
        if directory is None:
            directory = fresh_directory()
            directories.append(directory)
        daemon = Daemon(config, directory, environment)
        daemons.append(daemon)
        return daemon

    def finish():
        try:
            for daemon in daemons:
                code = daemon.stop()
                assert code == 0, f"exit code {code}:\n{daemon.error_text()[-4000:]}"
        finally:
            for directory in directories:
                shutil.rmtree(directory, ignore_errors=True)

    return start, finish


@pytest.fixture(scope="module")
def start_daemon():
    """start_daemon(config) → a Daemon that is ready; all are stopped, and their exit code 0, at the end of the file."""
    start, finish = make_starter()
    yield start
    finish()


@pytest.fixture()
def start_one():
    """As start_daemon, for the length of one test."""
    start, finish = make_starter()
    yield start
    finish()
