#include "pipeline/plain_text.h"

#include <fmt/format.h>
#include <unicode/ucnv.h>

#include <algorithm>
#include <memory>

#include "base/utf8.h"

namespace rhizome::pipeline {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string WithPlainLineEnds(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out.push_back(text[i]);
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      out.push_back('\n');
    }
  }
  return out;
}

std::string Repaired(std::string_view bytes) {
  std::string out;
  while (true) {
    const size_t good = Utf8ValidPrefix(bytes);
    out.append(bytes.substr(0, good));
    if (good == bytes.size()) return out;
    out.append(kReplacement);
    bytes.remove_prefix(good + 1);
  }
}

}  // namespace

Status CheckText(std::string_view text, std::string_view field) {
  if (const size_t good = Utf8ValidPrefix(text); good != text.size()) {
    return Status::InvalidArgument(std::string(field), fmt::format("byte {} (0x{:02X}) is not valid UTF-8", good,
                                                                   static_cast<unsigned char>(text[good])));
  }
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return Status::InvalidArgument(std::string(field), fmt::format("byte {} is NUL: this is not text", nul));
  }
  return Status::Ok();
}

Result<std::string> CleanText(std::string_view bytes, std::string_view field, bool repair) {
  if (!repair) RETURN_IF_ERROR(CheckText(bytes, field));
  std::string text = repair ? Repaired(bytes) : std::string(bytes);
  RETURN_IF_ERROR(CheckText(text, field));
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  return text.find('\r') == std::string::npos ? text : WithPlainLineEnds(text);
}

Result<std::string> FromCharset(std::string_view bytes, const std::string& charset, size_t len_max) {
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, decltype(&ucnv_close)> from(ucnv_open(charset.c_str(), &error), &ucnv_close);
  const std::unique_ptr<UConverter, decltype(&ucnv_close)> to(ucnv_open("UTF-8", &error), &ucnv_close);
  if (U_FAILURE(error)) {
    return Status::InvalidArgument("charset", fmt::format("unknown character set \"{}\"", charset));
  }
  std::string out;
  char chunk[4096];
  UChar pivot[1024];
  UChar *pivot_source = pivot, *pivot_target = pivot;
  const char* source = bytes.data();
  bool reset = true;
  do {
    error = U_ZERO_ERROR;
    char* target = chunk;
    ucnv_convertEx(to.get(), from.get(), &target, chunk + sizeof(chunk), &source, bytes.data() + bytes.size(), pivot,
                   &pivot_source, &pivot_target, pivot + std::size(pivot), reset, /*flush=*/true, &error);
    reset = false;
    out.append(chunk, target);
    if (out.size() > len_max) return Status::TooLarge("text", fmt::format("more than {} bytes as UTF-8", len_max));
  } while (error == U_BUFFER_OVERFLOW_ERROR);
  if (U_FAILURE(error)) {
    return Status::InvalidArgument("charset", fmt::format("not {}: {}", charset, u_errorName(error)));
  }
  return out;
}

std::string_view TrimWhiteSpace(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::string CollapseWhiteSpace(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : TrimWhiteSpace(text)) {
    if (!IsSpace(c)) {
      out.push_back(c);
    } else if (out.back() != ' ') {
      out.push_back(' ');
    }
  }
  return out;
}

std::string AsciiLower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return out;
}

void TextBuilder::OpenGap() {
  if (!text_.empty()) text_.append(static_cast<size_t>(newlines_wanted_), '\n');
  if (space_wanted_ && newlines_wanted_ == 0 && !text_.empty() && text_.back() != '\n') text_.push_back(' ');
  newlines_wanted_ = 0;
  space_wanted_ = false;
}

void TextBuilder::Flow(std::string_view text) {
  for (const char c : text) {
    if (IsSpace(c)) {
      space_wanted_ = true;
      continue;
    }
    if (space_wanted_ || newlines_wanted_ > 0) OpenGap();
    text_.push_back(c);
  }
}

void TextBuilder::Verbatim(std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      newlines_wanted_ = std::min(newlines_wanted_ + 1, 2);
      continue;
    }
    if (space_wanted_ || newlines_wanted_ > 0) OpenGap();
    text_.push_back(c);
  }
}

void TextBuilder::Line() { newlines_wanted_ = std::max(newlines_wanted_, 1); }

void TextBuilder::Block() { newlines_wanted_ = 2; }

std::string TextBuilder::Take() {
  newlines_wanted_ = 0;
  space_wanted_ = false;
  while (!text_.empty() && IsSpace(text_.back())) text_.pop_back();
  return std::exchange(text_, {});
}

}  // namespace rhizome::pipeline
