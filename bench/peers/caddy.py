# SPDX-License-Identifier: Apache-2.0
"""Caddy."""

import json

from .peer import FEATURES, IDLE_CONNECTIONS, IDLE_SECONDS, Peer


class Caddy(Peer):
    """Trap: a host that no logger is named for is left out of the access log without a word; here one logger takes all
    hosts, and the benchmark looks at the log's growth. It reloads by its admin API alone."""

    name = "caddy"
    package = "caddy"
    features = frozenset(FEATURES)
    notes = "writes each line of the log by a system call; logs JSON"

    def __init__(self):
        self.environment = {}

    def command(self, setting):
        # It keeps what it learns below its home.
        self.environment = {"GOMAXPROCS": str(setting.workers), "XDG_DATA_HOME": setting.folder,
                            "XDG_CONFIG_HOME": setting.folder}
        common = {"routes": self._routes(setting), "automatic_https": {"disable": True},
                  "idle_timeout": f"{IDLE_SECONDS}s"}
        if setting.logged:
            common["logs"] = {"default_logger_name": "all"}
        servers = {
            "plain": {**common, "listen": [f"127.0.0.1:{setting.plain_port}"], "protocols": ["h1"]},
            "tls": {**common, "listen": [f"127.0.0.1:{setting.tls_port}"], "protocols": ["h1", "h2"],
                    "tls_connection_policies": [{"default_sni": setting.sites[0].name}]},
        }
        certificates = [{"certificate": site.certificate, "key": site.key} for site in setting.sites]
        config = {
            "admin": {"disabled": True},
            "logging": {"logs": {
                "default": {"level": "ERROR", "exclude": ["http.log.access"]},
                "access": {"writer": {"output": "file", "filename": setting.log, "roll": False},
                           "encoder": {"format": "json"}, "include": ["http.log.access"]}}},
            "apps": {"http": {"servers": servers}, "tls": {"certificates": {"load_files": certificates}}},
        }
        return ["caddy", "run", "--config", setting.write("caddy.json", json.dumps(config, indent=1))]

    def _routes(self, setting):
        fields = {"handler": "headers", "response": {"set": {"Access-Control-Allow-Origin": [setting.allow_origin],
                                                              "Vary": ["Origin"]}}}
        app = self._proxy(setting.upstream)
        secure = self._proxy(setting.tls_upstream, {"insecure_skip_verify": True})
        files = {"handler": "file_server", "root": setting.www}
        routes = [{"handle": [fields]},
                  {"match": [{"path": ["/static/*"]}], "handle": [files], "terminal": True},
                  {"match": [{"path": ["/secure/*"]}], "handle": [secure], "terminal": True}]
        routes += [{"match": [{"path": [f"{prefix}*"]}], "handle": [app], "terminal": True}
                   for prefix in setting.routes]
        return [*routes, {"handle": [app]}]

    @staticmethod
    def _proxy(port, tls=None):
        transport = {"protocol": "http", "versions": ["1.1"],
                     "keep_alive": {"enabled": True, "max_idle_conns": IDLE_CONNECTIONS,
                                    "max_idle_conns_per_host": IDLE_CONNECTIONS}}
        if tls is not None:
            transport["tls"] = tls
        return {"handler": "reverse_proxy", "upstreams": [{"dial": f"127.0.0.1:{port}"}], "transport": transport}
