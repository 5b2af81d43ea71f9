// SPDX-License-Identifier: Apache-2.0
#include "action/static_run.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <span>

#include "base/log.h"
#include "base/uri.h"
#include "http/accept.h"
#include "http/date.h"
#include "http/media_type.h"
#include "route/router.h"

namespace viaduct::action {
namespace {

using http::FieldName;
using http::Reason;

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::size_t kHexDigitsMax = 16;
constexpr std::size_t kCodingBytesMax = 8;
constexpr std::size_t kEtagBytesMax = 2 * kHexDigitsMax + kCodingBytesMax + 4;  // quotes and hyphens

std::string_view encode_path(std::string_view path, base::Arena& arena) {
  char* out = arena.make_array<char>(path.size() * 3);
  return {out, base::percent_encode(path, out)};
}

char* write_hex_number(std::uint64_t value, char* out) {
  return std::to_chars(out, out + kHexDigitsMax, value, 16).ptr;
}

}  // namespace

// ---- finding the file -----------------------------------------------------------------------------------------------

void StaticRun::start(bool) {
  if (!accept_request()) return;
  root_ = &cache().newest_root(action_.root(), action_.config().root, exchange_.loop().now());
  const std::string_view relative = action_.locate(exchange_.decision().decoded_path, exchange_.arena());
  if (has_hidden_segment(relative)) {
    exchange_.fail(Reason::kStaticNotFound);
    return;
  }
  if (!open(relative)) return;
  // A file has no trailing slash; the kernel has said so for all but a root that is a file.
  if (!file_.is_directory) {
    send_file({.path = relative, .coding = {}, .validators = {}});
  } else if (!exchange_.decision().decoded_path.ends_with('/')) {
    redirect_to_directory();
  } else {
    open_index(relative);
  }
}

bool StaticRun::accept_request() {
  const Reason refusal = judge_file_request(exchange_.request().method, exchange_.decision());
  if (refusal == Reason::kNone) return true;
  if (refusal == Reason::kMethodNotAllowed) exchange_.set_allow("GET, HEAD");
  exchange_.fail(refusal);
  return false;
}

os::FileCache::Moment StaticRun::moment() {
  net::Loop& loop = exchange_.loop();
  return {.now = loop.now(), .wall_now = loop.wall_now(), .reads = loop.reads()};
}

int StaticRun::find(std::string_view path) {
  known_ = cache().find(*root_, path, moment());
  if (known_ != nullptr) {
    file_ = os::OpenedFile{known_->front().status, os::Fd()};
    return 0;
  }
  auto opened = root_->open_file(path);
  if (!opened) return opened.error();
  file_ = std::move(*opened);
  if (file_.is_directory) {
    os::FileCache::Forms forms = cache().no_forms();
    const os::FileStatus& status = file_;
    forms.front().status = status;
    forms.front().error = 0;
    if (os::FileCache::accepts(forms, moment())) cache().keep(*root_, path, std::move(forms), moment());
  }
  return 0;
}

bool StaticRun::open(std::string_view relative) {
  const int error_number = find(relative);
  if (error_number == 0) return true;
  answer_missing(error_number);
  return false;
}

void StaticRun::open_index(std::string_view directory) {
  for (const std::string& name : action_.config().index) {
    const std::string_view path = index_path(directory, name, exchange_.arena());
    if (find(path) != 0 || file_.is_directory) continue;
    return send_file({.path = path, .coding = {}, .validators = {}});
  }
  if (takes_fallback()) return open_fallback();
  exchange_.fail(Reason::kStaticForbidden);  // no listing
}

void StaticRun::answer_missing(int error_number) {
  if (is_missing_file(error_number)) {
    if (takes_fallback()) {
      open_fallback();
    } else {
      exchange_.fail(Reason::kStaticNotFound);
    }
    return;
  }
  const bool is_forbidden =
      error_number == EXDEV || error_number == ELOOP || error_number == EACCES || error_number == EPERM;
  exchange_.fail(is_forbidden || error_number == EINVAL ? Reason::kStaticForbidden : Reason::kStaticReadFailed);
}

// The page of a single-page application answers for paths that its router knows and the disk does not, where a page was
// asked for.
bool StaticRun::takes_fallback() const {
  return !action_.config().fallback.empty() && http::accepts_html(exchange_.request().fields) &&
         action_.may_fall_back(exchange_.decision(), *exchange_.snapshot().router);
}

void StaticRun::open_fallback() {
  std::string_view path = action_.config().fallback;
  while (path.starts_with('/')) path.remove_prefix(1);
  if (find(path) != 0 || file_.is_directory) return exchange_.fail(Reason::kStaticNotFound);
  send_file({.path = path, .coding = {}, .is_fallback = true, .validators = {}});
}

void StaticRun::redirect_to_directory() {
  base::Arena& arena = exchange_.arena();
  const route::Decision& decision = exchange_.decision();
  // From the resolved path: "//host" as received would lead to another host.
  std::string_view location = arena.append(encode_path(decision.decoded_path, arena), "/");
  if (decision.has_query) location = arena.append(arena.append(location, "?"), decision.query);
  const exchange::ReplyField field{.id = FieldName::kLocation, .value = location};
  exchange_.respond({.status = 301, .content_type = {}, .body = {}, .fields = std::span(&field, 1)});
}

// ---- choosing the answer --------------------------------------------------------------------------------------------

void StaticRun::send_file(Representation representation) {
  content_type_ = http::media_type(representation.path);
  const bool is_taken = known_ != nullptr && take_known(representation);
  if (!is_taken && !take_opened(representation)) return;
  if (file_.fd) open_file_ = cache().open_files().share(std::move(file_));
  make_validators(representation);
  answer(representation);
}

std::size_t StaticRun::choose_form(const os::FileCache::Forms& forms, Representation& representation) {
  const auto& [plain, brotli, gzip] = forms;
  const auto is_usable = [&plain](const os::FileCache::Form& form) {
    // An older one would be another version of the file.
    return form.error == 0 && !form.status.is_directory && form.status.mtime_ns >= plain.status.mtime_ns;
  };
  const bool has_brotli = is_usable(brotli);
  const bool has_gzip = is_usable(gzip);
  representation.varies = has_brotli || has_gzip;
  representation.coding = {};
  if (!representation.varies) return 0;
  const http::ContentCoding coding = http::choose_coding(exchange_.request().fields, has_brotli, has_gzip);
  representation.coding = http::content_coding_name(coding);
  switch (coding) {
    case http::ContentCoding::kBrotli: return 1;
    case http::ContentCoding::kGzip: return 2;
    case http::ContentCoding::kIdentity: break;
  }
  return 0;
}

std::expected<os::OpenedFile, int> StaticRun::open_form(std::string_view path, std::size_t form) {
  base::Arena& arena = exchange_.arena();
  if (form > 0) path = arena.append(arena.copy(path), os::FileCache::kSuffixes[form]);
  return root_->open_file(path);
}

bool StaticRun::take_known(Representation& representation) {
  const std::size_t chosen = choose_form(*known_, representation);
  os::FileCache::Form& form = (*known_)[chosen];
  os::Fd fd;
  if (!form.is_loaded()) {
    auto opened = open_form(representation.path, chosen);
    const bool is_same = opened.has_value() && *opened == form.status;
    if (!is_same) {
      cache().drop_found();
      known_ = nullptr;
      return false;
    }
    fd = std::move(opened->fd);
    form.load(fd.get());
  }
  file_ = os::OpenedFile{form.status, std::move(fd)};
  if (form.is_loaded()) take_content(form);
  cache().loaded();
  known_ = nullptr;
  return true;
}

bool StaticRun::take_opened(Representation& representation) {
  os::FileCache::Forms forms = cache().no_forms();
  std::array<os::Fd, os::FileCache::kSuffixes.size()> descriptors;
  for (std::size_t i = 0; i < forms.size(); ++i) {
    auto opened = i == 0 && file_.fd ? std::move(file_) : open_form(representation.path, i);
    forms[i].error = opened.has_value() ? 0 : opened.error();
    if (!opened) continue;
    const os::FileStatus& status = *opened;
    forms[i].status = status;
    descriptors[i] = std::move(opened->fd);
  }
  if (forms.front().error != 0 || forms.front().status.is_directory) {
    exchange_.fail(Reason::kStaticNotFound);  // it went while we looked
    return false;
  }
  const std::size_t chosen = choose_form(forms, representation);
  os::FileCache::Form& form = forms[chosen];
  file_ = os::OpenedFile{form.status, std::move(descriptors[chosen])};
  if (form.status.size > os::FileCache::kFileBytesMax || !os::FileCache::accepts(forms, moment())) return true;
  form.load(file_.fd.get());
  if (!form.is_loaded()) return true;
  take_content(form);
  cache().keep(*root_, representation.path, std::move(forms), moment());
  return true;
}

void StaticRun::take_content(const os::FileCache::Form& form) {
  content_.share(form.content);
  file_.fd.reset();
}

void StaticRun::make_validators(Representation& representation) {
  std::array<char, kEtagBytesMax> text;
  char* at = text.data();
  *at++ = '"';
  at = write_hex_number(static_cast<std::uint64_t>(file_.mtime_ns), at);
  *at++ = '-';
  at = write_hex_number(file_.size, at);
  if (!representation.coding.empty()) {
    *at++ = '-';
    at = std::ranges::copy(representation.coding.substr(0, kCodingBytesMax), at).out;
  }
  *at++ = '"';
  const std::string_view etag(text.data(), static_cast<std::size_t>(at - text.data()));
  representation.validators = {.etag = exchange_.arena().copy(etag),
                               .last_modified = file_.mtime_ns / kNanosecondsPerSecond};
}

void StaticRun::answer(const Representation& representation) {
  const http::RequestHead& request = exchange_.request();
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(exchange_.loop().wall_now().time_since_epoch());
  switch (http::evaluate_preconditions(request.fields, request.method, representation.validators, now.count())) {
    case http::Precondition::kFailed: exchange_.fail(Reason::kPreconditionFailed); return;
    case http::Precondition::kNotModified: {
      http::ResponseHead& head = exchange_.new_head(304);
      add_fields(representation, head);
      exchange_.send_head(head, true);
      return;
    }
    case http::Precondition::kProceed: break;
  }
  const bool may_be_partial = request.method == http::Method::kGet &&
                              http::allows_range(request.fields, representation.validators, now.count());
  if (may_be_partial) selection_ = http::select_ranges(request.fields, file_.size);
  switch (selection_.kind()) {
    case http::RangeSelection::Kind::kUnsatisfiable: answer_unsatisfiable(); return;
    case http::RangeSelection::Kind::kParts: answer_parts(representation); return;
    case http::RangeSelection::Kind::kWhole: break;
  }
  http::ResponseHead& head = exchange_.new_head(200);
  head.fields.add(FieldName::kContentType, content_type_);
  add_fields(representation, head);
  part_end_ = file_.size;
  begin_body(head, file_.size);
}

void StaticRun::add_fields(const Representation& representation, http::ResponseHead& head) {
  std::array<char, http::kDateLength> date;
  head.fields.add(FieldName::kEtag, representation.validators.etag);
  head.fields.add(FieldName::kLastModified, http::write_date(*representation.validators.last_modified, date));
  head.fields.add(FieldName::kAcceptRanges, "bytes");
  if (representation.varies) head.fields.add(FieldName::kVary, "Accept-Encoding");
  if (!representation.coding.empty() && head.status != 304) {
    head.fields.add(FieldName::kContentEncoding, representation.coding);
  }
  // A fallback page stands at every address: whoever kept it would miss the real thing.
  const std::string_view cache_control = representation.is_fallback ? "no-cache" : action_.cache_control();
  if (!cache_control.empty()) head.fields.add(FieldName::kCacheControl, cache_control);
}

void StaticRun::answer_unsatisfiable() {
  exchange_.set_content_range(http::unsatisfied_content_range(file_.size, exchange_.arena()));
  exchange_.fail(Reason::kRangeNotSatisfiable);
}

void StaticRun::answer_parts(const Representation& representation) {
  http::ResponseHead& head = exchange_.new_head(206);
  const std::span<const http::ByteRange> ranges = selection_.ranges();
  base::Arena& arena = exchange_.arena();
  offset_ = ranges.front().first;
  part_end_ = ranges.front().last + 1;
  std::uint64_t size = ranges.front().size();
  if (ranges.size() == 1) {
    head.fields.add(FieldName::kContentType, content_type_);
    head.fields.add(FieldName::kContentRange, http::content_range(ranges.front(), file_.size, arena));
  } else {
    // Nothing that a client can choose: it must not stand in the file (RFC 2046 §5.1.1).
    boundary_ = arena.copy(exchange_.services().random.request_id().view());
    head.fields.add(FieldName::kContentType,
                    arena.append(arena.append(arena.copy("multipart/byteranges; boundary=\""), boundary_), "\""));
    size = part_head(ranges.size()).size();
    for (std::size_t i = 0; i < ranges.size(); ++i) size += part_head(i).size() + ranges[i].size();
  }
  add_fields(representation, head);
  begin_body(head, size);
}

std::string_view StaticRun::part_head(std::size_t index) {
  base::Arena& arena = exchange_.arena();
  std::string_view text = arena.append(arena.copy(index == 0 ? "--" : "\r\n--"), boundary_);
  if (index == selection_.ranges().size()) return arena.append(text, "--\r\n");
  text = arena.append(arena.append(text, "\r\nContent-Type: "), content_type_);
  const std::string_view range = http::content_range(selection_.ranges()[index], file_.size, arena);
  return arena.append(arena.append(arena.append(text, "\r\nContent-Range: "), range), "\r\n\r\n");
}

// ---- sending it -----------------------------------------------------------------------------------------------------

void StaticRun::begin_body(http::ResponseHead& head, std::uint64_t size) {
  head.body = {.kind = http::BodyKind::kSized, .bytes = size};
  const bool end = size == 0 || exchange_.request().method == http::Method::kHead;
  exchange_.send_head(head, end);
  if (end) return;
  if (!boundary_.empty()) {
    base::Buffer first(exchange_.loop().chunks());
    first.append(part_head(0));
    exchange_.send_body(first, false);
  }
  send_more();
}

void StaticRun::on_client_writable() {
  send_more();
}

void StaticRun::on_exchange_over() {
  file_.fd.reset();
  open_file_.reset();
  content_.clear();
}

base::Result<std::size_t> StaticRun::read(base::Buffer& body, std::size_t bytes) {
  // In whole chunks, which make full records; but where less than one has room, no more than that is wanted.
  const std::size_t whole = (bytes + base::Chunk::kBytes - 1) / base::Chunk::kBytes * base::Chunk::kBytes;
  const std::size_t wanted = std::min<std::uint64_t>(bytes < base::Chunk::kBytes ? bytes : whole, part_end_ - offset_);
  if (open_file_) return os::read_chunks(open_file_.get(), body, wanted, offset_);
  body.share_part(content_, offset_, wanted);
  return wanted;
}

void StaticRun::send_more() {
  base::Buffer body(exchange_.loop().chunks());
  const std::size_t room = exchange_.writable_bytes();
  bool ended = false;
  while (body.size() < room && !ended) {
    if (offset_ < part_end_) {
      const auto got = read(body, room - body.size());
      if (!got || *got == 0) {
        LOG_ERROR("static_read_failed route={} request_id={} error={}", base::quoted(exchange_.route().name),
                  exchange_.request_id(), base::quoted(got ? "the file became shorter" : got.error().message));
        body.clear();
        exchange_.fail(Reason::kStaticReadFailed);
        return;
      }
      offset_ += *got;
      continue;
    }
    const std::span<const http::ByteRange> ranges = selection_.ranges();
    ++part_;
    ended = part_ >= ranges.size();
    if (!boundary_.empty()) body.append(part_head(part_));
    if (ended) break;
    offset_ = ranges[part_].first;
    part_end_ = ranges[part_].last + 1;
  }
  ended = ended || (boundary_.empty() && offset_ == part_end_);
  if (!body.empty()) exchange_.send_body(body, ended);
}

}  // namespace viaduct::action
