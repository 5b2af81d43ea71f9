// SPDX-License-Identifier: Apache-2.0
#include "observe/access_log.h"

#include <utility>

namespace viaduct::observe {

AccessLog::AccessLog(AccessLogOptions options, base::LogSink* sink) {
  change(std::move(options), sink);
}

void AccessLog::change(AccessLogOptions options, base::LogSink* sink) {
  flush();
  options_ = std::move(options);
  sink_ = sink;
  buffer_.reset();
  if (sink == nullptr) return;
  buffer_ = std::make_unique_for_overwrite<char[]>(kBatchBytes + options_.format.line_bytes_max());
}

void AccessLog::write(const AccessRecord& record) {
  if (sink_ == nullptr) return;
  const FieldContext context{.query = options_.query, .time = time_};
  const char* end = options_.format.render(record, context, buffer_.get() + used_);
  used_ = static_cast<std::size_t>(end - buffer_.get());
  // Less than a batch is in use before every line, so that there is always room for one.
  if (used_ >= kBatchBytes) flush();
}

bool AccessLog::pending() const {
  return used_ > 0 || (sink_ != nullptr && sink_->has_backlog());
}

void AccessLog::flush() {
  if (sink_ == nullptr) return;
  if (used_ == 0) {
    sink_->flush();
    return;
  }
  sink_->write({buffer_.get(), std::exchange(used_, 0)});
}

}  // namespace viaduct::observe
