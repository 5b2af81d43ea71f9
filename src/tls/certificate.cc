// SPDX-License-Identifier: Apache-2.0
#include "tls/certificate.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/format.h"
#include "base/ip.h"

namespace viaduct::tls {
namespace {

using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, ReleaseWith<GENERAL_NAMES_free>>;

std::string text_of(const ASN1_STRING* text) {
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

GeneralNamesPtr alternative_names(const X509& certificate) {
  return GeneralNamesPtr(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
}

// A host name or address of the alternative names, empty for the kinds that HTTP does not look at.
std::string host_of(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) return text_of(name.d.dNSName);
  if (name.type != GEN_IPADD) return {};
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(name.d.iPAddress));
  if (size != 4 && size != 16) return {};
  return base::IpAddress::from_bytes(ASN1_STRING_get0_data(name.d.iPAddress), size).to_string();
}

std::string common_name(const X509& certificate) {
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return {};
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
}

base::WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return base::WallTime(std::chrono::seconds(::timegm(&parts)));
}

std::string name_text(const X509_NAME* name) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(memory.get(), name, 0, (XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB & ~XN_FLAG_SPC_EQ));
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

bool is_pattern(std::string_view host) {
  return host.starts_with("*.");
}

}  // namespace

std::vector<std::string> certificate_names(const X509& certificate) {
  std::vector<std::string> hosts;
  const GeneralNamesPtr names = alternative_names(certificate);
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  for (int i = 0; i < count; ++i) {
    std::string host = host_of(*sk_GENERAL_NAME_value(names.get(), i));
    if (!host.empty()) hosts.push_back(std::move(host));
  }
  if (hosts.empty()) {
    std::string name = common_name(certificate);
    if (!name.empty()) hosts.push_back(std::move(name));
  }
  return hosts;
}

std::string certificate_names_text(const X509& certificate, std::size_t count_max) {
  const std::vector<std::string> names = certificate_names(certificate);
  std::string text;
  for (const std::string& name : std::span(names).first(std::min(count_max, names.size()))) {
    text += (text.empty() ? "" : ", ") + name;
  }
  if (names.size() > count_max) text += base::format(" and {} more", names.size() - count_max);
  return text.empty() ? "nothing" : text;
}

bool certificate_covers(X509& certificate, const std::string& host) {
  if (is_pattern(host)) {
    return std::ranges::any_of(certificate_names(certificate),
                               [&host](const std::string& name) { return base::equals_ignoring_case(name, host); });
  }
  if (const auto address = base::IpAddress::parse(host)) {
    return X509_check_ip_asc(&certificate, address->to_string().c_str(), 0) == 1;
  }
  return X509_check_host(&certificate, host.data(), host.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

base::WallTime not_before_of(const X509& certificate) {
  return time_of(X509_get0_notBefore(&certificate));
}

base::WallTime not_after_of(const X509& certificate) {
  return time_of(X509_get0_notAfter(&certificate));
}

std::string date_text(base::WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

std::string subject_text(const X509& certificate) {
  return name_text(X509_get_subject_name(&certificate));
}

std::string issuer_text(const X509& certificate) {
  return name_text(X509_get_issuer_name(&certificate));
}

bool is_self_signed(X509& certificate) {
  return X509_self_signed(&certificate, 1) == 1;
}

std::string key_text(const X509& certificate) {
  EVP_PKEY* key = X509_get0_pubkey(&certificate);
  if (key == nullptr) return "unknown";
  if (EVP_PKEY_is_a(key, "RSA") == 1) return base::format("RSA {}", EVP_PKEY_get_bits(key));
  if (EVP_PKEY_is_a(key, "EC") == 1) {
    std::array<char, 64> group;
    std::size_t length = 0;
    if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) != 1) return "ECDSA";
    const std::string_view name(group.data(), length);
    if (name == "prime256v1") return "ECDSA P-256";
    if (name == "secp384r1") return "ECDSA P-384";
    return base::format("ECDSA {}", name);
  }
  const char* name = EVP_PKEY_get0_type_name(key);
  return name == nullptr ? "unknown" : name;
}

int rsa_bits(const X509& certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(&certificate);
  return key != nullptr && EVP_PKEY_is_a(key, "RSA") == 1 ? EVP_PKEY_get_bits(key) : 0;
}

}  // namespace viaduct::tls
