// SPDX-License-Identifier: Apache-2.0
#include "config/reference.h"

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/format.h"
#include "config/key_table.h"
#include "config/resolve.h"
#include "config/root_keys.h"

namespace viaduct::config {

namespace {

constexpr std::string_view kHead =
    R"(Every key of the configuration, with its type, its default, and what it is for.

durations  500ms, 30s, 5m, 1h, 30d, 1m30s          sizes   bytes, or 64k, 10m, 1g (powers of 1024)
rates      50/s, 10/m, 5/h                         list    [a, b]; one item may stand without brackets
${NAME}    the environment variable NAME;          null    switches off what says "or null"
           ${NAME:-default} with a default
A path is relative to the directory of the config file. In headers, file:PATH takes a secret from a file.
Keys of a route also stand in its site and in `defaults`; a route inherits and overrides them: maps key by key, lists
and values as a whole.

)";

constexpr std::string_view kManualHead = R"(.TH VIADUCT.YAML 5 "" "viaduct {}" "Viaduct"
.SH NAME
viaduct.yaml \- the configuration of viaduct(8)
.SH DESCRIPTION
One file in YAML, by default
.IR /etc/viaduct/viaduct.yaml ,
and what it includes.
Unknown keys, keys that stand twice and values out of range are errors;
.B viaduct check
tells all of them, with line, column and what to do.
.PP
Durations are written 500ms, 30s, 5m, 1h or 30d; sizes in bytes, or 64k, 10m, 1g (powers of 1024); rates 50/s, 10/m,
5/h.
One item of a list may stand without brackets.
\fB${{NAME}}\fR is the environment variable NAME, \fB${{NAME:\-default}}\fR has a default;
in header fields \fBfile:PATH\fR takes a secret from a file.
A path is relative to the directory of the file.
\fBnull\fR switches off what says \(lqor null\(rq.
.PP
Keys of a route also stand in its site and in
.BR defaults ;
a route inherits and overrides them: maps key by key, lists and values as a whole.
.SH KEYS
)";

constexpr std::string_view kManualFoot = R"(.SH FILES
.TP
.I /etc/viaduct/viaduct.yaml
The file that is read where none is named.
.TP
.I /usr/share/doc/viaduct/conf/viaduct.yaml
A whole, commented one.
.SH SEE ALSO
.BR viaduct (8)
)";

std::string describe_type(const KeyInfo& key) {
  const TypeInfo& type = key.type;
  std::string text = type.name;
  if (!type.range.empty()) text += ", " + type.range;
  if (type.is_nullable) text += ", or null";
  if (key.is_required) return text + "; required";
  // A map's default is what its keys say, but one that may be off is on or off.
  if (type.form == TypeInfo::Form::kObject && type.is_nullable) {
    return text + (key.default_text == "none" ? "; default null" : "; on by default");
  }
  const bool shows_default = type.form != TypeInfo::Form::kObject && !key.default_text.empty();
  return shows_default ? text + "; default " + key.default_text : text;
}

void add_keys(const std::vector<KeyInfo>& keys, const std::string& prefix, std::vector<ReferenceEntry>& entries) {
  bool has_told_route_keys = false;
  for (const KeyInfo& key : keys) {
    const bool is_told_elsewhere = key.is_of_route && !prefix.ends_with("routes[].");
    if (is_told_elsewhere && !has_told_route_keys) {
      entries.push_back({.path = prefix + "*",
                         .type = {},
                         .sentence = "Every key of sites[].routes[] but name and match; routes inherit it."});
      has_told_route_keys = true;
    }
    if (is_told_elsewhere) continue;
    std::string path = prefix + key.name;
    entries.push_back({.path = path, .type = describe_type(key), .sentence = key.sentence});
    const TypeInfo* type = &key.type;
    if (!type->item.empty()) {
      path += type->form == TypeInfo::Form::kMap ? ".NAME" : "[]";
      type = &type->item.front();
    }
    add_keys(type->keys, path + ".", entries);
  }
}

// `text` as it is read by man(1): nothing in it is a command.
std::string roff_text(std::string_view text) {
  std::string escaped = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char byte : text) {
    if (byte == '\\') {
      escaped += "\\e";
    } else if (byte == '-') {
      escaped += "\\-";
    } else {
      escaped += byte;
    }
  }
  return escaped;
}

bool is_number(const std::string& text) {
  return base::parse_decimal(text).has_value() && (text.size() == 1 || text.front() != '0');
}

}  // namespace

std::vector<ReferenceEntry> reference_entries() {
  std::vector<ReferenceEntry> entries;
  add_keys(root_keys().infos(), "", entries);
  return entries;
}

std::string reference_text() {
  std::string text(kHead);
  for (const ReferenceEntry& entry : reference_entries()) {
    text += entry.path + "\n";
    if (!entry.type.empty()) text += base::format("    {}\n", entry.type);
    text += base::format("    {}\n", entry.sentence);
  }
  return text;
}

std::string reference_manual(std::string_view version) {
  std::string text = base::format(kManualHead, version);
  for (const ReferenceEntry& entry : reference_entries()) {
    text += base::format(".TP\n\\fB{}\\fR\n", roff_text(entry.path));
    if (!entry.type.empty()) text += base::format("{}.\n.br\n", roff_text(entry.type));
    text += roff_text(entry.sentence) + "\n";
  }
  return text + std::string(kManualFoot);
}

Node dump(const Config& config) {
  return root_keys().writer().write(to_draft(config));
}

nlohmann::json to_json(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull: return nullptr;
    case Node::Kind::kScalar:
      if (node.is_quoted) return node.text;
      if (node.text == "true" || node.text == "false") return node.text == "true";
      if (is_number(node.text)) return *base::parse_decimal(node.text);
      return node.text;
    case Node::Kind::kList: {
      nlohmann::json list = nlohmann::json::array();
      for (const Node& item : node.items) list.push_back(to_json(item));
      return list;
    }
    case Node::Kind::kMap: {
      nlohmann::json map = nlohmann::json::object();
      for (const Entry& entry : node.entries) map[entry.key] = to_json(entry.value);
      return map;
    }
  }
  return nullptr;
}

}  // namespace viaduct::config
