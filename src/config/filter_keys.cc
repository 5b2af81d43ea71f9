// SPDX-License-Identifier: Apache-2.0
#include "config/filter_keys.h"

#include <algorithm>

#include "base/bytes.h"
#include "config/address.h"
#include "config/files.h"
#include "config/names.h"
#include "config/password_file.h"

namespace viaduct::config {

namespace {

using EditedFields = std::vector<std::pair<std::string, FieldValue>>;

constexpr std::string_view kHeaderKey = "header:";

Parsed<std::string> check_request_field(const std::string& name) {
  if (base::lower_case(name) == "host") {
    return std::unexpected("Host is chosen by the upstream; write upstreams: NAME: host: HOST");
  }
  return check_editable_field(name);
}

Parsed<std::string> check_cors_header(const std::string& name) {
  return name == "*" ? Parsed<std::string>(name) : check_field_name(name);
}

Parsed<std::string> check_cors_method(const std::string& name) {
  return name == "*" ? Parsed<std::string>(name) : check_method(name);
}

void erase_field(EditedFields& fields, const std::string& name) {
  std::erase_if(fields, [&name](const auto& field) { return base::equals_ignoring_case(field.first, name); });
}

// A map of field names to values. Names merge with what was inherited; null takes an inherited one away.
Type<EditedFields> edited_fields(TextRule name_rule) {
  Type<EditedFields> type;
  const Type<FieldValue> value_type = field_value(check_field_value);
  type.info.form = TypeInfo::Form::kMap;
  type.info.name = "map of field names to values";
  type.info.item = {value_type.info};
  type.info.item.front().is_nullable = true;
  type.read = [name_rule = std::move(name_rule), value_type](const Node& node, EditedFields& fields,
                                                             const Scope& scope) {
    if (!expect_map(node, scope)) return;
    for (const Entry& entry : node.entries) {
      const Scope inner = scope.at_name(entry);
      const auto name = name_rule(entry.key);
      if (!name) inner.error(entry.key_place, name.error());
      if (is_repeated_field(node, entry, scope)) continue;
      erase_field(fields, entry.key);
      if (!name || entry.value.is_null()) continue;
      FieldValue value;
      value_type.read(entry.value, value, inner);
      fields.emplace_back(*name, std::move(value));
    }
  };
  type.write = [value_type](const EditedFields& fields) {
    Node map = Node::map();
    for (const auto& [name, value] : fields) map.add(name, value_type.write(value));
    return map;
  };
  return type;
}

Table<FieldEdits> field_edit_keys(const TextRule& name_rule) {
  Table<FieldEdits> table;
  table.add("remove", &FieldEdits::remove, list_of(text("field name", name_rule)), "Fields to take away, first.");
  table.add(
      "set", &FieldEdits::set, edited_fields(name_rule),
      "Fields in the place of those of the same name; may hold ${host} and others as redirect.to; null drops one.");
  table.add("add", &FieldEdits::add, edited_fields(name_rule),
            "Fields beside those of the same name; may hold ${host} and others as redirect.to; null drops one.");
  return table;
}

// Exactly two texts, such as [from, to].
std::optional<std::pair<std::string, std::string>> read_pair(const Node& node, const Scope& scope,
                                                             const std::string& wanted) {
  if (!node.is_list() || node.items.size() != 2) {
    scope.error(node.place, base::format("this should be two texts, but it is {}; write {}",
                                         node.is_list() ? base::format("a list of {}", node.items.size())
                                                        : std::string(describe(node)),
                                         wanted));
    return std::nullopt;
  }
  const auto from = read_scalar(node.items[0], scope.at_index(0, node.items[0]), "text");
  const auto to = read_scalar(node.items[1], scope.at_index(1, node.items[1]), "text");
  if (!from || !to) return std::nullopt;
  return std::pair(*from, *to);
}

bool check_rewritten_path(const Node& node, const std::string& path, const Scope& scope) {
  const auto checked = check_path(path);
  if (!checked) scope.error(node.place, checked.error());
  return checked.has_value();
}

TypeInfo pair_info(const std::string& name) {
  TypeInfo info = list_info(text("text").info, false);
  info.name = name;
  return info;
}

Type<Rewrite> strip_prefix() {
  Type<Rewrite> type;
  type.info = text("path").info;
  const Type<std::string> checked = text("path", check_path);
  type.read = [checked](const Node& node, Rewrite& rewrite, const Scope& scope) {
    checked.read(node, rewrite.emplace<StripPrefix>().prefix, scope);
  };
  type.write = [](const Rewrite& rewrite) {
    const auto* held = std::get_if<StripPrefix>(&rewrite);
    return held == nullptr ? Node{} : Node::quoted(held->prefix);
  };
  return type;
}

Type<Rewrite> replace_prefix() {
  Type<Rewrite> type;
  type.info = pair_info("two paths");
  type.read = [](const Node& node, Rewrite& rewrite, const Scope& scope) {
    const auto pair = read_pair(node, scope, "[/from, /to]");
    if (!pair) return;
    const bool is_good = check_rewritten_path(node.items[0], pair->first, scope.at_index(0, node.items[0])) &&
                         check_rewritten_path(node.items[1], pair->second, scope.at_index(1, node.items[1]));
    if (is_good) rewrite = ReplacePrefix{.from = pair->first, .to = pair->second};
  };
  type.write = [](const Rewrite& rewrite) {
    const auto* held = std::get_if<ReplacePrefix>(&rewrite);
    return held == nullptr ? Node{} : Node::list({Node::quoted(held->from), Node::quoted(held->to)});
  };
  return type;
}

Type<Rewrite> replace_regex() {
  Type<Rewrite> type;
  type.info = pair_info("regular expression and replacement");
  type.read = [](const Node& node, Rewrite& rewrite, const Scope& scope) {
    const auto pair = read_pair(node, scope, "['EXPRESSION', 'REPLACEMENT']");
    if (!pair) return;
    if (const auto checked = check_regex(pair->first); !checked) {
      return scope.at_index(0, node.items[0]).error(node.items[0].place, checked.error());
    }
    if (const auto checked = check_replacement(pair->second); !checked) {
      return scope.at_index(1, node.items[1]).error(node.items[1].place, checked.error());
    }
    rewrite = ReplaceRegex{.pattern = pair->first, .replacement = pair->second};
  };
  type.write = [](const Rewrite& rewrite) {
    const auto* held = std::get_if<ReplaceRegex>(&rewrite);
    return held == nullptr ? Node{} : Node::list({Node::quoted(held->pattern), Node::quoted(held->replacement)});
  };
  return type;
}

Type<RateLimit> rate() {
  Type<RateLimit> type;
  type.info.name = "rate";
  type.info.pattern = "^[1-9][0-9]*/[smhd]$";
  type.read = [](const Node& node, RateLimit& limit, const Scope& scope) {
    const auto text = read_scalar(node, scope, "a rate");
    if (!text) return;
    const auto parsed = parse_rate(*text);
    if (!parsed) return scope.error(node.place, parsed.error());
    limit.requests = parsed->events;
    limit.per = parsed->per;
  };
  type.write = [](const RateLimit& limit) {
    return limit.requests == 0 ? Node{} : Node::word(format_rate({.events = limit.requests, .per = limit.per}));
  };
  return type;
}

// "client_ip", "route" or "header:NAME".
Type<RateLimit> rate_key() {
  Type<RateLimit> type;
  type.info.name = "client_ip, route or header:NAME";
  type.info.pattern = "^(client_ip|route|header:.+)$";
  type.read = [](const Node& node, RateLimit& limit, const Scope& scope) {
    const auto text = read_scalar(node, scope, "client_ip, route or header:NAME");
    if (!text) return;
    limit.header.clear();
    if (*text == "client_ip" || *text == "route") {
      limit.key = *text == "route" ? RateKey::kRoute : RateKey::kClientIp;
      return;
    }
    const std::vector<std::string> known = {"client_ip", "route", "header:NAME"};
    if (!text->starts_with(kHeaderKey)) return scope.error(node.place, no_choice(*text, known));
    const auto name = check_field_name(text->substr(kHeaderKey.size()));
    if (!name) return scope.error(node.place, name.error());
    limit.key = RateKey::kHeader;
    limit.header = *name;
  };
  type.write = [](const RateLimit& limit) {
    if (limit.key == RateKey::kHeader) return Node::quoted(std::string(kHeaderKey) + limit.header);
    return Node::word(limit.key == RateKey::kRoute ? "route" : "client_ip");
  };
  return type;
}

}  // namespace

Type<base::CidrSet> cidr_set(const std::string& remedy) {
  Type<base::CidrSet> type;
  const Type<std::vector<base::Cidr>> ranges = list_of(scalar_type<base::Cidr>(
      text("address range").info, parse_cidr, [](const base::Cidr& range) { return Node::quoted(range.to_string()); }));
  type.info = ranges.info;
  type.info.needs_one = !remedy.empty();
  type.read = [ranges, remedy](const Node& node, base::CidrSet& set, const Scope& scope) {
    if (!remedy.empty() && node.is_list() && node.items.empty()) {
      return scope.error(node.place, "the list is empty; " + remedy);
    }
    std::vector<base::Cidr> read;
    ranges.read(node, read, scope);
    set = base::CidrSet();
    for (const base::Cidr& range : read) set.add(range);
  };
  type.write = [ranges](const base::CidrSet& set) { return ranges.write(set.ranges()); };
  return type;
}

Table<Allow> allow_keys() {
  Table<Allow> table;
  table
      .add("addresses", &Allow::addresses, cidr_set("add a range of addresses, or write allow: null"),
           "Client addresses that may pass.")
      .required_unless_inherited();
  table.add("mode", &Allow::mode,
            choice<AllowMode>(
                {{.word = "enforce", .value = AllowMode::kEnforce}, {.word = "report", .value = AllowMode::kReport}}),
            "enforce refuses the others with 403; report logs them.");
  table.add("i_know", &Allow::i_know, boolean(),
            "No warning where a callback route enforces, although the platforms call from addresses in no list, too.");
  return table;
}

namespace {

constexpr std::size_t kPasswordFileBytesMax = 1024 * 1024;

// A quoted-string in a field (RFC 9110 §5.6.4), without anything that would need an escape there.
Parsed<std::string> check_realm(const std::string& realm) {
  const bool is_plain = std::ranges::all_of(realm, [](char byte) {
    return static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\';
  });
  if (is_plain && !realm.empty()) return realm;
  return std::unexpected(
      "a realm has at least one character, and no quotation mark, backslash or control character; "
      "write a few words such as \"Operators\"");
}

// Reads the users behind the path.
Type<BasicAuth> password_file() {
  const Type<std::string> file_path = path("file");
  Type<BasicAuth> type;
  type.info = file_path.info;
  type.read = [file_path](const Node& node, BasicAuth& auth, const Scope& scope) {
    file_path.read(node, auth.file, scope);
    if (auth.file.empty()) return;
    const auto text = read_text_file(auth.file, kPasswordFileBytesMax);
    if (!text) return scope.file_error(node.place, text.error());
    auto users = parse_password_file(*text);
    if (!users) return scope.file_error(node.place, base::format("{}: {}", auth.file, users.error()));
    auth.users = std::move(*users);
  };
  type.write = [](const BasicAuth& auth) { return Node::quoted(auth.file); };
  return type;
}

}  // namespace

Table<BasicAuth> basic_auth_keys() {
  Table<BasicAuth> table;
  table.add("realm", &BasicAuth::realm, text("text", check_realm), "What browsers show beside their question.")
      .required_unless_inherited();
  table
      .add("file", password_file(),
           "Lines user:hash, as `htpasswd -B` or `mkpasswd` write them; read at start and at every reload.")
      .required_unless_inherited();
  table.add("forward", &BasicAuth::forward, boolean(),
            "Leave Authorization in the request for the upstream, which else does not see the password.");
  return table;
}

Table<Cors> cors_keys() {
  Table<Cors> table;
  table
      .add("allow_origins", &Cors::allow_origins,
           filled_list_of(text("CORS origin", check_cors_origin), "add an origin, or write cors: null"),
           "The origins that CORS lets in: \"https://www.example.com\", patterns \"https://*.example.com\", or \"*\" "
           "alone.")
      .required_unless_inherited();
  table.add("allow_methods", &Cors::allow_methods, list_of(text("method", check_cors_method)),
            "Methods that a preflight is granted; \"*\" for every one.");
  table.add("allow_headers", &Cors::allow_headers, list_of(text("field name", check_cors_header)),
            "Request fields that a preflight is granted.");
  table.add("expose_headers", &Cors::expose_headers, list_of(text("field name", check_cors_header)),
            "Response fields that a page may read.");
  table.add("allow_credentials", &Cors::allow_credentials, boolean(), "Let pages send cookies and authorization.");
  table.add("max_age", &Cors::max_age, or_null(duration(0s, 24h * 30)),
            "How long a browser may remember the answer to a preflight.");
  return table;
}

Table<HeaderEdits> header_edit_keys() {
  Table<HeaderEdits> table;
  table.add("request", &HeaderEdits::request, object(field_edit_keys(check_request_field)),
            "Edits of what goes to the upstream.");
  table.add("response", &HeaderEdits::response, object(field_edit_keys(check_editable_field)),
            "Edits of what goes to the client.");
  return table;
}

Table<RateLimit> rate_limit_keys() {
  Table<RateLimit> table;
  table.add("rate", rate(), "Requests in a time, over long: 50/s, 10/m.").required_unless_inherited();
  table.add("burst", &RateLimit::burst, count<std::uint32_t>(0, 1'000'000), "Requests that may come at once on top.");
  table.add("key", rate_key(),
            "What is counted apart: each client address (IPv6: each /64), each value of a field, or the route.");
  return table;
}

Type<Rewrite> rewrite() {
  Table<Rewrite> table({"strip_prefix", "prefix", "regex"});
  table.add("strip_prefix", strip_prefix(), "Take this away from the start of the path.").defaults_to("none");
  table.add("prefix", replace_prefix(), "[/a, /b]: put /b in the place of /a at the start of the path.");
  table.add(
      "regex", replace_regex(),
      "[EXPRESSION, REPLACEMENT]: RE2, decoded paths; \\1 to \\9 are groups; what stands behind a ? joins the query.");
  return object(table);
}

}  // namespace viaduct::config
