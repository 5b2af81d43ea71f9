// SPDX-License-Identifier: Apache-2.0
// What the config's `headers` say of a head, kept up in the trailers behind it, for both directions. Any thread; keeps
// nothing.
#pragma once

#include "config/types.h"
#include "http/fields.h"

namespace viaduct::exchange {

// Removes from trailers what `edits` removes or sets, under any spelling that CGI (RFC 3875 §4.1.18) takes for the
// same: a server that joins trailers to the head (RFC 9110 §6.5.1) would believe the client after all.
void remove_edited(http::Fields& trailers, const config::FieldEdits& edits);

}  // namespace viaduct::exchange
