// SPDX-License-Identifier: Apache-2.0
// Texts, good and bad, to the loader of the config. Held: it loads exactly when nothing of what is said is an error,
// what is said can be shown and names places within the text, and it says the same the second time.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/check.h"
#include "config/load.h"
#include "config/problem.h"

namespace {

// One input of so many is loaded twice, since loading is slow.
constexpr std::size_t kRepeatedOf = 8;

viaduct::config::LoadResult load(const std::string& text) {
  viaduct::config::LoadOptions options;
  options.directory = "/nonexistent";
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SET") return "set";
    return std::nullopt;
  };
  return viaduct::config::load_text(text, "viaduct.yaml", options);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const viaduct::config::LoadResult first = load(text);
  CHECK((first.config == nullptr) == viaduct::config::has_errors(first.problems));
  for (const viaduct::config::Problem& problem : first.problems) {
    CHECK(problem.place.line >= 0 && problem.place.column >= 0 && !problem.message.empty());
    CHECK(problem.message.find('\n') == std::string::npos);
  }
  const std::string shown = viaduct::config::render_problems(first.problems, first.sources);
  if (size % kRepeatedOf != 0) return 0;
  const viaduct::config::LoadResult second = load(text);
  CHECK(shown == viaduct::config::render_problems(second.problems, second.sources));
  return 0;
}
