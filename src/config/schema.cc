// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include <nlohmann/json.hpp>

#include "config/root_keys.h"

namespace viaduct::config {

namespace {

using nlohmann::json;

constexpr const char* kDialect = "https://json-schema.org/draft/2020-12/schema";

json schema_of_type(const TypeInfo& type, bool is_inherited);

// Any scalar may come from the environment.
json or_environment(json schema) {
  return {{"anyOf", json::array({std::move(schema), {{"$ref", "#/$defs/environment"}}})}};
}

json schema_of_text(const TypeInfo& type) {
  json schema = {{"type", type.takes_number ? json::array({"string", "number"}) : json("string")}};
  if (type.pattern.empty()) return schema;
  schema["pattern"] = type.pattern;
  return or_environment(std::move(schema));
}

json schema_of_choice(const TypeInfo& type) {
  json words = json::array();
  for (const std::string& word : type.choices) {
    words.push_back(word);
    // YAML reads 1.2 as a number.
    const bool is_number = word.find_first_not_of("0123456789.") == std::string::npos;
    if (is_number) words.push_back(json::parse(word, nullptr, false));
  }
  return or_environment({{"enum", std::move(words)}});
}

// A default as the value that an editor would insert.
json default_value(const KeyInfo& key) {
  const bool is_shown = key.type.form == TypeInfo::Form::kBoolean || key.type.form == TypeInfo::Form::kNumber;
  if (!is_shown || key.default_text == "none") return nullptr;
  return json::parse(key.default_text, nullptr, false);
}

json schema_of_key(const KeyInfo& key, bool is_inherited) {
  json schema = schema_of_type(key.type, is_inherited || key.is_of_route);
  std::string description = key.sentence;
  const bool has_default = key.type.form != TypeInfo::Form::kObject && !key.default_text.empty() && !key.is_required;
  if (has_default) description += " Default: " + key.default_text + ".";
  schema["description"] = std::move(description);
  if (json value = default_value(key); !value.is_null() && !value.is_discarded()) schema["default"] = std::move(value);
  return schema;
}

// Where keys are inherited, a required one may stand further up.
json schema_of_object(const TypeInfo& type, bool is_inherited) {
  json properties = json::object();
  json required = json::array();
  for (const KeyInfo& key : type.keys) {
    properties[key.name] = schema_of_key(key, is_inherited);
    if (key.is_required && !is_inherited) required.push_back(key.name);
  }
  json schema = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  json pairs = json::array();
  for (std::size_t i = 0; i < type.exclusive.size(); ++i) {
    for (std::size_t j = i + 1; j < type.exclusive.size(); ++j) {
      pairs.push_back({{"not", {{"required", {type.exclusive[i], type.exclusive[j]}}}}});
    }
  }
  if (!pairs.empty()) schema["allOf"] = std::move(pairs);
  return schema;
}

json schema_of_list(const TypeInfo& type, bool is_inherited) {
  json item = schema_of_type(type.item.front(), is_inherited);
  json list = {{"type", "array"}, {"items", item}};
  if (type.needs_one) list["minItems"] = 1;
  if (!type.takes_one) return list;
  return {{"anyOf", json::array({std::move(list), std::move(item)})}};
}

json schema_of_form(const TypeInfo& type, bool is_inherited) {
  switch (type.form) {
    case TypeInfo::Form::kText: return schema_of_text(type);
    case TypeInfo::Form::kNumber:
      return or_environment({{"type", "integer"}, {"minimum", type.minimum}, {"maximum", type.maximum}});
    case TypeInfo::Form::kBoolean: return or_environment({{"type", "boolean"}});
    case TypeInfo::Form::kChoice: return schema_of_choice(type);
    case TypeInfo::Form::kList: return schema_of_list(type, is_inherited);
    case TypeInfo::Form::kMap:
      return {{"type", "object"}, {"additionalProperties", schema_of_type(type.item.front(), is_inherited)}};
    case TypeInfo::Form::kObject: return schema_of_object(type, is_inherited);
  }
  return {};
}

json schema_of_type(const TypeInfo& type, bool is_inherited) {
  json schema = schema_of_form(type, is_inherited);
  json others = json::array();
  if (!type.shorthand.empty()) others.push_back({{"type", "string"}});
  if (type.is_nullable) others.push_back({{"type", "null"}});
  if (others.empty()) return schema;
  others.insert(others.begin(), std::move(schema));
  return {{"anyOf", std::move(others)}};
}

}  // namespace

json reference_schema() {
  TypeInfo root;
  root.form = TypeInfo::Form::kObject;
  root.keys = root_keys().infos();
  json schema = schema_of_object(root, false);
  schema["$schema"] = kDialect;
  schema["title"] = "Viaduct configuration";
  schema["$defs"]["environment"] = {{"type", "string"},
                                    {"pattern", R"(\$\{[A-Z_][A-Z0-9_]*(:-[^}]*)?\})"},
                                    {"description", "Holds environment variables."}};
  // An included file may have what this one lacks.
  schema.erase("required");
  return schema;
}

}  // namespace viaduct::config
