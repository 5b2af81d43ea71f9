// SPDX-License-Identifier: Apache-2.0
#include "config/validate_listeners.h"

#include <algorithm>

#include "base/format.h"
#include "config/files.h"

namespace viaduct::config {

namespace {

std::string path_of(std::size_t index) {
  return base::format("listeners[{}]", index);
}

bool is_every_address(const base::IpAddress& address) {
  return std::all_of(address.bytes(), address.bytes() + address.size(), [](unsigned char byte) { return byte == 0; });
}

// Whether the kernel gives the second of the two to nobody once the first is bound: they are the same, or one is every
// address of the machine. Port 0 is another port each time.
bool exclude_each_other(const base::SocketAddress& left, const base::SocketAddress& right) {
  if (left.is_unix() && right.is_unix()) return real_path(left.path()) == real_path(right.path());
  if (left.is_unix() || right.is_unix()) return false;
  if (left.port() != right.port() || left.port() == 0 || left.ip().is_v4() != right.ip().is_v4()) return false;
  return left.ip() == right.ip() || is_every_address(left.ip()) || is_every_address(right.ip());
}

bool exclude_each_other(const Listener& left, const base::SocketAddress& right) {
  return std::ranges::any_of(left.addresses,
                             [&right](const base::SocketAddress& each) { return exclude_each_other(each, right); });
}

bool exclude_each_other(const Listener& left, const Listener& right) {
  return std::ranges::any_of(right.addresses,
                             [&left](const base::SocketAddress& each) { return exclude_each_other(left, each); });
}

void check_bound_twice(const std::vector<Listener>& listeners, Reading& reading) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!exclude_each_other(listeners[i], listeners[j])) continue;
      reading.error_at(path_of(i) + ".address",
                       base::format("{} is bound twice, first by {} in line {}; keep one of them", listeners[i].address,
                                    listeners[j].address, listeners[j].place.line));
      break;
    }
  }
}

void check_health_address(const ConfigDraft& draft, Reading& reading) {
  if (!draft.admin.health) return;
  const auto found = std::ranges::find_if(draft.listeners, [&draft](const Listener& listener) {
    return exclude_each_other(listener, *draft.admin.health);
  });
  if (found == draft.listeners.end()) return;
  reading.error_at("admin.health", base::format("the listener {} in line {} has this address; choose another port",
                                                found->address, found->place.line));
}

void check_unix_directories(const std::vector<Listener>& listeners, Reading& reading) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    for (const base::SocketAddress& address : listeners[i].addresses) {
      if (!address.is_unix()) continue;
      std::string fault = explain_unusable_socket(address.path());
      if (!fault.empty()) reading.file_error_at(path_of(i) + ".address", std::move(fault));
    }
  }
}

void check_proxy_from(const std::vector<Listener>& listeners, Reading& reading) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const std::string path = path_of(i) + ".proxy_from";
    if (listeners[i].proxy_protocol || !reading.places().has(path)) continue;
    reading.warn_at(path,
                    "without proxy_protocol everybody may connect and nobody announces clients; add proxy_protocol: "
                    "true, or delete this");
  }
}

void check_tls(const ConfigDraft& draft, Reading& reading) {
  const bool has_tls = std::ranges::any_of(draft.listeners, &Listener::tls);
  const bool has_certificate =
      std::ranges::any_of(draft.sites, [](const SiteDraft& site) { return !site.certificates.empty(); });
  for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
    const Listener& listener = draft.listeners[i];
    if (listener.tls && !has_certificate) {
      reading.error_at(path_of(i) + ".tls",
                       "no site has a certificate; add tls: { cert: FILE, key: FILE } to a site, or drop tls here");
    }
    if (listener.tls && listener.h2c) {
      reading.error_at(path_of(i) + ".h2c",
                       "h2c is HTTP/2 without TLS, and this listener speaks TLS; http2: true offers it here");
    }
    if (listener.tls && listener.redirect_to_https) {
      reading.error_at(path_of(i) + ".redirect_to_https",
                       "this listener speaks https itself; put redirect_to_https on the plain one");
    } else if (listener.redirect_to_https && !has_tls) {
      reading.error_at(path_of(i) + ".redirect_to_https",
                       "there is no TLS listener to redirect to; add one with tls: true, or drop this");
    }
  }
  if (has_tls) return;
  for (std::size_t i = 0; i < draft.sites.size(); ++i) {
    if (draft.sites[i].certificates.empty()) continue;
    reading.warn_at(base::format("sites[{}].tls", i),
                    "no listener speaks TLS, so the certificate is not used; add tls: true to a listener");
  }
}

}  // namespace

void validate_listeners(const ConfigDraft& draft, Reading& reading) {
  check_bound_twice(draft.listeners, reading);
  check_health_address(draft, reading);
  check_unix_directories(draft.listeners, reading);
  check_proxy_from(draft.listeners, reading);
  check_tls(draft, reading);
  if (!draft.tls.client_ca.empty()) {
    std::string fault = explain_unreadable_file(draft.tls.client_ca);
    if (!fault.empty()) reading.file_error_at("tls.client_ca", std::move(fault));
  }
  if (draft.tls.min_version > draft.tls.max_version) {
    reading.error_at("tls.min_version", "min_version is above max_version, so no version is left; lower it");
  }
  const bool is_empty = reading.places().has("listeners") && draft.listeners.empty();
  if (is_empty) reading.error_at("listeners", "the list is empty; add { address: \"0.0.0.0:80\" }");
}

}  // namespace viaduct::config
