#include "pipeline/lines.h"

namespace rhizome::pipeline {

Result<std::optional<Line>> LineReader::Next() {
  bool cut = false;
  while (true) {
    const size_t newline = buffer_.find('\n', scanned_);
    if (newline != std::string::npos || (ended_ && (begin_ < buffer_.size() || cut))) {
      const size_t end = newline == std::string::npos ? buffer_.size() : newline;
      std::string_view text = std::string_view(buffer_).substr(begin_, end - begin_);
      if (text.ends_with('\r')) text.remove_suffix(1);
      begin_ = scanned_ = newline == std::string::npos ? end : end + 1;
      cut = cut || text.size() > line_len_max_;
      return std::optional(Line{cut ? std::string_view() : text, ++number_, cut});
    }
    if (ended_) return std::optional<Line>();
    buffer_.erase(0, begin_);
    begin_ = 0;
    if (buffer_.size() > line_len_max_ + 1) {  // a \r may still come off
      cut = true;
      buffer_.clear();
    }
    scanned_ = buffer_.size();
    ASSIGN_OR_RETURN(const std::string more, bytes_());
    ended_ = more.empty();
    buffer_ += more;
  }
}

}  // namespace rhizome::pipeline
