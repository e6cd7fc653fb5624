#include "pipeline/chunk.h"

#include <fmt/format.h>
#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/utf8.h"
#include "pipeline/plain_text.h"

namespace rhizome::pipeline {
namespace {

constexpr uint32_t kSizeTokensMin = 16;
constexpr uint32_t kSizeTokensMax = 2000;
constexpr size_t kLettersPerToken = 8;
// A counter may call any long run one unknown token; its bytes count too, so that no chunk grows without bound.
constexpr size_t kBytesPerTokenMax = 64;

// A stretch of text that is packed whole. Pieces are adjacent and cover the text.
struct Piece {
  size_t begin;
  size_t end;
  size_t tokens;
};

bool IsSpace(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0; }

// Han, kana, Hangul syllables, Thai, Lao, Khmer and Burmese are written without spaces.
bool IsUnspacedScript(char32_t c) {
  return (c >= 0x0E00 && c <= 0x0EFF) || (c >= 0x1000 && c <= 0x109F) || (c >= 0x1780 && c <= 0x17FF) ||
         (c >= 0x2E80 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x3FFFF);
}

class Cutter {
 public:
  Cutter(std::string_view text, size_t limit, const TokenCounter& count) : text_(text), limit_(limit), count_(count) {}

  // Adds [begin, end) as one piece, or as several of at most `limit` tokens.
  void Add(size_t begin, size_t end) {
    const size_t tokens = Tokens(begin, end);
    if (tokens <= limit_) {
      pieces_.push_back({begin, end, tokens});
    } else {
      AddWords(begin, end, /*whole_words=*/false);
    }
  }

  // Adds [begin, end) a word at a time, or as few pieces as its words fit into.
  void AddWords(size_t begin, size_t end, bool whole_words) {
    Piece open{begin, begin, 0};
    while (open.end < end) {
      const size_t word_end = EndOfWord(open.end, end);
      const size_t tokens = Tokens(open.end, word_end);
      if (open.tokens > 0 && (whole_words || open.tokens + tokens > limit_)) {
        pieces_.push_back(open);
        open = {open.end, open.end, 0};
      }
      if (tokens > limit_) {
        if (open.end > open.begin) pieces_.push_back(open);
        AddCodePoints(open.end, word_end);
        open = {word_end, word_end, 0};
      } else {
        open.end = word_end;
        open.tokens += tokens;
      }
    }
    if (open.end > open.begin) pieces_.push_back(open);
  }

  std::vector<Piece> Take() { return std::move(pieces_); }

 private:
  size_t Tokens(size_t begin, size_t end) const {
    return std::max(count_(text_.substr(begin, end - begin)), (end - begin) / kBytesPerTokenMax);
  }

  // Behind the word that begins at or after `at`, and behind the white space that follows it.
  size_t EndOfWord(size_t at, size_t end) const {
    bool seen_space = false;
    const size_t begin = at;
    while (at < end) {
      size_t next = at;
      const bool space = IsSpace(NextCodePoint(text_, next));
      if (!space && seen_space) break;
      // White space without end is cut too.
      if (space && next - begin > limit_ * kBytesPerTokenMax) break;
      seen_space = seen_space || space;
      at = next;
    }
    return at == begin ? std::min(end, begin + 1) : at;
  }

  size_t StepBack(size_t at) const {
    while (at > 0 && at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80) --at;
    return at;
  }

  // The longest prefixes that stay within the limit, each at least one code point.
  void AddCodePoints(size_t begin, size_t end) {
    while (begin < end) {
      size_t first = begin;
      NextCodePoint(text_, first);
      size_t fits = first, width = first - begin;
      size_t too_long = end + 1;
      while (too_long > end) {  // doubling
        width *= 2;
        const size_t at = StepBack(std::min(end, begin + width));
        if (at > fits && Tokens(begin, at) > limit_) {
          too_long = at;
        } else {
          fits = std::max(fits, at);
          if (fits == end) break;
        }
      }
      while (too_long <= end && too_long - fits > 1) {  // halving
        const size_t middle = StepBack(fits + (too_long - fits) / 2);
        if (middle <= fits) break;
        (Tokens(begin, middle) > limit_ ? too_long : fits) = middle;
      }
      pieces_.push_back({begin, fits, Tokens(begin, fits)});
      begin = fits;
    }
  }

  const std::string_view text_;
  const size_t limit_;
  const TokenCounter& count_;
  std::vector<Piece> pieces_;
};

// A line break that a lower-case letter follows is the page's, not the sentence's.
bool IsWrappedLine(std::string_view text, size_t boundary) {
  if (text[boundary - 1] != '\n' || (boundary > 1 && text[boundary - 2] == '\n')) return false;
  size_t next = boundary;
  return u_islower(static_cast<UChar32>(NextCodePoint(text, next))) != 0;
}

Result<std::vector<size_t>> SentenceEnds(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  // Making one loads the rules, so each thread keeps its own.
  static thread_local const std::unique_ptr<icu::BreakIterator> sentences(
      icu::BreakIterator::createSentenceInstance(icu::Locale::getEnglish(), error));
  if (sentences == nullptr) return Status::Internal("ICU has no sentence rules");
  error = U_ZERO_ERROR;
  UText input = UTEXT_INITIALIZER;
  utext_openUTF8(&input, text.data(), static_cast<int64_t>(text.size()), &error);
  if (U_SUCCESS(error)) sentences->setText(&input, error);
  std::vector<size_t> ends;
  if (U_SUCCESS(error)) {
    sentences->first();
    for (int32_t at = sentences->next(); at != icu::BreakIterator::DONE; at = sentences->next()) {
      const auto end = static_cast<size_t>(at);
      if (end == text.size() || !IsWrappedLine(text, end)) ends.push_back(end);
    }
  }
  utext_close(&input);
  if (U_FAILURE(error)) return Status::Internal(fmt::format("ICU: {}", u_errorName(error)));
  return ends;
}

// [begin, end) without white space at its ends.
Chunk Trimmed(std::string_view text, size_t begin, size_t end) {
  size_t last = begin;
  bool started = false;
  for (size_t at = begin; at < end;) {
    const size_t from = at;
    if (IsSpace(NextCodePoint(text, at))) continue;
    if (!started) begin = from;
    started = true;
    last = at;
  }
  if (!started) return {};
  return {begin, last, std::string(text.substr(begin, last - begin))};
}

std::vector<Chunk> Pack(std::string_view text, const std::vector<Piece>& pieces, const ChunkSettings& settings) {
  std::vector<Chunk> chunks;
  size_t first = 0, end = 0, tokens = 0;
  while (end < pieces.size()) {
    do {
      tokens += pieces[end++].tokens;
    } while (end < pieces.size() && tokens + pieces[end].tokens <= settings.size_tokens);
    Chunk chunk = Trimmed(text, pieces[first].begin, pieces[end - 1].end);
    // An overlap that only white space follows would repeat what was said.
    if (!chunk.text.empty() && (chunks.empty() || chunk.end > chunks.back().end)) chunks.push_back(std::move(chunk));
    if (end == pieces.size()) break;
    const size_t previous_first = first;
    first = end;
    tokens = 0;
    while (first > previous_first + 1 && tokens + pieces[first - 1].tokens <= settings.overlap_tokens &&
           tokens + pieces[first - 1].tokens + pieces[end].tokens <= settings.size_tokens) {
      tokens += pieces[--first].tokens;
    }
  }
  return chunks;
}

}  // namespace

size_t EstimateTokens(std::string_view text) {
  size_t tokens = 0, letters = 0;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = NextCodePoint(text, at);
    const bool letter = c < 0x80 ? std::isalnum(static_cast<int>(c)) != 0 : u_isalnum(static_cast<UChar32>(c)) != 0;
    if (letter && !IsUnspacedScript(c)) {
      tokens += letters++ % kLettersPerToken == 0;
    } else {
      letters = 0;
      tokens += !IsSpace(c);
    }
  }
  return tokens;
}

Status ValidateChunkSettings(const ChunkSettings& settings) {
  if (settings.strategy != "sentences" && settings.strategy != "tokens") {
    return Status::InvalidArgument("strategy", "must be \"sentences\" or \"tokens\"");
  }
  if (settings.size_tokens < kSizeTokensMin || settings.size_tokens > kSizeTokensMax) {
    return Status::InvalidArgument("size_tokens",
                                   fmt::format("must be between {} and {}", kSizeTokensMin, kSizeTokensMax));
  }
  if (settings.overlap_tokens * 2 >= settings.size_tokens || settings.overlap_tokens >= kSizeTokensMax) {
    return Status::InvalidArgument("overlap_tokens", "must be below half of size_tokens");
  }
  return Status::Ok();
}

Result<std::vector<Chunk>> ChunkText(std::string_view text, const ChunkSettings& settings, const TokenCounter& count) {
  RETURN_IF_ERROR(ValidateChunkSettings(settings));
  if (text.size() > std::numeric_limits<int32_t>::max()) return Status::TooLarge("text", "longer than 2 GiB");
  if (const size_t good = Utf8ValidPrefix(text); good != text.size()) {
    return Status::InvalidArgument("text", fmt::format("byte {} is not valid UTF-8", good));
  }
  Cutter cutter(text, settings.size_tokens, count);
  if (settings.strategy == "tokens") {
    cutter.AddWords(0, text.size(), /*whole_words=*/true);
  } else {
    ASSIGN_OR_RETURN(const std::vector<size_t> ends, SentenceEnds(text));
    size_t begin = 0;
    for (const size_t end : ends) {
      cutter.Add(begin, end);
      begin = end;
    }
  }
  return Pack(text, cutter.Take(), settings);
}

std::string ChunkForEmbedding(std::string_view title, std::string_view chunk) {
  return title.empty() ? std::string(chunk) : fmt::format("{}\n{}", title, chunk);
}

}  // namespace rhizome::pipeline
