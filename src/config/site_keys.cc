// SPDX-License-Identifier: Apache-2.0
#include "config/site_keys.h"

#include "config/filter_keys.h"
#include "config/key_types.h"
#include "config/listener_keys.h"
#include "config/names.h"
#include "config/route_keys.h"

namespace viaduct::config {

namespace {

Type<CertificateFiles> certificate_files() {
  Table<CertificateFiles> table;
  table.add("cert", &CertificateFiles::cert, path("file"), "The certificate and its chain, a PEM file, leaf first.")
      .required();
  table.add("key", &CertificateFiles::key, path("file"), "Its private key, a PEM file.").required();
  table.add("ocsp", &CertificateFiles::ocsp, path("file"),
            "What its authority says of it (OCSP, DER), fetched by another program and watched; stapled while it "
            "holds.");
  table.add("client_ca", &CertificateFiles::client_ca, path("file"),
            "Authorities (PEM) of clients' certificates; without one: 421, plain HTTP too. Upstreams get it as "
            "Client-Cert (RFC 9440).");
  table.add("client_auth", &CertificateFiles::client_auth, client_auth(),
            "Whether a client without a certificate is refused, too; one that is not valid always is.");
  Type<CertificateFiles> type = object(table);
  type.read = [read = std::move(type.read)](const Node& node, CertificateFiles& files, const Scope& scope) {
    read(node, files, scope);
    files.place = node.place;
  };
  return type;
}

Table<Hsts> hsts_keys() {
  Table<Hsts> table;
  table.add("max_age", &Hsts::max_age, duration(0s, 24h * 3650),
            "How long a browser uses nothing but HTTPS for these hosts.");
  table.add("include_subdomains", &Hsts::include_subdomains, boolean(), "Also for all names below them.");
  table.add("preload", &Hsts::preload, boolean(), "Agree to stand in the lists that browsers are shipped with.");
  return table;
}

// Each route starts from what its site and `defaults` say, and adds its own.
Type<SiteDraft> routes() {
  Type<SiteDraft> type;
  const Table<RouteDraft> table = route_keys();
  type.info = list_info(object(table).info, false);
  type.info.name = "list of routes";
  type.read = [reader = table.reader()](const Node& node, SiteDraft& site, const Scope& scope) {
    if (!expect_list(node, scope, "list of routes", false)) return;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      RouteDraft& route = site.drafts.emplace_back(site.inherited);
      route.place = node.items[i].place;
      reader.read(node.items[i], route, scope.at_index(i, node.items[i]));
    }
  };
  type.write = [writer = table.writer()](const SiteDraft& site) {
    Node list = Node::list();
    for (const RouteDraft& route : site.drafts) list.items.push_back(writer.write(route));
    return list;
  };
  return type;
}

}  // namespace

Table<SiteDraft> site_keys() {
  Table<SiteDraft> table;
  table.add("hosts", &SiteDraft::hosts, list_of(text("host name", check_host)),
            "The host names of the site, without port; \"*.example.com\" takes every name below example.com.");
  table.add("default", &SiteDraft::is_default, boolean(),
            "Take the hosts that no site names; without any, the first site answers where no host is named at all.");
  table.add("tls", &SiteDraft::certificates, list_of(certificate_files()),
            "The certificate, or a list of them (RSA and ECDSA); renewed files are picked up by themselves.");
  table.add("hsts", &SiteDraft::hsts, or_null(object(hsts_keys())),
            "Strict-Transport-Security on every answer over TLS, in the place of the upstream's (RFC 6797).");
  table.add("deny", &SiteDraft::deny, list_of(text("path", check_path)),
            "Decoded paths that are refused before every route, under every spelling; \"/x/\" covers /x, too.");
  table.add("trusted_proxies", &SiteDraft::trusted_proxies, cidr_set(),
            "Proxies in front whose X-Forwarded-* are believed; unix: for those on Unix sockets.");
  table.add_inherited(&SiteDraft::inherited, inherited_route_keys());
  // Last, so that routes inherit what the site says.
  table.add("routes", routes(), "The rules; the most specific that fits wins, whatever their order.").required();
  return table;
}

}  // namespace viaduct::config
