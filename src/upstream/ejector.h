// SPDX-License-Identifier: Apache-2.0
// Leaves a server of an upstream out for a while because attempts to get answers from it failed in a row, whichever
// workers made them (`eject`). The last server that is available stays, and no more than half of them go at once: what
// fails everywhere is no fault of one. Part of an Upstream; the counts are those of the process (server_state.h), so
// that workers do this together.
#pragma once

#include "base/time.h"
#include "config/types.h"
#include "upstream/retry.h"
#include "upstream/server.h"
#include "upstream/server_state.h"

namespace viaduct::upstream {

class Ejector {
 public:
  // One in so many servers of an upstream may be left out at once, rounded up: 1 of 2, 2 of 3, 2 of 4.
  static constexpr std::size_t kOneIn = 2;

  // Both must outlive the ejector. Where `config` has no `eject`, servers that are left out come back.
  Ejector(UpstreamState& state, const config::Upstream& config);
  Ejector(const Ejector&) = delete;
  Ejector& operator=(const Ejector&) = delete;

  // An attempt ended with a whole answer, of whatever status: failures are no longer in a row.
  void note_success(Server& server);
  // An attempt ended without. Leaves the server out where this was one too many. It comes back with its failures on
  // record: one more and it is left out again, unless an attempt went well in between.
  void note_failure(Server& server, const FailedAttempt& attempt, base::MonoTime now);
  // Lets the server come back where its time is over. One worker does it, and says so.
  void let_back(Server& server, base::MonoTime now);

 private:
  // REQUIRES: the upstream's eject_mutex() is held.
  void eject(Server& server, const FailedAttempt& attempt, std::uint32_t failures, base::MonoTime now);
  // Why none more may be left out; null when one may. REQUIRES: as eject().
  const char* why_all_are_needed(base::MonoTime now);

  UpstreamState& state_;
  const config::Upstream& config_;
};

// Whether a failed attempt speaks against its server: it could not be reached, did not answer in time, answered
// garbage, or broke off. Not where a kept connection had ended meanwhile, nor where the fault may be the client's or
// ours (that we had no descriptor or port left to call it from, for example).
bool speaks_against_server(const FailedAttempt& attempt);

}  // namespace viaduct::upstream
