// SPDX-License-Identifier: Apache-2.0
// Field lines with the arena that they need, written as a test wants to read them: FieldList{{"Host", "a"}}.
// One thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/buffer.h"
#include "http/fields.h"

namespace viaduct::support {

class FieldList {
 public:
  struct Line {
    std::string_view name;
    std::string_view value;
  };

  FieldList() = default;
  FieldList(std::initializer_list<Line> lines) {
    for (const Line& line : lines) fields_.add(line.name, line.value);
  }

  http::Fields& operator*() { return fields_; }
  http::Fields* operator->() { return &fields_; }
  base::Arena& arena() { return arena_; }

  // "Name: value" for each line, joined by "|".
  static std::string text_of(const http::Fields& fields) {
    std::string text;
    for (const http::Field& field : fields) {
      if (!text.empty()) text += '|';
      text.append(field.name).append(": ").append(field.value);
    }
    return text;
  }
  std::string text() const { return text_of(fields_); }

 private:
  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  http::Fields fields_{arena_};
};

}  // namespace viaduct::support
