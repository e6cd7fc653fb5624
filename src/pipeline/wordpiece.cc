#include "pipeline/wordpiece.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <fstream>
#include <iterator>

#include "base/utf8.h"

namespace rhizome::pipeline {
namespace {

constexpr size_t kVocabularyBytesMax = 16u << 20;
constexpr size_t kWordCharactersMax = 100;
constexpr char32_t kReplacement = 0xFFFD;

// The reference's tables stop at Unicode 8.0.
bool KnownToReference(char32_t c) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] >= 1 && age[0] <= 8;
}

bool HasCategory(char32_t c, uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0 && KnownToReference(c);
}

bool IsSpace(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)); }

bool IsDropped(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return c == 0 || c == kReplacement || HasCategory(c, U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK);
}

// Categories of these five changed after Unicode 8.0.
bool IsAccent(char32_t c) {
  if (c == 0x1885 || c == 0x1886 || c == 0xA9BD || c == 0x111C9) return false;
  return c == 0x1734 || HasCategory(c, U_GC_MN_MASK);
}

bool IsPunctuation(char32_t c) {
  if (c < 0x80) return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  return c == 0x166D || c == 0x111C9 || HasCategory(c, U_GC_P_MASK);
}

// The ideograph blocks that BERT isolates; 0x2B920 is the reference's own lower bound.
bool IsIdeograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool IsAscii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

std::string FoldAscii(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  for (const char c : text) {
    if (c == '\t' || c == '\n' || c == '\r') {
      folded.push_back(' ');
    } else if (c >= 32 && c != 127) {
      folded.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c);
    }
  }
  return folded;
}

icu::UnicodeString CleanAndIsolate(std::string_view text) {
  icu::UnicodeString cleaned;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = NextCodePoint(text, at);
    if (IsDropped(c)) continue;
    if (IsSpace(c)) {
      cleaned.append(u' ');
    } else if (IsIdeograph(c)) {
      cleaned.append(u' ').append(static_cast<UChar32>(c)).append(u' ');
    } else {
      cleaned.append(static_cast<UChar32>(c));
    }
  }
  return cleaned;
}

// Clean, isolate, decompose, drop accents, lower-case: the reference's order.
std::string Fold(std::string_view text) {
  if (IsAscii(text)) return FoldAscii(text);
  UErrorCode error = U_ZERO_ERROR;
  icu::UnicodeString cleaned = CleanAndIsolate(text);
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(error);
  CHECK(U_SUCCESS(error));  // ICU's own data is linked in
  icu::UnicodeString decomposed = nfd->normalize(cleaned, error);
  CHECK(U_SUCCESS(error));
  icu::UnicodeString kept;
  for (int32_t at = 0; at < decomposed.length(); at = decomposed.moveIndex32(at, 1)) {
    const UChar32 c = decomposed.char32At(at);
    // Character by character: the reference does not turn a final sigma.
    if (!IsAccent(static_cast<char32_t>(c))) kept.append(u_tolower(c));
  }
  std::string folded;
  kept.toUTF8String(folded);
  return folded;
}

}  // namespace

Result<WordPiece> WordPiece::Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Status::NotFound("no vocabulary at " + path);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) return Status::IoError("reading " + path);
  return Parse(std::move(text));
}

Result<WordPiece> WordPiece::Parse(std::string vocabulary) {
  WordPiece made;
  if (vocabulary.size() > kVocabularyBytesMax) {
    return Status::InvalidArgument("vocabulary", "is larger than " + std::to_string(kVocabularyBytesMax) + " bytes");
  }
  made.vocabulary_ = std::make_unique<const std::string>(std::move(vocabulary));
  const std::string_view text = *made.vocabulary_;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view piece = text.substr(at, end - at);
    at = end + 1;
    if (piece.ends_with('\r')) piece.remove_suffix(1);
    const auto id = static_cast<int32_t>(made.size_++);
    if (piece.starts_with("##") && piece.size() > 2) {
      made.continuations_.Add(piece.substr(2), id);
    } else {
      made.starts_.Add(piece, id);
    }
  }
  for (const std::string_view name : {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"}) {
    const PieceTrie::Match found = made.starts_.Longest(name);
    if (found.length != name.size()) {
      return Status::InvalidArgument("vocabulary", "the vocabulary lacks " + std::string(name));
    }
    made.specials_.push_back({name, found.id});
  }
  made.unknown_ = made.specials_[0].id;
  made.start_ = made.specials_[1].id;
  made.end_ = made.specials_[2].id;
  return made;
}

const WordPiece::Special* WordPiece::SpecialAt(std::string_view text) const {
  for (const Special& special : specials_) {
    if (text.starts_with(special.text)) return &special;
  }
  return nullptr;
}

std::vector<int32_t> WordPiece::Encode(std::string_view text, size_t tokens_max) const {
  CHECK(tokens_max >= 2);
  const size_t room = tokens_max - 1;  // the last place is [SEP]'s
  std::vector<int32_t> tokens{start_};
  size_t plain_from = 0;
  for (size_t at = text.find('['); at != std::string_view::npos && tokens.size() < room; at = text.find('[', at)) {
    const Special* special = SpecialAt(text.substr(at));
    if (special == nullptr) {
      ++at;
      continue;
    }
    AppendPlain(text.substr(plain_from, at - plain_from), room, tokens);
    tokens.push_back(special->id);
    at += special->text.size();
    plain_from = at;
  }
  if (tokens.size() < room) AppendPlain(text.substr(plain_from), room, tokens);
  if (tokens.size() > room) tokens.resize(room);
  tokens.push_back(end_);
  return tokens;
}

void WordPiece::AppendPlain(std::string_view text, size_t tokens_max, std::vector<int32_t>& tokens) const {
  // A token takes at least one character, so text far past the window need not be folded; the slack is for
  // characters that folding drops, and the loop goes on when it was not enough.
  constexpr size_t kSliceBytes = 16 * 1024;
  size_t from = 0;
  while (from < text.size() && tokens.size() < tokens_max) {
    size_t end = text.size();
    if (end - from > kSliceBytes) {
      const size_t space = text.find(' ', from + kSliceBytes);  // a space parts words in every case
      if (space != std::string_view::npos) end = space;
    }
    const std::string folded = Fold(text.substr(from, end - from));
    from = end;
    const std::string_view view = folded;
    size_t word_from = 0;
    for (size_t at = 0; at < view.size() && tokens.size() < tokens_max;) {
      const size_t here = at;
      const char32_t c = NextCodePoint(view, at);
      const bool punctuation = IsPunctuation(c);
      if (!punctuation && c != ' ') continue;
      if (here > word_from) AppendWord(view.substr(word_from, here - word_from), tokens);
      if (punctuation) AppendWord(view.substr(here, at - here), tokens);
      word_from = at;
    }
    if (word_from < view.size() && tokens.size() < tokens_max) AppendWord(view.substr(word_from), tokens);
  }
}

void WordPiece::AppendWord(std::string_view word, std::vector<int32_t>& tokens) const {
  size_t characters = 0;
  for (const char c : word) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  if (characters > kWordCharactersMax) {
    tokens.push_back(unknown_);
    return;
  }
  const size_t tokens_before = tokens.size();
  for (size_t from = 0; from < word.size();) {
    const auto [length, id] = (from == 0 ? starts_ : continuations_).Longest(word.substr(from));
    if (length == 0) {
      tokens.resize(tokens_before);
      tokens.push_back(unknown_);
      return;
    }
    tokens.push_back(id);
    from += length;
  }
}

}  // namespace rhizome::pipeline
