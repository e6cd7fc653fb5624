// Plain text: the checks every text passes on its way in, and the building of readable text from marked-up text.
// Thread-safe: functions of their arguments.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rhizome::pipeline {

// Checked UTF-8: without byte order mark, \r\n and \r as \n. InvalidArgument (field `field`) names the offset of the
// first byte that is not UTF-8, or of a NUL, which means the input is binary. With `repair`, bad bytes become U+FFFD.
Result<std::string> CleanText(std::string_view bytes, std::string_view field, bool repair = false);

// Checks without changing: for text that came through a decoder.
Status CheckText(std::string_view text, std::string_view field);

// Bytes of a named character set (IANA or WHATWG label) as UTF-8. InvalidArgument for a name nobody knows and for
// more than `len_max` bytes of output.
Result<std::string> FromCharset(std::string_view bytes, const std::string& charset, size_t len_max);

// Every run of white space as one space, none at the ends.
std::string CollapseWhiteSpace(std::string_view text);

std::string_view TrimWhiteSpace(std::string_view text);

// Lower-case ASCII letters; other bytes as they are.
std::string AsciiLower(std::string_view text);

// Puts running text and block boundaries together: inside a line white space collapses, lines carry no space at
// their ends, and at most one empty line stands between two blocks.
class TextBuilder {
 public:
  void Flow(std::string_view text);      // running text
  void Verbatim(std::string_view text);  // preformatted: lines and indentation stay
  void Line();                           // what follows starts a line
  void Block();                          // what follows starts after an empty line
  size_t size() const { return text_.size(); }
  std::string Take();

 private:
  void OpenGap();

  std::string text_;
  int newlines_wanted_ = 0;  // before the next text
  bool space_wanted_ = false;
};

}  // namespace rhizome::pipeline
