// SPDX-License-Identifier: Apache-2.0
// The small pieces that field values are made of: tokens, white space, comma lists and quoted strings (RFC 9110 §5.5,
// §5.6). Whatever reads a value takes it apart with these and nothing else, so that two parts of this program never
// disagree about where an element ends. Pure functions, no allocation; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace viaduct::http {

// How many tchar (RFC 9110 §5.6.2) stand at the start of `text`.
std::size_t token_length(std::string_view text);

// True when `text` may be sent as a field value (RFC 9110 §5.5): visible characters, bytes above 0x7f, and spaces or
// tabs between them. No other control character, no white space at either end; empty is fine.
bool is_field_value(std::string_view text);

// `text` without the spaces and tabs around it (OWS, RFC 9110 §5.6.3).
std::string_view trim_whitespace(std::string_view text);

// Takes the first member of a list off `rest`, up to the next `separator` that is not in a quoted string; returns it
// without the white space around it. `rest` becomes empty with the last member. A quoted string that does not end takes
// all that is left.
std::string_view take_member(std::string_view& rest, char separator);

// The members of one comma list (RFC 9110 §5.6.1). Empty members are skipped, as recipients must.
//
//   for (ListReader list(value); !list.done(); list.next()) use(list.member());
class ListReader {
 public:
  // `value` must outlive the reader.
  explicit ListReader(std::string_view value) : rest_(value) { next(); }

  bool done() const { return member_.empty(); }
  // REQUIRES: !done().
  std::string_view member() const { return member_; }
  void next();

 private:
  std::string_view rest_;
  std::string_view member_;  // empty: there are no more
};

// The weight of a list member in thousandths and the member without its parameters: "br;q=0.5" is {"br", 500}. 1000
// when there is none, 0 when it is malformed: a member that cannot be read is not one to choose. RFC 9110 §12.4.2.
struct Weighted {
  std::string_view value;
  int weight = 1000;
};
Weighted read_weight(std::string_view member);

}  // namespace viaduct::http
