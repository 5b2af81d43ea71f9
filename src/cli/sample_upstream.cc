// SPDX-License-Identifier: Apache-2.0
#include "cli/sample_upstream.h"

#include <utility>

#include "os/process.h"
#include "os/socket.h"

namespace viaduct::cli {

// Arrives in the thread as a task and ends its loop.
class SampleUpstream::End final : public net::Task {
 public:
  explicit End(SampleUpstream& upstream) : upstream_(upstream) {}
  void run() override { upstream_.end(); }

 private:
  SampleUpstream& upstream_;
};

base::Result<std::unique_ptr<SampleUpstream>> SampleUpstream::start(std::string name, const base::Clock& clock) {
  const base::SocketAddress any_port(*base::IpAddress::parse("127.0.0.1"), 0);
  auto fd = os::listen_on(any_port, {.reuse_port = false});
  if (!fd) return std::unexpected(std::move(fd).error());
  return std::make_unique<SampleUpstream>(std::move(name), clock, std::move(*fd));
}

// Everything of the loop is set up before its thread starts and touched by that thread alone from then on.
SampleUpstream::SampleUpstream(std::string name, const base::Clock& clock, os::Fd fd)
    : name_(std::move(name)),
      address_(os::local_address(fd.get())),
      loop_(clock),
      listener_(loop_, std::move(fd), *this, 0),
      thread_([this] { run(); }) {}

SampleUpstream::~SampleUpstream() {
  loop_.post(std::make_unique<End>(*this));
  thread_.join();
}

void SampleUpstream::run() {
  os::name_thread("sample-" + name_);
  loop_.run();
}

void SampleUpstream::end() {
  listener_.close();
  connections_.for_each([](SampleConnection& connection) { connection.close_now(); });
  loop_.stop();
}

void SampleUpstream::on_accept(os::Fd fd, const base::SocketAddress&, int) {
  std::size_t connections = 0;
  connections_.for_each([&](SampleConnection&) { ++connections; });
  if (connections >= kConnectionsMax) return;
  auto made = std::make_unique<SampleConnection>(loop_, name_, std::move(fd));
  SampleConnection& connection = *made.release();  // frees itself through Loop::retire
  connections_.push_back(connection);
  connection.open();
}

}  // namespace viaduct::cli
