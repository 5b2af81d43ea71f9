// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config/root_keys.h"

namespace viaduct::config {
namespace {

// Every key of `keys` is a property of `schema`, with its sentence, and so on below.
void expect_keys(const std::vector<KeyInfo>& keys, const nlohmann::json& schema, const std::string& path) {
  ASSERT_TRUE(schema.contains("properties")) << path << schema.dump();
  EXPECT_EQ(schema["properties"].size(), keys.size()) << path;
  EXPECT_EQ(schema["additionalProperties"], false) << path;
  for (const KeyInfo& key : keys) {
    ASSERT_TRUE(schema["properties"].contains(key.name)) << path << "." << key.name;
    const nlohmann::json* inner = &schema["properties"][key.name];
    EXPECT_TRUE((*inner)["description"].get<std::string>().starts_with(key.sentence));
    const TypeInfo* type = &key.type;
    if (inner->contains("anyOf")) inner = &(*inner)["anyOf"][0];
    if (!type->item.empty()) {
      inner = type->form == TypeInfo::Form::kMap ? &(*inner)["additionalProperties"] : &(*inner)["items"];
      type = &type->item.front();
      if (inner->contains("anyOf")) inner = &(*inner)["anyOf"][0];
    }
    if (!type->keys.empty()) expect_keys(type->keys, *inner, path + "." + key.name);
  }
}

TEST(Schema, HasEveryKey) {
  const Table<ConfigDraft> table = root_keys();
  expect_keys(table.infos(), reference_schema(), "");
}

TEST(Schema, NamesItsDialect) {
  EXPECT_EQ(reference_schema()["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_TRUE(reference_schema()["$defs"].contains("environment"));
}

TEST(Schema, KnowsRangesChoicesAndDefaults) {
  const nlohmann::json schema = reference_schema();
  const nlohmann::json& fields = schema["properties"]["client"]["properties"]["max_fields"];
  EXPECT_EQ(fields["default"], 100);
  EXPECT_EQ(fields["anyOf"][0]["minimum"], 1);
  EXPECT_EQ(fields["anyOf"][0]["maximum"], 10000);
  EXPECT_TRUE(fields["description"].get<std::string>().ends_with(" Default: 100."));
  const nlohmann::json& version = schema["properties"]["tls"]["properties"]["min_version"];
  EXPECT_EQ(version["anyOf"][0]["enum"].dump(), "[\"1.0\",1.0,\"1.1\",1.1,\"1.2\",1.2,\"1.3\",1.3]");
  const nlohmann::json& rate = schema["properties"]["client"]["properties"]["min_rate"];
  EXPECT_EQ(rate["anyOf"].back()["type"], "null");
}

TEST(Schema, RequiresKeysOnlyWhereNothingIsInherited) {
  const nlohmann::json schema = reference_schema();
  EXPECT_EQ(schema["properties"]["listeners"]["items"]["required"].dump(), "[\"address\"]");
  const nlohmann::json& site = schema["properties"]["sites"]["items"];
  EXPECT_EQ(site["required"].dump(), "[\"routes\"]");
  const nlohmann::json& route = site["properties"]["routes"]["items"];
  EXPECT_FALSE(route.contains("required"));
  EXPECT_FALSE(route["properties"]["static"].contains("required"));
  EXPECT_FALSE(schema.contains("required"));  // an included file may bring what is missing
}

TEST(Schema, LetsOneActionStand) {
  const nlohmann::json schema = reference_schema();
  const nlohmann::json& route = schema["properties"]["sites"]["items"]["properties"]["routes"]["items"];
  EXPECT_EQ(route["allOf"].size(), 6U);  // pairs of upstream, static, redirect, respond
  EXPECT_EQ(route["allOf"][0]["not"]["required"].dump(), "[\"upstream\",\"static\"]");
}

}  // namespace
}  // namespace viaduct::config
