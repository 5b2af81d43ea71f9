// SPDX-License-Identifier: Apache-2.0
// What a user may do with files, found out by asking the kernel in that user's name: for checks before a start, made
// by root for the user that the daemon will become. Changes the identity of the whole process for a moment: programs
// with one thread alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"

namespace viaduct::os {

enum class Access : std::uint8_t { kRead, kWrite, kReadDirectory, kWriteDirectory };

// 0 where we, as whom we act now, may do it; else the number of the error.
int try_access(const std::string& path, Access access);

// The process acts as another user until this object ends. Nothing happens where we are no root: then it is our own
// rights that count.
class ActingUser {
 public:
  // `user` by name; empty: as we are.
  static base::Result<ActingUser> become(const std::string& user);
  ~ActingUser();
  ActingUser(const ActingUser&) = delete;
  ActingUser& operator=(const ActingUser&) = delete;
  ActingUser(ActingUser&& other) noexcept : is_acting_(other.is_acting_) { other.is_acting_ = false; }
  ActingUser& operator=(ActingUser&&) = delete;

 private:
  explicit ActingUser(bool is_acting) : is_acting_(is_acting) {}

  bool is_acting_;
};

}  // namespace viaduct::os
