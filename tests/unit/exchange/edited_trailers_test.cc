// SPDX-License-Identifier: Apache-2.0
#include "exchange/edited_trailers.h"

#include <gtest/gtest.h>

#include "base/arena.h"

namespace viaduct::exchange {
namespace {

TEST(EditedTrailers, AreGoneUnderAnySpelling) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  http::Fields trailers(arena);
  for (const char* name : {"Edge-Admin", "edge_admin", "EDGE-TOKEN", "Edge_Token", "Edge", "Edge-Added", "X-Sum"}) {
    trailers.add(name, "1");
  }
  config::FieldEdits edits;
  edits.remove = {"Edge-Admin"};
  edits.set.emplace_back("Edge-Token", config::Secret{});
  edits.add.emplace_back("Edge-Added", config::Secret{});
  remove_edited(trailers, edits);
  std::string names;
  for (const http::Field& field : trailers) names.append(field.name) += ' ';
  EXPECT_EQ(names, "Edge Edge-Added X-Sum ");
}

}  // namespace
}  // namespace viaduct::exchange
