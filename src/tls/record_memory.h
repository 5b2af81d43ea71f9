// SPDX-License-Identifier: Apache-2.0
// Memory for OpenSSL's buffers of a record. A connection gives them back whenever it has nothing to read or write
// (SSL_MODE_RELEASE_BUFFERS), so that an idle one has none, and takes them again for the next record: a malloc() of
// 17 KB and its free() twice a request, too large for what the C library keeps at hand. Here each thread keeps some.
// Everything else that OpenSSL asks for goes to the C library as before.
#pragma once

#include <cstddef>

namespace viaduct::tls {

// The sizes that are kept, in bytes: a record of 16 KiB with its head, padding and tag, and what malloc() adds.
inline constexpr std::size_t kRecordBytesMin = 16 * 1024;
inline constexpr std::size_t kRecordBytesMax = 20 * 1024;
// Buffers that a thread keeps: the reading and the writing side of a client's and a server's connection.
inline constexpr std::size_t kRecordBuffersKept = 4;

// From now on OpenSSL's memory comes from here. Must be called before anything of OpenSSL is used; changes nothing, and
// returns false, when it is too late, or in a build that watches memory (AddressSanitizer).
bool keep_record_memory();

// What keep_record_memory() gives to OpenSSL; as malloc(3), realloc(3) and free(3). For tests.
void* take_record_memory(std::size_t bytes);
void* resize_record_memory(void* memory, std::size_t bytes);
void return_record_memory(void* memory);

}  // namespace viaduct::tls
