// SPDX-License-Identifier: Apache-2.0
#include "config/root_keys.h"

#include <gtest/gtest.h>

#include <set>

namespace viaduct::config {
namespace {

// Calls `visit` for every key there is.
void visit_keys(const std::vector<KeyInfo>& keys, const std::string& path,
                const std::function<void(const KeyInfo&, const std::string&)>& visit) {
  for (const KeyInfo& key : keys) {
    const std::string here = path.empty() ? key.name : path + "." + key.name;
    visit(key, here);
    visit_keys(key.type.item.empty() ? key.type.keys : key.type.item.front().keys, here, visit);
  }
}

TEST(RootKeys, AreThoseOfTheFile) {
  std::string names;
  const Table<ConfigDraft> table = root_keys();
  for (const KeyInfo& key : table.infos()) names += key.name + " ";
  EXPECT_EQ(names, "include listeners tls client defaults upstreams resolver sites errors logs admin process ");
}

TEST(RootKeys, HaveSentencesTypesAndSnakeCaseNames) {
  const Table<ConfigDraft> table = root_keys();
  visit_keys(table.infos(), "", [](const KeyInfo& key, const std::string& path) {
    EXPECT_TRUE(key.sentence.ends_with(".") && key.sentence.size() > 5) << path;
    EXPECT_FALSE(key.type.name.empty()) << path;
    EXPECT_EQ(key.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos) << path;
    EXPECT_EQ(key.type.form == TypeInfo::Form::kChoice, !key.type.choices.empty()) << path;
    EXPECT_TRUE(key.type.form != TypeInfo::Form::kNumber || key.type.maximum > key.type.minimum) << path;
  });
}

TEST(RootKeys, NameNoKeyTwiceInOneMap) {
  const Table<ConfigDraft> table = root_keys();
  std::set<std::string> paths;
  visit_keys(table.infos(), "",
             [&paths](const KeyInfo&, const std::string& path) { EXPECT_TRUE(paths.insert(path).second) << path; });
}

}  // namespace
}  // namespace viaduct::config
