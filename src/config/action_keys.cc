// SPDX-License-Identifier: Apache-2.0
#include "config/action_keys.h"

#include "config/names.h"

namespace viaduct::config {

namespace {

Parsed<std::string> check_index_name(const std::string& text) {
  if (!text.empty() && !text.contains('/') && text != "." && text != "..") return text;
  return std::unexpected(base::format("\"{}\" is no file name; write one like index.html, without a slash", text));
}

Parsed<std::string> check_redirect_target(const std::string& text) {
  const bool is_absolute =
      text.starts_with("http://") || text.starts_with("https://") || text.starts_with("${scheme}://");
  const bool is_path = text.starts_with('/') && !text.starts_with("//");
  if (!is_absolute && !is_path && !text.starts_with("${path}")) {
    return std::unexpected(
        base::format("\"{}\" is no target; write https://HOST/PATH or a path that starts with one slash", text));
  }
  if (text.contains(' ')) return std::unexpected(base::format("\"{}\" holds a space; write %20", text));
  return check_field_value(text);
}

Parsed<std::uint16_t> parse_redirect_status(const std::string& text) {
  for (const int status : {301, 302, 303, 307, 308}) {
    if (text == std::to_string(status)) return static_cast<std::uint16_t>(status);
  }
  return std::unexpected(
      base::format("\"{}\" is no status of a redirect; write 301 or 308 (for good), 302, 303 or 307 (for now)", text));
}

}  // namespace

Type<ProxyAction> proxy_action() {
  Type<ProxyAction> type;
  const Type<std::string> name = text("name of an upstream");
  type.info = name.info;
  type.read = [name](const Node& node, ProxyAction& action, const Scope& scope) {
    name.read(node, action.upstream, scope);
  };
  type.write = [](const ProxyAction& action) { return Node::quoted(action.upstream); };
  return type;
}

Table<StaticAction> static_keys() {
  Table<StaticAction> table;
  table.add("root", &StaticAction::root, path("directory"), "The directory; the whole path is looked up below it.")
      .required_unless_inherited();
  table.add("index", &StaticAction::index, list_of(text("file name", check_index_name)),
            "What is served for a directory, the first that is there.");
  table.add("fallback", &StaticAction::fallback, text("path", check_path),
            "Served for pages that are not there (single-page applications); a path below root.");
  table.add("strip_prefix", &StaticAction::strip_prefix, text("path", check_path),
            "Taken away from the path before it is looked up.");
  table.add("expires", &StaticAction::expires, or_null(duration(0s, 24h * 3650)),
            "How long browsers may keep a file (Cache-Control: max-age).");
  table.add("immutable", &StaticAction::immutable, boolean(), "Tell browsers that a file never changes.");
  return table;
}

Table<RedirectAction> redirect_keys() {
  Table<RedirectAction> table;
  table
      .add("to", &RedirectAction::to, text_with_variables("target", request_variables(), check_redirect_target),
           "The new address; may hold ${host}, ${path}, ${query}, ${scheme}, ${client_ip} and ${request_id}.")
      .required_unless_inherited();
  TypeInfo status = number_info("301, 302, 303, 307 or 308", 301, 308);
  status.range.clear();
  table.add("status", &RedirectAction::status,
            scalar_type<std::uint16_t>(std::move(status), parse_redirect_status,
                                       [](const std::uint16_t& value) { return Node::word(std::to_string(value)); }),
            "301 and 308 are for good, the others for now; 307 and 308 keep method and body.");
  return table;
}

Table<RespondAction> respond_keys() {
  Table<RespondAction> table;
  table.add("status", &RespondAction::status, count<std::uint16_t>(200, 599), "The status of the answer.");
  table.add("body", &RespondAction::body, text("text"), "Its body.");
  table.add("content_type", &RespondAction::content_type, text("media type", check_field_value),
            "The media type of the body.");
  return table;
}

}  // namespace viaduct::config
