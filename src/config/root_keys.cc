// SPDX-License-Identifier: Apache-2.0
#include "config/root_keys.h"

#include "config/key_types.h"
#include "config/listener_keys.h"
#include "config/route_keys.h"
#include "config/service_keys.h"
#include "config/site_keys.h"
#include "config/upstream_keys.h"

namespace viaduct::config {

namespace {

Type<Listener> listener() {
  Type<Listener> type = object(listener_keys());
  type.read = [read = std::move(type.read)](const Node& node, Listener& value, const Scope& scope) {
    read(node, value, scope);
    value.place = node.place;
  };
  return type;
}

// Files are included before the tree is read (include.h), so this only checks the form.
Type<std::vector<std::string>> include_patterns() {
  return list_of(text("pattern"));
}

Type<RouteDraft> defaults() {
  Type<RouteDraft> type = object(inherited_route_keys());
  type.read = [read = std::move(type.read)](const Node& node, RouteDraft& value, const Scope& scope) {
    read(node, value, scope.as_partial());
  };
  type.write = [](const RouteDraft&) { return Node{}; };  // what is loaded stands in every route
  return type;
}

Type<ConfigDraft> sites() {
  Type<ConfigDraft> type;
  const Table<SiteDraft> table = site_keys();
  type.info = list_info(object(table).info, false);
  type.info.name = "list of sites";
  type.read = [reader = table.reader()](const Node& node, ConfigDraft& config, const Scope& scope) {
    if (!expect_list(node, scope, "list of sites", false)) return;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      SiteDraft& site = config.sites.emplace_back();
      site.inherited = config.defaults;
      site.place = node.items[i].place;
      reader.read(node.items[i], site, scope.at_index(i, node.items[i]));
    }
  };
  type.write = [writer = table.writer()](const ConfigDraft& config) {
    Node list = Node::list();
    for (const SiteDraft& site : config.sites) list.items.push_back(writer.write(site));
    return list;
  };
  return type;
}

}  // namespace

Table<ConfigDraft> root_keys() {
  Table<ConfigDraft> table;
  table.add("include", &ConfigDraft::include, include_patterns(),
            "More files, as patterns relative to this one: lists append, upstreams and errors merge.");
  table.add("listeners", &ConfigDraft::listeners, list_of(listener(), false), "Where clients connect.").required();
  table.add("tls", &ConfigDraft::tls, object(listener_tls_keys()), "What all TLS listeners speak.");
  table.add("client", &ConfigDraft::client, object(client_keys()), "What a client is granted before a route is known.");
  table.add("defaults", &ConfigDraft::defaults, defaults(), "Keys that all routes inherit.");
  table.add("upstreams", &ConfigDraft::upstreams, upstream_map(), "The servers behind, in named groups.");
  table.add("resolver", &ConfigDraft::resolver, object(resolver_keys()), "How names of servers become addresses.");
  // Behind defaults, from which sites start.
  table.add("sites", sites(), "Sets of host names, each with its routes.").required();
  table.add(
      "errors", &ConfigDraft::errors, error_pages(),
      "Pages for answers that Viaduct itself gives, except to clients that ask for JSON; never on callback routes.");
  table.add("logs", &ConfigDraft::logs, object(log_keys()), "Where log lines go.");
  table.add("admin", &ConfigDraft::admin, object(admin_keys()), "How the daemon is controlled and watched.");
  table.add("process", &ConfigDraft::process, object(process_keys()), "The process itself.");
  return table;
}

}  // namespace viaduct::config
