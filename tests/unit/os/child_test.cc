// SPDX-License-Identifier: Apache-2.0
#include "os/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "os/fd.h"

namespace viaduct::os {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reading = Fd(ends[0]);
    writing = Fd(ends[1]);
  }
  // Everything until the other ends are closed.
  std::string read_all() {
    writing.reset();
    std::string text;
    char byte = 0;
    while (::read(reading.get(), &byte, 1) == 1) text += byte;
    return text;
  }
  std::string writing_path() const { return "/proc/self/fd/" + std::to_string(writing.get()); }

  Fd reading;
  Fd writing;
};

std::string end_of(pid_t pid) {
  ChildEnd end;
  while (!(end = reap_child(pid)).has_ended) ::poll(nullptr, 0, 1);
  return end.text;
}

TEST(Child, GetsItsDescriptorsAndNoOthers) {
  Pipe given;
  Pipe kept;
  const auto pid = start_child({.command = {"/bin/sh", "-c",
                                            "echo here > " + given.writing_path() + "; test ! -e /proc/self/fd/" +
                                                std::to_string(kept.writing.get())},
                                .environment = {},
                                .without = {},
                                .descriptors = {given.writing.get()}});
  ASSERT_TRUE(pid.has_value()) << pid.error().message;
  EXPECT_EQ(given.read_all(), "here\n");
  EXPECT_EQ(end_of(*pid), "exit status 0");
}

TEST(Child, WritesWhereItIsToldAndHasNothingToRead) {
  Pipe pipe;
  const auto pid = start_child({.command = {"/bin/sh", "-c", "cat; echo out; echo error >&2"},
                                .environment = {},
                                .without = {},
                                .descriptors = {},
                                .output = pipe.writing.get()});
  ASSERT_TRUE(pid.has_value()) << pid.error().message;
  EXPECT_EQ(pipe.read_all(), "out\nerror\n");
  EXPECT_EQ(end_of(*pid), "exit status 0");
}

TEST(Child, LeadsAGroupWhereItIsTold) {
  for (const bool leads_group : {false, true}) {
    const auto pid = start_child({.command = {"/bin/sleep", "600"},
                                  .environment = {},
                                  .without = {},
                                  .descriptors = {},
                                  .leads_group = leads_group});
    ASSERT_TRUE(pid.has_value()) << pid.error().message;
    EXPECT_EQ(::getpgid(*pid), leads_group ? *pid : ::getpgrp());
    kill_child(*pid);
  }
}

TEST(Child, GetsItsEnvironment) {
  ::setenv("VIADUCT_TEST_KEPT", "kept", 1);
  ::setenv("VIADUCT_TEST_LEFT", "left", 1);
  ::setenv("VIADUCT_TEST_OTHER", "old", 1);
  Pipe pipe;
  const auto pid = start_child(
      {.command = {"/bin/sh", "-c",
                   "echo $VIADUCT_TEST_KEPT,$VIADUCT_TEST_LEFT,$VIADUCT_TEST_OTHER > " + pipe.writing_path()},
       .environment = {"VIADUCT_TEST_OTHER=new"},
       .without = {"VIADUCT_TEST_LEFT"},
       .descriptors = {pipe.writing.get()}});
  ASSERT_TRUE(pid.has_value());
  EXPECT_EQ(pipe.read_all(), "kept,,new\n");
  EXPECT_EQ(end_of(*pid), "exit status 0");
}

TEST(Child, TellsHowItEnded) {
  const auto run = [](const std::string& line) {
    const auto pid =
        start_child({.command = {"/bin/sh", "-c", line}, .environment = {}, .without = {}, .descriptors = {}});
    EXPECT_TRUE(pid.has_value());
    return end_of(*pid);
  };
  EXPECT_EQ(run("exit 3"), "exit status 3");
  EXPECT_EQ(run("kill -TERM $$"), "signal 15");
}

TEST(Child, HasTheSignalsOfAFreshProcess) {
  sigset_t before;
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto old_handler = ::signal(SIGPIPE, SIG_IGN);
  const auto pid = start_child(
      {.command = {"/bin/sh", "-c", "kill -TERM $$; exit 0"}, .environment = {}, .without = {}, .descriptors = {}});
  ASSERT_TRUE(pid.has_value());
  EXPECT_EQ(end_of(*pid), "signal 15");
  ::signal(SIGPIPE, old_handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(Child, IsKilled) {
  const auto pid = start_child({.command = {"/bin/sleep", "60"}, .environment = {}, .without = {}, .descriptors = {}});
  ASSERT_TRUE(pid.has_value());
  EXPECT_FALSE(reap_child(*pid).has_ended);
  kill_child(*pid);
  EXPECT_EQ(reap_child(*pid).text, "unknown");
}

TEST(Child, SaysWhatCannotBeStarted) {
  const auto pid =
      start_child({.command = {"/nonexistent/program"}, .environment = {}, .without = {}, .descriptors = {}});
  ASSERT_FALSE(pid.has_value());
  EXPECT_NE(pid.error().message.find("/nonexistent/program"), std::string::npos) << pid.error().message;
}

TEST(Child, KnowsItsOwnFile) {
  const std::string path = own_executable();
  EXPECT_TRUE(path.starts_with("/")) << path;
  EXPECT_EQ(::access(path.c_str(), X_OK), 0) << path;
}

}  // namespace
}  // namespace viaduct::os
