# SPDX-License-Identifier: Apache-2.0
"""Manual pages and completions: they come from the program itself; here programs of the system read them."""
import os
import re
import subprocess

import pytest

from harness.cli import run
from harness.waiting import DEADLINE


def printed(*arguments):
    done = run("reference", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def command_names():
    shown = run("--help").stdout.partition("Subcommands:\n")[2]
    return re.findall(r"^  ([\w-]+)  ", shown, re.M)


@pytest.mark.parametrize("section", ["5", "8"])
def test_groff_has_nothing_to_say_about_the_pages(section):
    source = printed("--man", section)
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-P-cbou"], input=source, capture_output=True, text=True,
                          timeout=DEADLINE, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "NAME" in done.stdout and "SEE ALSO" in done.stdout


def test_every_command_and_option_has_its_place():
    page = printed("--man", "8").replace("\\-", "-")
    names = command_names()
    assert {"run", "check", "doctor", "reference"} <= set(names)
    for name in names:
        assert f"\n.SS {name}\n" in page, name
        for option in re.findall(r"^  (?:-\w,)?(--[\w-]+)", run(name, "--help").stdout, re.M):
            assert f"\\fB{option}\\fR" in page, (name, option)


def bash_completes(place, *words):
    """What bash proposes for the last of `words`."""
    script = place / "completion.bash"
    script.write_text(printed("--completion", "bash"))
    line = " ".join(f"'{word}'" for word in words)
    done = subprocess.run(["bash", "--norc", "-c", f". {script}; COMP_WORDS=(viaduct {line}); COMP_CWORD={len(words)}; "
                           'compopt() { :; }; _viaduct; printf "%s\\n" "${COMPREPLY[@]}"'],
                          capture_output=True, text=True, timeout=DEADLINE, check=True, cwd=place)
    assert done.stderr == "", done.stderr
    return done.stdout.split()


def test_bash_completes(place):
    assert set(command_names()) <= set(bash_completes(place, ""))
    assert bash_completes(place, "chec") == ["check"]
    assert set(bash_completes(place, "check", "--")) == {"--help", "--config", "--json", "--against", "--old", "--host"}
    assert bash_completes(place, "reference", "--man", "") == ["5", "8"]
    assert bash_completes(place, "reference", "--completion", "z") == ["zsh"]
    (place / "site.yaml").write_text("")
    assert bash_completes(place, "check", "-c", "site") == ["site.yaml"]


# Loads the completion as zsh does (the words of each case are arguments, up to one that is END). _describe and
# _arguments work in a line editor alone: what they are given is the function's whole work.
ZSH = """
fpath=($1 ${^fpath}/compinit(N:h))
autoload -Uz compinit && compinit -D -u || exit 3
[[ "$_comps[viaduct]" == _viaduct ]] && autoload -Uz +X _viaduct && (( $+functions[_viaduct] )) || exit 4
_describe() { print -rl -- "${(@P)2}" }
_arguments() { print -rl -- "$@" }
shift
local -a line
for word; do
  if [[ "$word" != END ]]; then line+=("$word"); continue; fi
  words=(viaduct "${line[@]}") CURRENT=$(( $#line + 1 ))
  line=()
  _viaduct
  print -r -- END
done
"""


def zsh_proposes(place, *cases):
    """What zsh proposes for the last word of each case, a list of words."""
    folder = place / "zsh"
    folder.mkdir(exist_ok=True)
    (folder / "_viaduct").write_text(printed("--completion", "zsh"))
    words = [word for case in cases for word in [*case, "END"]]
    done = subprocess.run(["zsh", "-f", "-c", ZSH, "zsh", str(folder), *words], capture_output=True, text=True,
                          timeout=DEADLINE, check=False, cwd=place,
                          env={"PATH": os.environ["PATH"], "HOME": str(place)})
    assert (done.returncode, done.stderr) == (0, ""), done
    found = done.stdout.split("END\n")
    assert len(found) == len(cases) + 1 and found[-1] == "", done.stdout
    return found[:-1]


def test_zsh_completes(place):
    names = command_names()
    commands, *options = zsh_proposes(place, [""], *([name, "--"] for name in names))
    assert [line.partition(":")[0] for line in commands.splitlines()] == names
    for name, offered in zip(names, options, strict=True):
        known = re.findall(r"^  (?:-\w,)?(--[\w-]+)", run(name, "--help").stdout, re.M)
        assert set(re.findall(r"^'?(--[\w-]+)\[", offered, re.M)) == set(known), (name, offered)
