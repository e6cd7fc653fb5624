#include "format/entity_name.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"

namespace rhizome::format {
namespace {

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string Folded(std::string_view surface) {
  std::string folded;
  if (IsAscii(surface)) {
    folded.assign(surface);
    for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    return folded;
  }
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(error);
  CHECK(U_SUCCESS(error));  // ICU without its own data is no ICU
  const icu::UnicodeString source =
      icu::UnicodeString::fromUTF8(icu::StringPiece(surface.data(), static_cast<int32_t>(surface.size())));
  const icu::UnicodeString result = normalizer->normalize(source, error);
  CHECK(U_SUCCESS(error));
  return result.toUTF8String(folded);
}

bool IsSpace(char32_t c) {
  if (c < 0x80) return c <= ' ' || c == 0x7F;
  const auto type = static_cast<UChar32>(c);
  return u_isUWhiteSpace(type) != 0 || u_charType(type) == U_CONTROL_CHAR;
}

bool IsStripped(char32_t c) {
  if (c == '#' || c == '%' || c == '&' || c == '@' || c == '/') return false;
  return c == ' ' || (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_P_MASK) != 0;
}

// Steps 2 and 3.
std::string Plain(std::string_view folded) {
  std::string plain;
  plain.reserve(folded.size());
  bool space = false;
  for (size_t at = 0; at < folded.size();) {
    const size_t start = at;
    const char32_t c = NextCodePoint(folded, at);
    if (IsSpace(c)) {
      space = !plain.empty();
      continue;
    }
    if (space) plain += ' ';
    space = false;
    if (c == 0x2018 || c == 0x2019 || c == 0x2BC) {
      plain += '\'';
    } else if (c >= 0x2010 && c <= 0x2015) {
      plain += '-';
    } else {
      plain += folded.substr(start, at - start);
    }
  }
  return plain;
}

std::string_view WithoutSurrounding(std::string_view plain) {
  size_t begin = plain.size();
  size_t end = 0;
  for (size_t at = 0; at < plain.size();) {
    const size_t start = at;
    if (IsStripped(NextCodePoint(plain, at))) continue;
    begin = std::min(begin, start);
    end = at;
  }
  return begin < end ? plain.substr(begin, end - begin) : plain;
}

}  // namespace

std::string EntityName(std::string_view surface) {
  std::string_view name = surface;
  // What lies beyond could matter only behind thousands of spaces: a hostile name costs no more than this.
  constexpr size_t kReadMax = 32 * kEntityNameBytesMax;
  if (name.size() > kReadMax) name = name.substr(0, kReadMax);
  std::string plain = Plain(Folded(name));
  name = WithoutSurrounding(plain);
  if (name.size() <= kEntityNameBytesMax) return std::string(name);
  size_t end = kEntityNameBytesMax;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
  return std::string(WithoutSurrounding(name.substr(0, end)));
}

}  // namespace rhizome::format
