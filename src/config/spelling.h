// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the nearest known name to one that is not known, for keys, choices, upstreams and methods. Pure
// functions; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::config {

// How many insertions, deletions, replacements and swaps of neighbours make `to` out of `from`; case, and "-" for "_",
// count nothing.
std::size_t edit_distance(std::string_view from, std::string_view to);
// The known name that `word` most likely stands for: at most a third of its letters differ, or
// one is a part of the other. Empty when there is none.
std::string nearest(std::string_view word, std::span<const std::string> known);
// `did you mean "hosts"?`, or `known here: a, b, c`, or nothing when the list is empty or too long to help.
std::string suggestion(std::string_view word, std::span<const std::string> known);
// "a", "a or b", "a, b or c".
std::string join_or(std::span<const std::string> words);

}  // namespace viaduct::config
