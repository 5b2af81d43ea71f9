// SPDX-License-Identifier: Apache-2.0
#include "http/media_type.h"

#include <gtest/gtest.h>

#include <string>

namespace viaduct::http {
namespace {

TEST(MediaType, FollowsTheExtension) {
  struct Row {
    std::string_view path;
    std::string_view type;
  };
  constexpr Row kRows[] = {
      {"/index.html", "text/html; charset=utf-8"},
      {"index.HTM", "text/html; charset=utf-8"},
      {"/a/b.c/app.js", "text/javascript; charset=utf-8"},
      {"/m.mjs", "text/javascript; charset=utf-8"},
      {"/s.css", "text/css; charset=utf-8"},
      {"/MP_verify_abc.txt", "text/plain; charset=utf-8"},
      {"/a.json", "application/json"},
      {"/app.js.map", "application/json"},
      {"/a.wasm", "application/wasm"},
      {"/a.svg", "image/svg+xml"},
      {"/a.png", "image/png"},
      {"/a.JPG", "image/jpeg"},
      {"/a.jpeg", "image/jpeg"},
      {"/a.gif", "image/gif"},
      {"/a.webp", "image/webp"},
      {"/a.avif", "image/avif"},
      {"/favicon.ico", "image/x-icon"},
      {"/a.woff", "font/woff"},
      {"/a.woff2", "font/woff2"},
      {"/a.webmanifest", "application/manifest+json"},
      {"/a.pdf", "application/pdf"},
      {"/a.mp4", "video/mp4"},
      {"/a.xml", "text/xml; charset=utf-8"},
      {"/a.7z", "application/x-7z-compressed"},
      {"/a.zst", "application/zstd"},
      {"/\xe6\x94\xaf.html", "text/html; charset=utf-8"},
  };
  for (const Row& row : kRows) EXPECT_EQ(media_type(row.path), row.type) << row.path;
}

TEST(MediaType, IsBytesWhereNothingIsKnown) {
  for (const std::string_view path : {"", "/", ".", "/a", "/a.", "/a.b/c", "/html", "/a.html/", "/a.htmlx", "/a.x",
                                      "/a.webmanifests", "/a.\xff", "/a.html ", "/a.(j)"}) {
    EXPECT_EQ(media_type(path), "application/octet-stream") << path;
  }
  EXPECT_EQ(media_type("/a." + std::string(100000, 'h')), "application/octet-stream");
}

}  // namespace
}  // namespace viaduct::http
