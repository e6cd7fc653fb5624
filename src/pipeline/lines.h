// Lines of an input of any size, read piecewise. Not thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/document.h"

namespace rhizome::pipeline {

struct Line {
  std::string_view text;  // without its \n or \r\n; valid until the next call
  size_t number = 0;      // from 1
  bool cut = false;       // longer than the limit: `text` is empty, the line has been passed over
};

class LineReader {
 public:
  LineReader(const ByteSource& bytes, size_t line_len_max) : bytes_(bytes), line_len_max_(line_len_max) {}

  // nullopt at the end of the input. A failure of the source is handed on.
  Result<std::optional<Line>> Next();

 private:
  const ByteSource& bytes_;
  const size_t line_len_max_;
  std::string buffer_;
  size_t begin_ = 0;    // of the next line in buffer_
  size_t scanned_ = 0;  // no \n between begin_ and here
  size_t number_ = 0;
  bool ended_ = false;
};

}  // namespace rhizome::pipeline
