// SPDX-License-Identifier: Apache-2.0
// How the conditions of two routes relate: which is tried first, whether one request can meet both, whether one makes
// the other needless. The checks of a config ask this, and the router orders its routes by the same rules, so that what
// `check` promises is what happens. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/types.h"

namespace viaduct::config {

// How many conditions a route has besides its path: one for methods, one for each header field and query parameter.
// Among routes with the same path, the one with more is tried first.
int condition_count(const Match& match);
// The methods with HEAD added where GET is; empty means any.
std::vector<std::string> accepted_methods(const Match& match);
// True when one request can meet the conditions (not the paths) of both.
bool conditions_overlap(const Match& left, const Match& right);
// True when a route with `other` may take requests that a platform sends to the callback route with `callback`, on a
// path that both match: POST, where the callback does not say its methods.
bool takes_callback_requests(const Match& other, const Match& callback);
// True when every request that meets the conditions of `narrow` meets those of `wide`.
bool conditions_imply(const Match& narrow, const Match& wide);
// True when `prefix` of a route takes the decoded path `path`: at whole segments, and "/x" takes "/x" and "/x/y" but
// "/x/" only "/x/y".
bool prefix_takes(std::string_view prefix, std::string_view path);
// True when the entry `deny` refuses the decoded path `path`: as a prefix does, and "/x/" covers "/x", too.
bool deny_covers(std::string_view deny, std::string_view path);

}  // namespace viaduct::config
