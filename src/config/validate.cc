// SPDX-License-Identifier: Apache-2.0
#include "config/validate.h"

#include "base/format.h"
#include "config/files.h"
#include "config/units.h"
#include "config/validate_listeners.h"
#include "config/validate_paths.h"
#include "config/validate_routes.h"
#include "config/validate_sites.h"
#include "config/validate_upstreams.h"
#include "os/process.h"

namespace viaduct::config {

namespace {

void check_log_file(const std::string& file, const std::string& path, Reading& reading) {
  if (file.empty() || file == "-") return;
  if (std::string fault = explain_unusable_log(file); !fault.empty()) reading.file_error_at(path, std::move(fault));
}

void validate_services(const ConfigDraft& draft, Reading& reading) {
  check_log_file(draft.logs.access.file, "logs.access.file", reading);
  check_log_file(draft.logs.error.file, "logs.error.file", reading);
  if (!draft.admin.socket.empty()) {
    std::string fault = explain_unusable_socket(draft.admin.socket);
    if (!fault.empty()) reading.file_error_at("admin.socket", std::move(fault));
  }
  if (!draft.process.state_dir.empty()) {
    // It serves all the same.
    const std::string fault = explain_unusable_directory(draft.process.state_dir);
    if (!fault.empty()) reading.warn_at("process.state_dir", fault + ": until then no config is kept for rollback");
  }
  if (!draft.process.user.empty()) {
    // As the start looks for it; a warning, since configs are checked on other machines too, and nobody but root
    // becomes somebody else. Where nobody can be asked at the moment, nothing is known.
    const auto known = os::is_user(draft.process.user);
    if (!known && known.error().code == 0) {
      reading.warn_at("process.user",
                      base::format("there is no user {} here, and a start as root would fail; create it "
                                   "or change process.user",
                                   draft.process.user));
    }
  }
  if (draft.resolver.min_ttl > draft.resolver.max_ttl) {
    reading.error_at("resolver.min_ttl",
                     base::format("min_ttl ({}) is longer than max_ttl ({}); make it shorter",
                                  format_duration(draft.resolver.min_ttl), format_duration(draft.resolver.max_ttl)));
  }
}

}  // namespace

void validate(const ConfigDraft& draft, Reading& reading) {
  validate_listeners(draft, reading);
  validate_upstreams(draft, reading);
  validate_sites(draft, reading);
  validate_routes(draft, reading);
  validate_services(draft, reading);
  validate_paths(draft, reading);
}

}  // namespace viaduct::config
