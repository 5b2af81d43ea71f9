// SPDX-License-Identifier: Apache-2.0
#include "support/command_line.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <utility>

#include "daemon/admin.h"

// From cli/command.h, which also has the version, and that is known to the files of src/cli alone.
namespace viaduct::cli {
int run_command_line(int argc, char** argv);
}

namespace viaduct::support {
namespace {

// Puts a temporary file in the place of a standard stream until the end of its life.
class Redirection {
 public:
  explicit Redirection(int descriptor) : descriptor_(descriptor), file_(std::tmpfile()), kept_(::dup(descriptor)) {
    flush();
    if (file_ == nullptr || kept_ == -1 || ::dup2(::fileno(file_), descriptor_) == -1) ADD_FAILURE() << "no capture";
  }
  ~Redirection() {
    if (kept_ != -1) restore();
    std::fclose(file_);
  }
  Redirection(const Redirection&) = delete;
  Redirection& operator=(const Redirection&) = delete;

  // Ends the redirection and returns what was written.
  std::string take() {
    restore();
    std::rewind(file_);
    std::string text;
    std::array<char, 4096> bytes;
    for (std::size_t got = 1; got > 0;) {
      got = std::fread(bytes.data(), 1, bytes.size(), file_);
      text.append(bytes.data(), got);
    }
    return text;
  }

 private:
  static void flush() {
    std::fflush(nullptr);
    std::cout.flush();
    std::cerr.flush();
  }
  void restore() {
    flush();
    ::dup2(kept_, descriptor_);
    ::close(std::exchange(kept_, -1));
  }

  int descriptor_;
  std::FILE* file_;
  int kept_;
};

int run_words(std::vector<std::string> words) {
  words.insert(words.begin(), "viaduct");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  return cli::run_command_line(static_cast<int>(words.size()), arguments.data());
}

}  // namespace

CommandResult run_command(std::vector<std::string> words) {
  Redirection out(STDOUT_FILENO);
  Redirection err(STDERR_FILENO);
  const int exit_code = run_words(std::move(words));
  return {.exit_code = exit_code, .out = out.take(), .err = err.take()};
}

std::string_view plain_config() {
  return R"(listeners:
  - { address: "127.0.0.1:0" }
upstreams:
  app: { servers: ["http://127.0.0.1:9"] }
sites:
  - hosts: [www.example.com]
    deny: ["/api/internal/"]
    routes:
      - name: get-x
        match: { exact: /x, methods: [GET] }
        respond: { status: 200, body: ok }
      - name: post-x
        match: { exact: /x, methods: [POST] }
        upstream: app
      - name: api
        match: { prefix: /api/ }
        upstream: app
        headers: { request: { set: { X-Secret: hidden } } }
      - name: old
        match: { exact: /old }
        redirect: { to: "https://www.example.com/new" }
logs:
  access: { file: access.log }
  error: { file: error.log }
admin: { socket: admin.sock }
process: { workers: 1, drain: 5s }
)";
}

RunningDaemon::RunningDaemon(const TemporaryDirectory& directory, std::string_view config)
    : file_(directory.write("viaduct.yaml", config)), socket_(directory / "admin.sock") {
  thread_ = std::thread([this] { exit_code_ = run_words({"run", "-c", file_}); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!is_answering() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(is_answering()) << "the daemon did not start";
}

RunningDaemon::~RunningDaemon() {
  if (!thread_.joinable()) return;
  EXPECT_TRUE(daemon::ask_admin(socket_, "stop").has_value());
  thread_.join();
}

bool RunningDaemon::is_answering() const {
  return daemon::ask_admin(socket_, "are-you-there").has_value();
}

int RunningDaemon::wait() {
  thread_.join();
  return exit_code_;
}

}  // namespace viaduct::support
