// SPDX-License-Identifier: Apache-2.0
// What a certificate says, as values and texts: names, dates, key, who issued it. Pure functions for start-up, checks
// and error messages; any thread. RFC 5280, RFC 9525.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "tls/openssl_ptr.h"

namespace viaduct::tls {

// The host names and IP addresses it is for: the alternative names, or the common name of one that has none.
std::vector<std::string> certificate_names(const X509& certificate);
// The same for messages: at most `count_max` of them, separated by ", ", and how many more there are.
std::string certificate_names_text(const X509& certificate, std::size_t count_max);
// True when it covers `host`: a name, an IP address, or a pattern "*.example.com", which only the same pattern covers.
bool certificate_covers(X509& certificate, const std::string& host);

base::WallTime not_before_of(const X509& certificate);
base::WallTime not_after_of(const X509& certificate);
// "2026-01-31 23:59:59 UTC"
std::string date_text(base::WallTime time);

// "CN=www.example.com, O=Example"
std::string subject_text(const X509& certificate);
std::string issuer_text(const X509& certificate);
// True when subject and issuer are the same and its own key signed it.
bool is_self_signed(X509& certificate);

// "RSA 2048", "ECDSA P-256" or the algorithm's name
std::string key_text(const X509& certificate);
// The number of bits of an RSA key, 0 for other kinds.
int rsa_bits(const X509& certificate);

}  // namespace viaduct::tls
