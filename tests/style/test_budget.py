"""bench/budget: it reads what the tools write, and says what is beyond the budget and nothing else."""

import importlib.machinery
import importlib.util
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
LOADER = importlib.machinery.SourceFileLoader("budget", str(ROOT / "bench/budget"))
budget = importlib.util.module_from_spec(importlib.util.spec_from_loader("budget", LOADER))
LOADER.exec_module(budget)
counting = budget.counting

BUDGET = counting.Counts(data_calls=4.0, other_calls=2.0, allocations=6.0, instructions=10_000, all_instructions=20_000)
PROFILE = """\
events: Ir
ob=(1) /somewhere/viaduct
fl=(1) a.cc
fn=(1) viaduct::codec::read(char const*)
10 700
cob=(2) /lib/libc.so.6
cfi=(2) malloc.c
cfn=(2) malloc
calls=3 0
11 5000
+1 25
fn=(3) std::sort
* 5
ob=(2)
fl=(2)
fn=(2)
20 5000
cfn=(4) calloc'2
calls=1 0
* 10
totals: 5730
"""


def test_a_profile_is_read_by_part_without_the_cost_of_calls(tmp_path):
    (tmp_path / "profile").write_text(PROFILE)
    allocations, costs = counting.count_profile(tmp_path / "profile")
    assert allocations == 4
    assert {counting.part_of(*place): cost for place, cost in costs.items()} == {
        "viaduct codec": 725, "viaduct (std, fmt)": 5, "libc": 5000}


def test_system_calls_are_those_of_the_busiest_thread_since_the_last_time(tmp_path):
    calls = counting.SystemCalls(tmp_path)
    log = tmp_path / "strace.log"
    log.write_text("7 recvfrom(3, \"\", 9, 0, NULL, NULL) = 0\n")
    calls.take(None)
    with log.open("a") as file:
        file.write("7 epoll_wait(4 <unfinished ...>\n8 write(1, \"\\n9 read(\", 8) = 8\n"
                   "7 <... epoll_wait resumed>, [], 32, 1) = 0\n7 sendmsg(3, {}, 0) = 9\n7 sendmsg(3, {}, 0) = 9\n")
    assert calls.take(None) == {"data_calls": 2, "other_calls": 1}


@pytest.mark.parametrize("field, within, beyond", [("data_calls", 4.04, 4.06), ("other_calls", 2.04, 3.0),
                                                   ("allocations", 6.01, 6.03), ("instructions", 10_290, 10_310)])
def test_each_count_has_its_bound(field, within, beyond):
    assert budget.excesses(budget.dataclasses.replace(BUDGET, **{field: within}), BUDGET) == []
    assert len(budget.excesses(budget.dataclasses.replace(BUDGET, **{field: beyond}), BUDGET)) == 1


def test_instructions_of_libraries_and_counts_below_the_budget_are_nobodys_fault():
    counts = counting.Counts(data_calls=3.0, other_calls=1.0, allocations=0.0, instructions=1, all_instructions=99_999)
    assert budget.excesses(counts, BUDGET) == []


def test_the_budget_has_every_scenario_of_the_build_that_is_tested():
    rows = budget.read_budget()
    assert all((build, name) in rows for build in ("dev", "release") for name in budget.SCENARIOS)
