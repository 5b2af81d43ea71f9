// SPDX-License-Identifier: Apache-2.0
#include "tls/hello_name.h"

namespace viaduct::tls {
namespace {

// Two bytes, the higher first. REQUIRES: they are there.
std::size_t number_at(std::span<const unsigned char> bytes, std::size_t place) {
  return static_cast<std::size_t>(bytes[place]) << 8U | bytes[place + 1];
}

}  // namespace

std::optional<std::string_view> server_name_of(std::span<const unsigned char> extension) {
  // ServerNameList: its length, then one entry: its kind (0: host_name), the length of the name, the name.
  constexpr std::size_t kHeadBytes = 2 + 1 + 2;
  if (extension.size() <= kHeadBytes || number_at(extension, 0) != extension.size() - 2) return std::nullopt;
  if (extension[2] != TLSEXT_NAMETYPE_host_name) return std::nullopt;
  const std::span<const unsigned char> name = extension.subspan(kHeadBytes);
  if (number_at(extension, 3) != name.size()) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(name.data()), name.size());
}

std::optional<std::string_view> hello_server_name(SSL& ssl) {
  const unsigned char* content = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(&ssl, TLSEXT_TYPE_server_name, &content, &size) != 1) return std::nullopt;
  return server_name_of({content, size});
}

}  // namespace viaduct::tls
