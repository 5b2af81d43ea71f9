// SPDX-License-Identifier: Apache-2.0
// The lines of the process log that matter to a test, without time, level and all that is not asked for. There is one
// process log, so there is one of these at a time.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "support/temporary_directory.h"

namespace viaduct::support {

// The process log goes to a file as long as this lives.
class CapturedLog {
 public:
  CapturedLog() { EXPECT_TRUE(base::log_open({.file = file_}).has_value()); }
  ~CapturedLog() { EXPECT_TRUE(base::log_open({}).has_value()); }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  // The lines with `word` in them, from that word on.
  std::vector<std::string> lines(std::string_view word) const {
    std::vector<std::string> found;
    const std::string text = file_bytes(file_);
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at)) {
      const std::size_t end = text.find('\n', at);
      found.push_back(text.substr(at, end - at));
      at = end;
    }
    return found;
  }

 private:
  TemporaryDirectory directory_;
  std::string file_ = directory_ / "error.log";
};

}  // namespace viaduct::support
