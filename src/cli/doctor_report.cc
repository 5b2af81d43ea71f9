// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/format.h"

namespace viaduct::cli {
namespace {

constexpr std::string_view kStateNames[] = {"ok", "warning", "failed"};

std::string_view name_of(FindingState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

}  // namespace

void DoctorReport::ok(std::string check, std::string subject, std::string message) {
  findings_.push_back({.check = std::move(check),
                       .subject = std::move(subject),
                       .state = FindingState::kOk,
                       .message = std::move(message),
                       .remedy = {}});
}

void DoctorReport::warn(std::string check, std::string subject, std::string message, std::string remedy) {
  findings_.push_back({.check = std::move(check),
                       .subject = std::move(subject),
                       .state = FindingState::kWarning,
                       .message = std::move(message),
                       .remedy = std::move(remedy)});
}

void DoctorReport::fail(std::string check, std::string subject, std::string message, std::string remedy) {
  warn(std::move(check), std::move(subject), std::move(message), std::move(remedy));
  findings_.back().state = FindingState::kFault;
}

void DoctorReport::add_split(FindingState state, std::string check, std::string subject, std::string_view text) {
  const std::size_t mark = text.rfind("; ");
  const bool has_remedy = mark != std::string_view::npos;
  warn(std::move(check), std::move(subject), std::string(text.substr(0, mark)),
       has_remedy ? std::string(text.substr(mark + 2)) : std::string());
  findings_.back().state = state;
}

std::size_t DoctorReport::count(FindingState state) const {
  return static_cast<std::size_t>(std::ranges::count(findings_, state, &Finding::state));
}

std::string DoctorReport::text() const {
  std::string text;
  for (const Finding& finding : findings_) {
    const std::string subject = finding.subject.empty() ? "" : " " + finding.subject;
    text += base::format("{:<7}  {}{}: {}\n", name_of(finding.state), finding.check, subject, finding.message);
    if (!finding.remedy.empty()) text += base::format("{:<7}    to do: {}\n", "", finding.remedy);
  }
  const auto warnings = count(FindingState::kWarning);
  text +=
      base::format("{} check{}: {} ok, {} warning{}, {} failed\n", findings_.size(), findings_.size() == 1 ? "" : "s",
                   count(FindingState::kOk), warnings, warnings == 1 ? "" : "s", count(FindingState::kFault));
  return text;
}

nlohmann::json DoctorReport::json() const {
  nlohmann::json list = nlohmann::json::array();
  for (const Finding& finding : findings_) {
    list.push_back({{"check", finding.check},
                    {"subject", finding.subject},
                    {"state", name_of(finding.state)},
                    {"message", finding.message},
                    {"remedy", finding.remedy}});
  }
  return list;
}

}  // namespace viaduct::cli
