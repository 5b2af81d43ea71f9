# SPDX-License-Identifier: Apache-2.0
"""The floor: bench_floor, which moves bytes and does nothing else."""

from .peer import FEATURES, Peer


class Floor(Peer):
    """In each scenario the least program for its work; it is no proxy, so it sets no fields and writes no log."""

    name = "floor"
    features = frozenset(FEATURES - {"h2"})  # frames are not to be had without parsing
    forwards = False
    notes = "moves bytes without looking at them; answers files and idle connections from memory"

    def command(self, setting):
        scenario = setting.scenario
        command = [f"{setting.programs}/bench_floor", "--port",
                   str(setting.tls_port if scenario.tls else setting.plain_port)]
        if scenario.tls:
            site = next(site for site in setting.sites if site.name == scenario.server_name)
            command += ["--tls", site.certificate, "--key", site.key]
        if scenario.floor_answer_bytes:
            return [*command, "--answer", str(scenario.floor_answer_bytes), "--release-buffers"]
        if "tls-upstream" in scenario.needs:
            return [*command, "--upstream", str(setting.tls_upstream), "--upstream-tls"]
        return [*command, "--upstream", str(setting.upstream)]
