"""What stands around the program: scripts, the list of packages, the systemd unit, test certificates, installing."""

import gzip
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = [ROOT / name for name in ("scripts/install-packages", "scripts/build", "scripts/fuzz", "scripts/quickstart",
                                    "scripts/test", "scripts/package", "scripts/checks/package-try",
                                    ".ci/run", "certs.example/make-test-certs")]
MAKE_CERTS = str(ROOT / "certs.example/make-test-certs")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_parses_can_be_run_and_stops_at_errors(script):
    assert run("bash", "-n", str(script)).stderr == ""
    assert os.access(script, os.X_OK)
    assert "\nset -euo pipefail\n" in script.read_text()


def test_the_list_of_packages_is_the_only_one():
    names = set(re.findall(r"^[a-z][a-z0-9.+-]+", (ROOT / "scripts/packages.txt").read_text(), re.M))
    assert "g++" in names and "libgtest-dev" in names
    for path in [*SCRIPTS, ROOT / "README.md"]:
        named = {name for name in names if name.startswith(("lib", "python3-"))} & set(path.read_text().split())
        assert named == set(), f"{path} names packages itself"


def test_installing_packages_refuses_an_unknown_group():
    done = run(str(ROOT / "scripts/install-packages"), "--missing", "nonsense")
    assert done.returncode == 2 and "there are: build run demo test lint package fuzz" in done.stderr


def test_what_the_tests_need_is_installed():
    assert run(str(ROOT / "scripts/install-packages"), "--missing", "build", "run", "test", "lint").stdout == ""


def test_certificates_are_made_for_the_names_and_renewed_under_the_same_ca(tmp_path):
    assert run(MAKE_CERTS, str(tmp_path), "www.example.test", "*.example.test", "127.0.0.1").returncode == 0
    authority = (tmp_path / "ca.pem").read_text()
    for kind in ("rsa", "ecdsa"):
        certificate = str(tmp_path / f"{kind}.pem")
        assert run("openssl", "verify", "-CAfile", str(tmp_path / "ca.pem"), certificate).returncode == 0
        text = run("openssl", "x509", "-in", certificate, "-noout", "-text").stdout
        assert "DNS:www.example.test, DNS:*.example.test, IP Address:127.0.0.1" in text
        assert (tmp_path / f"{kind}.key").stat().st_mode & 0o777 == 0o600
    old = (tmp_path / "rsa.pem").read_text()
    assert run(MAKE_CERTS, str(tmp_path), "www.example.test").returncode == 0
    assert (tmp_path / "ca.pem").read_text() == authority and (tmp_path / "rsa.pem").read_text() != old


@pytest.mark.parametrize("arguments", [[], ["folder"], ["--days", "x", "folder", "name"], ["--what", "folder", "name"]])
def test_certificates_need_a_folder_and_a_name(arguments, tmp_path):
    done = run(MAKE_CERTS, *arguments, cwd=tmp_path)
    assert done.returncode == 2 and "make-test-certs [--days N] FOLDER NAME..." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_unit_is_valid(tmp_path):
    # The program is not installed here, and the check wants to find it.
    unit = (ROOT / "systemd/viaduct.service").read_text().replace("/usr/bin/viaduct", shutil.which("true"))
    (tmp_path / "viaduct.service").write_text(unit)
    done = run("systemd-analyze", "verify", "--man=no", str(tmp_path / "viaduct.service"))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


# Stands for a libFuzzer program: takes some processor time, and merges what begins with "new".
FUZZER = """#!/usr/bin/env bash
for last in "$@"; do :; done
if [[ " $* " == *" -merge=1 "* ]]; then
  for input in "$last"/*; do [[ "$(head -c 3 "$input")" != new ]] || cp "$input" "${@: -2:1}"; done
  exit 0
fi
spent() { read -r -a stat <"/proc/$$/stat" && ((stat[13] >= $1)); }
until spent 20; do for ((i = 0; i < 1000; ++i)); do :; done; done
printf '#9 DONE cov: 7 ft: 8 corp: 3/9b\\nDone 9 runs in 1 second(s)\\nstat::number_of_executed_units: 9\\n' >&2
"""


@pytest.fixture(name="fuzzing")
def make_a_tree_to_fuzz(tmp_path):
    """A tree with two targets that are built already."""
    for folder in ("scripts", "build/fuzz/tests/fuzz", "build/fuzz/corpus/a", "tests/fuzz/corpus/a"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "scripts/fuzz", tmp_path / "scripts")
    for name in ("scripts/install-packages", "scripts/build", "build/fuzz/tests/fuzz/fuzz_a",
                 "build/fuzz/tests/fuzz/fuzz_b"):
        (tmp_path / name).write_text("#!/bin/sh\n" if name.startswith("scripts") else FUZZER)
        (tmp_path / name).chmod(0o755)
    for name in "ab":
        (tmp_path / f"tests/fuzz/{name}_fuzz.cc").touch()
    return tmp_path


def test_fuzzing_says_what_each_target_did_and_took(fuzzing):
    done = run(str(fuzzing / "scripts/fuzz"), "1")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert rows[1] == ["target", "executions", "edges", "features", "inputs", "CPU", "s", "result"]
    for name, row in zip("ab", rows[2:4]):
        assert row[:5] + row[6:] == [name, "9", "7", "8", "3", "clean"] and 0.2 <= float(row[5]) < 100
    assert re.fullmatch(r"fuzz: 0\.\d\d CPU-hours", done.stdout.splitlines()[-1])


@pytest.mark.parametrize("target, word", [("config", '"header_timeout"'), ("exchange", '"Transfer-Encoding"'),
                                          ("h2_server", '"content-length"'), ("a", "# libFuzzer refuses")])
def test_fuzzing_makes_inputs_of_words_that_the_sources_know(fuzzing, target, word):
    (fuzzing / "src").symlink_to(ROOT / "src")
    (fuzzing / "build/fuzz/tests/fuzz/fuzz_a").rename(fuzzing / f"build/fuzz/tests/fuzz/fuzz_{target}")
    assert run(str(fuzzing / "scripts/fuzz"), "1", target).returncode == 0
    words = (fuzzing / f"build/fuzz/words/{target}").read_text().splitlines()
    assert any(line.startswith(word) for line in words)
    assert all(re.fullmatch(r'#.*|"([ -!#-\[\]-~]|\\x[0-9a-f]{2})+"', line) for line in words)


def test_what_fuzzing_finds_is_a_failure(fuzzing):
    (fuzzing / "build/fuzz/tests/fuzz/fuzz_b").write_text("#!/bin/sh\nexit 77\n")
    done = run(str(fuzzing / "scripts/fuzz"), "1")
    assert done.returncode == 1 and done.stderr.startswith("b: a finding; see ")
    assert [line.split()[-1] for line in done.stdout.splitlines()[2:4]] == ["clean", "FOUND"]


@pytest.mark.parametrize("arguments", [["0"], ["x"], ["--what"]])
def test_fuzzing_needs_a_time(fuzzing, arguments):
    done = run(str(fuzzing / "scripts/fuzz"), *arguments)
    assert done.returncode == 2 and "scripts/fuzz --merge [TARGET...]" in done.stderr


def test_merging_takes_short_new_inputs_and_not_too_many(fuzzing):
    found, kept = fuzzing / "build/fuzz/corpus/a", fuzzing / "tests/fuzz/corpus/a"
    (kept / "before").write_text("new, once")
    (found / "long").write_text("new" + "x" * 1022)
    (found / "dull").write_text("as before")
    for size in range(30):
        (found / f"{size:02}").write_text("new" + "x" * size)
    done = run(str(fuzzing / "scripts/fuzz"), "--merge", "a")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].split() == ["a", "30", "20"]
    assert {path.name for path in kept.iterdir()} == {"before", *(f"{size:02}" for size in range(20))}
    assert not list(fuzzing.glob("build/fuzz/merge.*"))
    done = run(str(fuzzing / "scripts/fuzz"), "--merge")
    assert [line.split() for line in done.stdout.splitlines()[1:]] == [["a", "10", "10"], ["b", "0", "0"]]


@pytest.fixture(name="installed")
def install_into_a_folder(tmp_path):
    """Installs below a folder with a build of its own that has no program; returns the install command and folder."""
    build = tmp_path / "build"
    configured = run("cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja", "-DVIADUCT_TESTS=OFF")
    assert configured.returncode == 0, configured.stderr
    command = ["cmake", "--install", str(build), "--prefix", "/opt/viaduct", "--component"]
    return command, tmp_path / "root", dict(os.environ, DESTDIR=str(tmp_path / "root"))


def test_installing_keeps_the_operators_config_and_gives_the_unit_its_prefix(installed):
    command, root, environment = installed
    config = root / "etc/viaduct/viaduct.yaml"
    assert run(*command, "config", env=environment).returncode == 0
    assert config.read_bytes() == (ROOT / "conf/viaduct.yaml").read_bytes()
    page = root / "etc/viaduct/errors/unavailable.html"
    assert page.exists()
    rules = root / "etc/logrotate.d/viaduct"
    assert rules.read_bytes() == (ROOT / "conf/logrotate.conf").read_bytes()
    for mine in (config, rules):
        mine.write_text("# mine\n")
    page.unlink()
    assert run(*command, "config", env=environment).returncode == 0
    assert config.read_text() == rules.read_text() == "# mine\n" and not page.exists()
    assert run(*command, "operation", env=environment).returncode == 0
    unit = (root / "opt/viaduct/lib/systemd/system/viaduct.service").read_text()
    assert "ExecStart=/opt/viaduct/bin/viaduct run" in unit and "/usr/" not in unit


def test_links_of_the_installed_documents_lead_somewhere(installed):
    """Those to the source's own folders, and to its parts, do not."""
    command, root, environment = installed
    assert run(*command, "operation", env=environment).returncode == 0
    documents = root / "opt/viaduct/share/doc/viaduct"
    links = [(page, target) for page in [*documents.glob("*.md"), *documents.glob("docs/*.md")]
             for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text())
             if not re.match(r"(?:\.\./)?(?:bench|scripts|src|tests|Dockerfile)\b", target)]
    assert len(links) > 30
    assert not [(page.name, target) for page, target in links if not (page.parent / target).exists()]


def test_what_a_package_brings_starts_and_is_no_example(installed):
    command, root, environment = installed
    assert run(*command, "package", env=environment).returncode == 0
    config = root / "etc/viaduct/viaduct.yaml"
    assert config.read_bytes() == (ROOT / "packaging/viaduct.yaml").read_bytes()
    assert (root / "etc/logrotate.d/viaduct").exists()
    for line in (ROOT / "packaging/conffiles").read_text().split():
        assert (root / line.lstrip("/")).is_file(), line


def test_a_package_has_the_documents_that_debian_asks_for(installed, tmp_path):
    command, root, environment = installed
    for part in ("operation", "package"):
        assert run(*command, part, env=environment).returncode == 0
    documents = root / "opt/viaduct/share/doc/viaduct"
    page = root / "opt/viaduct/share/man/man8/viaduct.8"
    page.parent.mkdir(parents=True)
    page.write_text(".TH viaduct 8\n")
    # In the words that CPack's own program gets.
    settings = re.findall(r'^set\((CPACK_(?:PACKAGE_VERSION|PACKAGE_CONTACT|DEBIAN_PACKAGE_RELEASE|PRE_BUILD_SCRIPTS)) '
                          r'"(.*)"\)$', (tmp_path / "build/CPackConfig.cmake").read_text(), re.M)
    assert len(settings) == 4, settings
    done = run("cmake", *(f"-D{name}={value}" for name, value in settings), f"-DCPACK_TEMPORARY_DIRECTORY={root}", "-P",
               dict(settings)["CPACK_PRE_BUILD_SCRIPTS"], env=dict(os.environ, SOURCE_DATE_EPOCH="1764335078"))
    assert done.returncode == 0, done.stderr
    assert unpack(page) == ".TH viaduct 8\n" and not page.exists()
    assert unpack(documents / "changelog") == (ROOT / "CHANGELOG.md").read_text()
    assert not (documents / "CHANGELOG.md").exists()
    version = re.search(r"^project\(viaduct VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]
    entry = re.fullmatch(r"viaduct \((.+)\) stable; urgency=medium\n\n(?:  \* .+\n)+\n -- .+ <.+@.+>  (.+)\n",
                         unpack(documents / "changelog.Debian"))
    assert entry and entry.groups() == (f"{version}-1", "Fri, 28 Nov 2025 13:04:38 +0000"), entry
    rights = (documents / "copyright").read_text()
    assert "/usr/share/common-licenses/Apache-2.0" in rights
    named = set(re.findall(r"^License: (\S+)$", rights, re.M))
    for name in named:
        assert f"\nLicense: {name}\n " in rights, name


def unpack(path):
    """The text of the compressed file beside `path`, which says neither its name nor its time, and was made with -9."""
    data = path.with_name(path.name + ".gz").read_bytes()
    assert data[3:10] == bytes([0, 0, 0, 0, 0, 2, 3]), data[:10]
    return gzip.decompress(data).decode()


@pytest.mark.parametrize("name", ["postinst", "prerm", "postrm"])
def test_scripts_of_the_package_parse_and_stop_at_errors(name):
    script = ROOT / "packaging" / name
    assert run("sh", "-n", str(script)).stderr == ""
    assert os.access(script, os.X_OK) and "\nset -e\n" in script.read_text()


def test_the_rotation_of_logs_is_valid(tmp_path):
    rules = (ROOT / "conf/logrotate.conf").read_text().replace("/var/log/viaduct", str(tmp_path)).replace(
        "create 0640 viaduct viaduct", "create 0640")
    (tmp_path / "access.log").write_text("a line\n")
    (tmp_path / "rules").write_text(rules)
    done = run("logrotate", "--force", "--state", str(tmp_path / "state"), str(tmp_path / "rules"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "access.log.1").read_text() == "a line\n" and (tmp_path / "access.log").read_text() == ""


def test_the_image_copies_what_is_there_and_runs_without_rights():
    text = (ROOT / "Dockerfile").read_text()
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M):
        for source in sources.split():
            assert (ROOT / source).exists(), source
    assert "apt-get install" not in text, "scripts/packages.txt names the packages"
    last = text[text.rindex("\nFROM "):]
    assert "\nUSER viaduct\n" in last and "\nHEALTHCHECK " in last
