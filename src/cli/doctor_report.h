// SPDX-License-Identifier: Apache-2.0
// What `viaduct doctor` finds: one line for each thing that it looked at, good or bad, with what to do about it; and
// how the lines are shown. Values and pure functions; any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::cli {

enum class FindingState : std::uint8_t {
  kOk,
  kWarning,  // the daemon starts and serves, but not as well as it should, or not for long
  kFault,    // it does not start, or some requests will not get what they should
};

struct Finding {
  std::string check;    // what was looked at: "listener"
  std::string subject;  // which one: "0.0.0.0:443"
  FindingState state = FindingState::kOk;
  std::string message;  // what was found
  std::string remedy;   // what to do; empty where nothing is
};

// The findings of one run, in the order in which they are shown.
class DoctorReport {
 public:
  void ok(std::string check, std::string subject, std::string message);
  void warn(std::string check, std::string subject, std::string message, std::string remedy);
  void fail(std::string check, std::string subject, std::string message, std::string remedy);
  // With a text of the form "what is wrong; what to do", as problems of the config have it.
  void add_split(FindingState state, std::string check, std::string subject, std::string_view text);

  const std::vector<Finding>& findings() const { return findings_; }
  std::size_t count(FindingState state) const;
  // A line each, remedies beneath, and a line with the counts.
  std::string text() const;
  // An array of objects with check, subject, state ("ok", "warning", "failed"), message and remedy.
  nlohmann::json json() const;

 private:
  std::vector<Finding> findings_;
};

}  // namespace viaduct::cli
