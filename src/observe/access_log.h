// SPDX-License-Identifier: Apache-2.0
// The access log of one worker: renders a line for each exchange into the worker's own buffer and hands whole batches
// to the sink that all workers share. Writing a line allocates nothing and makes no system call until the batch is
// full; the worker calls flush() on a timer, at USR1 and when it stops, so that no line stays behind. One thread.
#pragma once

#include <cstddef>
#include <memory>

#include "base/log_sink.h"
#include "observe/access_record.h"
#include "observe/line_format.h"

namespace viaduct::observe {

struct AccessLogOptions {
  LineFormat format = LineFormat::json();
  QueryLogging query = QueryLogging::kMasked;
};

class AccessLog {
 public:
  // A batch that has grown to this is written at once.
  static constexpr std::size_t kBatchBytes = 64 * 1024;

  // `sink` must outlive the log; null: nothing is logged.
  AccessLog(AccessLogOptions options, base::LogSink* sink);
  ~AccessLog() { flush(); }
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void write(const AccessRecord& record);
  // Writes what there is and goes on with other options and another sink, as the constructor takes them.
  void change(AccessLogOptions options, base::LogSink* sink);
  // True while lines wait here or in the sink, for a full disk or a slow reader: flush() is due.
  bool pending() const;
  void flush();

 private:
  AccessLogOptions options_;
  base::LogSink* sink_ = nullptr;
  TimeText time_;
  std::unique_ptr<char[]> buffer_;  // a batch and one line more
  std::size_t used_ = 0;
};

}  // namespace viaduct::observe
