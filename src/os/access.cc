// SPDX-License-Identifier: Apache-2.0
#include "os/access.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/format.h"

namespace viaduct::os {

using base::Result;

int try_access(const std::string& path, Access access) {
  static constexpr int kModes[] = {R_OK, W_OK, R_OK | X_OK, W_OK | X_OK};
  const int mode = kModes[static_cast<std::size_t>(access)];
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0 ? 0 : errno;
}

Result<ActingUser> ActingUser::become(const std::string& user) {
  if (user.empty() || ::geteuid() != 0) return ActingUser(false);
  errno = 0;
  const passwd* const row = ::getpwnam(user.c_str());
  if (row == nullptr) return base::fail(base::format("there is no user {}", user));
  const uid_t id = row->pw_uid;
  const gid_t group = row->pw_gid;
  // From here on the destructor puts everything back.
  ActingUser acting(true);
  if (::initgroups(user.c_str(), group) == -1 || ::setegid(group) == -1 || ::seteuid(id) == -1) {
    return base::fail_errno(base::format("cannot act as user {}", user), errno);
  }
  return acting;
}

ActingUser::~ActingUser() {
  if (!is_acting_) return;
  // The real ids never changed, so nothing can refuse this.
  CHECK(::seteuid(::getuid()) == 0);
  CHECK(::setegid(::getgid()) == 0);
  ::initgroups("root", ::getgid());
}

}  // namespace viaduct::os
