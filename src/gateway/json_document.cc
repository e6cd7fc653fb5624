#include "gateway/json_document.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>
#include <new>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace rhizome::gateway {
namespace {

namespace json = boost::json;
using ErrorCode = json::error_code;

// Receives the parser's events, builds the value and refuses what plain JSON parsing lets through.
class Builder {
 public:
  static constexpr size_t max_object_size = json::object::max_size();  // NOLINT: names set by basic_parser
  static constexpr size_t max_array_size = json::array::max_size();    // NOLINT
  static constexpr size_t max_key_size = json::string::max_size();     // NOLINT
  static constexpr size_t max_string_size = json::string::max_size();  // NOLINT

  explicit Builder(json::storage_ptr storage) { stack_.reset(std::move(storage)); }

  bool on_document_begin(ErrorCode&) { return true; }
  bool on_document_end(ErrorCode&) { return true; }
  bool on_object_begin(ErrorCode&) {
    frames_.push_back(keys_.size());
    return true;
  }
  bool on_object_end(size_t n, ErrorCode& ec) {
    if (!KeysAreDistinct()) return Fail(ec, Status::InvalidArgument(duplicate_, "appears twice in one object"));
    keys_.resize(frames_.back());
    frames_.pop_back();
    stack_.push_object(n);
    return CountOne(ec);
  }
  bool on_array_begin(ErrorCode&) { return true; }
  bool on_array_end(size_t n, ErrorCode& ec) {
    stack_.push_array(n);
    return CountOne(ec);
  }
  bool on_key_part(json::string_view s, size_t, ErrorCode&) {
    key_ += std::string_view(s.data(), s.size());
    stack_.push_chars(s);
    return true;
  }
  bool on_key(json::string_view s, size_t, ErrorCode&) {
    key_ += std::string_view(s.data(), s.size());
    keys_.push_back(std::move(key_));
    key_.clear();
    stack_.push_key(s);
    return true;
  }
  bool on_string_part(json::string_view s, size_t, ErrorCode&) {
    stack_.push_chars(s);
    return true;
  }
  bool on_string(json::string_view s, size_t, ErrorCode& ec) {
    stack_.push_string(s);
    return CountOne(ec);
  }
  bool on_number_part(json::string_view, ErrorCode&) { return true; }
  bool on_int64(int64_t number, json::string_view, ErrorCode& ec) {
    stack_.push_int64(number);
    return CountOne(ec);
  }
  bool on_uint64(uint64_t number, json::string_view, ErrorCode& ec) {
    stack_.push_uint64(number);
    return CountOne(ec);
  }
  // The library's own conversion may be an ulp off; the text is at hand in one piece, so it is converted exactly.
  bool on_double(double number, json::string_view text, ErrorCode& ec) {
    std::from_chars(text.data(), text.data() + text.size(), number);
    if (!std::isfinite(number)) {
      return Fail(ec, Status::InvalidArgument("", "a number is too large for a double"));
    }
    stack_.push_double(number);
    return CountOne(ec);
  }
  bool on_bool(bool value, ErrorCode& ec) {
    stack_.push_bool(value);
    return CountOne(ec);
  }
  bool on_null(ErrorCode& ec) {
    stack_.push_null();
    return CountOne(ec);
  }
  bool on_comment_part(json::string_view, ErrorCode&) { return true; }
  bool on_comment(json::string_view, ErrorCode&) { return true; }

  const Status& failure() const { return failure_; }
  json::value Release() { return stack_.release(); }

 private:
  bool Fail(ErrorCode& ec, Status failure) {
    failure_ = std::move(failure);
    ec = boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
    return false;
  }

  bool CountOne(ErrorCode& ec) {
    if (++values_ <= kJsonValuesMax) return true;
    return Fail(ec, Status::TooLarge("", "the body holds more than 8388608 JSON values"));
  }

  bool KeysAreDistinct() {
    const auto begin = keys_.begin() + static_cast<ptrdiff_t>(frames_.back());
    std::sort(begin, keys_.end());
    const auto twin = std::adjacent_find(begin, keys_.end());
    if (twin == keys_.end()) return true;
    duplicate_ = *twin;
    return false;
  }

  json::value_stack stack_;
  size_t values_ = 0;
  std::string key_;                // of the key being read
  std::vector<std::string> keys_;  // of every open object, outer ones first
  std::vector<size_t> frames_;     // where each open object's keys begin
  std::string duplicate_;
  Status failure_;
};

Status Explain(const ErrorCode& error, const Status& failure, size_t offset) {
  const std::string at = " (before byte " + std::to_string(offset) + " of the body)";
  if (!failure.ok()) return Status(failure.code(), std::string(failure.message()) + at, std::string(failure.field()));
  if (error == json::error::too_deep) {
    return Status::InvalidArgument("", "the body nests deeper than 64" + at);
  }
  return Status::InvalidArgument("", "the body is not valid JSON: " + error.message() + at);
}

}  // namespace

Result<JsonDocument> JsonDocument::Parse(std::string_view text) {
  // The parser checks UTF-8 too, but its message would not say that this is what is wrong.
  if (const size_t valid = Utf8ValidPrefix(text); valid != text.size()) {
    return Status::InvalidArgument("", "the body is not valid UTF-8 at byte " + std::to_string(valid));
  }
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  try {
    json::basic_parser<Builder> parser(options, json::make_shared_resource<json::monotonic_resource>());
    ErrorCode error;
    const size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (!error && read < text.size()) error = json::error::extra_data;
    if (error) return Explain(error, parser.handler().failure(), read);
    return JsonDocument(parser.handler().Release());
  } catch (const std::bad_alloc&) {
    return Status::ResourceExhausted("no memory for the body");
  }
}

}  // namespace rhizome::gateway
