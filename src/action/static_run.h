// SPDX-License-Identifier: Apache-2.0
// One exchange that is answered with a file: finds it, chooses status and fields, and sends its bytes as the client
// takes them, so that a slow reader never grows memory. Lives in the exchange's arena.
#pragma once

#include <cstdint>
#include <string_view>

#include "action/immediate_run.h"
#include "action/static_file.h"
#include "exchange/exchange.h"
#include "http/conditional.h"
#include "http/range.h"
#include "os/file_cache.h"
#include "os/open_files.h"

namespace viaduct::action {

class StaticRun final : public ImmediateRun {
 public:
  // `action` must outlive the run.
  StaticRun(exchange::Exchange& exchange, const StaticFile& action)
      : exchange_(exchange), action_(action), content_(exchange.loop().chunks()) {}

  void start(bool end) override;
  void on_client_writable() override;
  void on_exchange_over() override;

 private:
  // A file as it is sent.
  struct Representation {
    std::string_view path;     // below the root, of the file that was asked for
    std::string_view coding;   // Content-Encoding; empty for none
    bool varies = false;       // there are other codings of it
    bool is_fallback = false;  // stands in for a page that does not exist
    http::Validators validators;
  };

  // Each answers and returns false, or returns true.
  bool accept_request();
  bool open(std::string_view relative);
  // Each answers, with a file or with why there is none.
  void open_index(std::string_view directory);
  void open_fallback();

  os::FileCache& cache() { return exchange_.services().files; }
  os::FileCache::Moment moment();
  // Looks for what stands at `path`, in the cache or below the root, and says what it is in file_ and known_; 0, or the
  // number of the error.
  int find(std::string_view path);

  void answer_missing(int error_number);
  bool takes_fallback() const;
  void redirect_to_directory();
  void send_file(Representation representation);
  // The number of the form that the client wants most; notes in `representation` what the answer says of it.
  std::size_t choose_form(const os::FileCache::Forms& forms, Representation& representation);
  // Make the chosen form file_, with its content or its descriptor. False: the cache was wrong; or it is answered.
  bool take_known(Representation& representation);
  bool take_opened(Representation& representation);
  void take_content(const os::FileCache::Form& form);
  std::expected<os::OpenedFile, int> open_form(std::string_view path, std::size_t form);
  void make_validators(Representation& representation);
  void answer(const Representation& representation);
  void add_fields(const Representation& representation, http::ResponseHead& head);
  void answer_parts(const Representation& representation);
  void answer_unsatisfiable();
  void begin_body(http::ResponseHead& head, std::uint64_t size);
  void send_more();
  // Appends what follows in the present range, about `bytes`; says how many, 0 where the file became shorter.
  base::Result<std::size_t> read(base::Buffer& body, std::size_t bytes);
  // Makes what stands before part `index` in a multipart answer; behind the last part the closing line.
  std::string_view part_head(std::size_t index);

  exchange::Exchange& exchange_;
  const StaticFile& action_;
  const os::RootDirectory* root_ = nullptr;  // in start()
  os::FileCache::Forms* known_ = nullptr;    // between find() and the answer: what the cache has of it
  os::OpenedFile file_;                      // without descriptor where content_ has all of it
  os::OpenFiles::Handle open_file_;          // in place of file_'s descriptor, from the answer's choice on
  base::Buffer content_;
  http::RangeSelection selection_;
  std::string_view boundary_;      // of a multipart answer, else empty
  std::string_view content_type_;  // of the file
  std::size_t part_ = 0;           // the range that is being sent
  std::uint64_t offset_ = 0;       // the next byte of the file
  std::uint64_t part_end_ = 0;     // behind the last byte of the present range
};

}  // namespace viaduct::action
