// SPDX-License-Identifier: Apache-2.0
#include "http/fields.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "support/field_list.h"

namespace viaduct::http {
namespace {

using support::FieldList;

TEST(Fields, KeepSpellingOrderAndRepetition) {
  FieldList list{{"host", "a"}, {"Set-Cookie", "1"}, {"X-Own", ""}, {"SET-cookie", "2"}};
  EXPECT_EQ(list.text(), "host: a|Set-Cookie: 1|X-Own: |SET-cookie: 2");
  EXPECT_EQ(list->size(), 4u);
  EXPECT_EQ(list->lines()[0].id, FieldName::kHost);
  EXPECT_EQ(list->lines()[2].id, FieldName::kOther);
  EXPECT_EQ(list->count(FieldName::kSetCookie), 2u);
}

TEST(Fields, CopyWhatIsAdded) {
  FieldList list;
  std::string name = "X-Name";
  std::string value = "value";
  list->add(name, value);
  list->add(FieldName::kHost, value);
  name.assign(name.size(), '!');
  value.assign(value.size(), '!');
  EXPECT_EQ(list.text(), "X-Name: value|Host: value");
}

TEST(Fields, GrowPastAnyCapacity) {
  FieldList list;
  for (int i = 0; i < 1000; ++i) list->add("n" + std::to_string(i), std::to_string(i));
  ASSERT_EQ(list->size(), 1000u);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(list->lines()[static_cast<std::size_t>(i)].name, "n" + std::to_string(i));
    EXPECT_EQ(list->lines()[static_cast<std::size_t>(i)].value, std::to_string(i));
  }
}

TEST(Fields, TakeALineOfTheirOwn) {
  FieldList list{{"a", "1"}};
  for (int i = 0; i < 100; ++i) list->add_view(list->lines().front());
  EXPECT_EQ(list->size(), 101u);
  EXPECT_EQ(list->lines().back().value, "1");
}

TEST(Fields, HoldHugeAndEightBitValues) {
  std::string every;
  for (int code = 0; code < 256; ++code) every += static_cast<char>(code);
  const std::string huge(1 << 20, '\xe6');
  FieldList list{{"X-Every", every}, {"X-Huge", huge}};
  EXPECT_EQ(list->find("x-every")->value, every);
  EXPECT_EQ(list->find("x-huge")->value, huge);
}

TEST(Fields, FindTheFirstLineByNumberOrName) {
  FieldList list{{"X-A", "1"}, {"cookie", "2"}, {"x-a", "3"}, {"Cookie", "4"}};
  EXPECT_EQ(list->find(FieldName::kCookie)->value, "2");
  EXPECT_EQ(list->find("COOKIE")->value, "2");
  EXPECT_EQ(list->find("x-A")->value, "1");
  EXPECT_EQ(list->find("X-B"), nullptr);
  EXPECT_EQ(list->find(FieldName::kHost), nullptr);
  EXPECT_EQ(list->value(FieldName::kCookie), "2");
  EXPECT_EQ(list->value(FieldName::kHost), "");
  EXPECT_EQ(list->count(FieldName::kHost), 0u);
}

TEST(Fields, RemoveEveryLineOfAName) {
  FieldList list{{"X-A", "1"}, {"Host", "2"}, {"x-a", "3"}, {"X-B", "4"}, {"host", "5"}};
  EXPECT_EQ(list->remove("X-a"), 2u);
  EXPECT_EQ(list.text(), "Host: 2|X-B: 4|host: 5");
  EXPECT_EQ(list->remove(FieldName::kHost), 2u);
  EXPECT_EQ(list->remove(FieldName::kHost), 0u);
  EXPECT_EQ(list->remove("X-C"), 0u);
  EXPECT_EQ(list.text(), "X-B: 4");
  EXPECT_EQ(list->remove_if([](const Field&) { return true; }), 1u);
  EXPECT_TRUE(list->empty());
}

TEST(Fields, SetInPlaceOrAtTheEnd) {
  FieldList list{{"a", "1"}, {"HOST", "2"}, {"b", "3"}, {"host", "4"}};
  list->set(FieldName::kHost, "new");
  EXPECT_EQ(list.text(), "a: 1|Host: new|b: 3");
  list->set("B", "5");
  EXPECT_EQ(list.text(), "a: 1|Host: new|B: 5");
  list->set("hOst", "6");
  EXPECT_EQ(list.text(), "a: 1|hOst: 6|B: 5");
  EXPECT_EQ(list->find(FieldName::kHost)->value, "6");
  list->set("X-New", "7");
  list->set(FieldName::kDate, "8");
  EXPECT_EQ(list.text(), "a: 1|hOst: 6|B: 5|X-New: 7|Date: 8");
}

TEST(Fields, SetFromAValueOfTheirOwn) {
  FieldList list{{"a", "old"}, {"a", "other"}};
  list->set("a", list->lines()[1].value);
  EXPECT_EQ(list.text(), "a: other");
}

TEST(Fields, MoveAndLeaveNothingBehind) {
  FieldList list{{"a", "1"}};
  Fields moved(std::move(*list));
  EXPECT_EQ(FieldList::text_of(moved), "a: 1");
  EXPECT_TRUE(list->empty());
  list->add("b", "2");
  EXPECT_EQ(FieldList::text_of(moved), "a: 1");
  moved = std::move(*list);
  EXPECT_EQ(FieldList::text_of(moved), "b: 2");
  EXPECT_TRUE(list->empty());
}

TEST(Fields, AreEmptyWhenCleared) {
  FieldList list{{"Host", "a"}, {"x", "1"}};
  list->clear();
  EXPECT_EQ(list.text(), "");
}

TEST(Fields, TellNamesThatCgiTakesForOthers) {
  EXPECT_TRUE(imitates("content_MD5", "Content-MD5"));
  EXPECT_TRUE(imitates("content-md5", "Content-MD5"));
  EXPECT_FALSE(imitates("content-md5", "Content_MD5"));
  EXPECT_FALSE(imitates("content_md", "Content-MD5"));
}

}  // namespace
}  // namespace viaduct::http
