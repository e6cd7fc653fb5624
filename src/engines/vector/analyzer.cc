#include "engines/vector/analyzer.h"

#include <libstemmer.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace rhizome::vector {
namespace {

constexpr size_t kWordBytesMax = 255;
constexpr size_t kKnownWordsMax = 1 << 16;

constexpr std::array<std::string_view, 33> kEnglishStopWords{
    "a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
    "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
    "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with"};

enum class CharClass : uint8_t { kSeparator, kLetter, kDigit, kUnspaced };

CharClass AsciiClass(char32_t c) {
  if (c >= '0' && c <= '9') return CharClass::kDigit;
  const char32_t lower = c | 0x20;
  return lower >= 'a' && lower <= 'z' ? CharClass::kLetter : CharClass::kSeparator;
}

bool IsUnspacedScript(char32_t c) {
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(static_cast<UChar32>(c), &error)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_HANGUL:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR: return U_SUCCESS(error);
    default: return false;
  }
}

CharClass ClassOf(char32_t c) {
  if (c < 0x80) return AsciiClass(c);
  const uint32_t mask = U_GET_GC_MASK(static_cast<UChar32>(c));
  if ((mask & U_GC_N_MASK) != 0) return CharClass::kDigit;
  if ((mask & (U_GC_L_MASK | U_GC_M_MASK)) == 0) return CharClass::kSeparator;
  // The long-vowel mark of Katakana belongs to no script.
  return c == 0x30FC || IsUnspacedScript(c) ? CharClass::kUnspaced : CharClass::kLetter;
}

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// NFKC_Casefold, which lower-cases as well.
std::string CaseFold(std::string_view word) {
  std::string folded;
  if (IsAscii(word)) {
    folded.assign(word);
    for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    return folded;
  }
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(error);
  if (U_FAILURE(error)) return std::string(word);
  const icu::UnicodeString source =
      icu::UnicodeString::fromUTF8(icu::StringPiece(word.data(), static_cast<int32_t>(word.size())));
  const icu::UnicodeString result = normalizer->normalize(source, error);
  if (U_FAILURE(error)) return std::string(word);
  return result.toUTF8String(folded);
}

// Letters with a stroke or a ligature, which Unicode does not decompose.
std::string_view PlainSpelling(UChar32 c) {
  switch (c) {
    case 0xE6: return "ae";
    case 0xF0:
    case 0x111: return "d";
    case 0xF8: return "o";
    case 0xFE: return "th";
    case 0x127: return "h";
    case 0x131: return "i";
    case 0x142: return "l";
    case 0x153: return "oe";
    case 0x167: return "t";
    default: return {};
  }
}

// Marks that several scripts share (acute, tilde, Arabic vowel signs) go; marks of one script (Indic vowels) stay.
std::string StripAccents(const std::string& word) {
  if (IsAscii(word)) return word;
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFDInstance(error);
  if (U_FAILURE(error)) return word;
  const icu::UnicodeString split = normalizer->normalize(icu::UnicodeString::fromUTF8(word), error);
  if (U_FAILURE(error)) return word;
  std::string plain;
  for (int32_t i = 0; i < split.length(); i = split.moveIndex32(i, 1)) {
    const UChar32 c = split.char32At(i);
    const bool mark = u_charType(c) == U_NON_SPACING_MARK;
    if (mark && uscript_getScript(c, &error) == USCRIPT_INHERITED) continue;
    if (const std::string_view spelling = PlainSpelling(c); !spelling.empty()) {
      plain += spelling;
    } else {
      icu::UnicodeString(c).toUTF8String(plain);
    }
  }
  return plain;
}

std::string_view CutWord(std::string_view word) {
  if (word.size() <= kWordBytesMax) return word;
  size_t end = kWordBytesMax;
  while (end > 0 && (static_cast<unsigned char>(word[end]) & 0xC0) == 0x80) --end;
  return word.substr(0, end);
}

// Walks a text, one character at a time, with its class and what joins words.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool AtEnd() const { return next_ >= text_.size(); }
  void Step() {
    start_ = next_;
    previous_ = class_;
    const char32_t c = static_cast<unsigned char>(text_[next_]) < 0x80 ? static_cast<char32_t>(text_[next_++])
                                                                       : NextCodePoint(text_, next_);
    class_ = ClassOf(c);
    if (class_ == CharClass::kSeparator && Joins(c)) class_ = previous_;
  }
  CharClass char_class() const { return class_; }
  size_t start() const { return start_; }
  size_t end() const { return next_; }

 private:
  bool Joins(char32_t c) const {
    if (AtEnd()) return false;
    const bool apostrophe = c == '\'' || c == 0x2019;
    if (!apostrophe && c != '.' && c != ',') return false;
    const CharClass wanted = apostrophe ? CharClass::kLetter : CharClass::kDigit;
    size_t peek = next_;
    return previous_ == wanted && ClassOf(NextCodePoint(text_, peek)) == wanted;
  }

  const std::string_view text_;
  size_t start_ = 0;
  size_t next_ = 0;
  CharClass class_ = CharClass::kSeparator;
  CharClass previous_ = CharClass::kSeparator;
};

// Overlapping pairs of one run of unspaced script. `ends` are the offsets after each character.
void AddPairs(std::string_view text, size_t start, const std::vector<size_t>& ends, TermBuffer& terms) {
  if (ends.size() == 1) return terms.Append(CaseFold(text.substr(start, ends[0] - start)));
  for (size_t i = 1; i < ends.size(); ++i) {
    const size_t from = i == 1 ? start : ends[i - 2];
    terms.Append(CaseFold(text.substr(from, ends[i] - from)));
  }
}

}  // namespace

Result<std::unique_ptr<Analyzer>> Analyzer::Create(const AnalyzerOptions& options) {
  sb_stemmer* stemmer = nullptr;
  if (options.language != "none") {
    stemmer = sb_stemmer_new(options.language.c_str(), nullptr);
    if (stemmer == nullptr) {
      return Status::InvalidArgument("language", "no stemmer for \"" + options.language +
                                                     R"("; give a Snowball language such as "english", or "none")");
    }
  }
  return std::unique_ptr<Analyzer>(new Analyzer(options, stemmer));
}

Analyzer::~Analyzer() { sb_stemmer_delete(stemmer_); }

std::vector<std::string> Analyzer::Languages() {
  std::vector<std::string> languages{"none"};
  for (const char** name = sb_stemmer_list(); *name != nullptr; ++name) languages.emplace_back(*name);
  std::ranges::sort(languages);
  return languages;
}

void Analyzer::Analyze(std::string_view text, TermBuffer& terms) {
  Scanner scanner(text);
  size_t word_start = 0;
  bool in_word = false;
  size_t run_start = 0;
  std::vector<size_t> run_ends;
  const auto finish = [&](size_t end) {
    if (in_word) AddWord(text.substr(word_start, end - word_start), terms);
    if (!run_ends.empty()) AddPairs(text, run_start, run_ends, terms);
    in_word = false;
    run_ends.clear();
  };
  while (!scanner.AtEnd()) {
    scanner.Step();
    switch (scanner.char_class()) {
      case CharClass::kSeparator: finish(scanner.start()); break;
      case CharClass::kUnspaced:
        if (in_word) finish(scanner.start());
        if (run_ends.empty()) run_start = scanner.start();
        run_ends.push_back(scanner.end());
        break;
      case CharClass::kLetter:
      case CharClass::kDigit:
        if (!run_ends.empty()) finish(scanner.start());
        if (!in_word) word_start = scanner.start();
        in_word = true;
        break;
    }
  }
  finish(text.size());
}

void Analyzer::AddWord(std::string_view word, TermBuffer& terms) {
  word = CutWord(word);
  auto known = known_.find(word);
  if (known == known_.end()) {
    if (known_.size() >= kKnownWordsMax) known_.clear();
    known = known_.emplace(std::string(word), TermOf(word)).first;
  }
  if (!known->second.empty()) terms.Append(known->second);
}

// Empty when the word is to be dropped.
std::string Analyzer::TermOf(std::string_view word) {
  std::string folded = CaseFold(word);
  for (size_t at = 0; (at = folded.find("\u2019", at)) != std::string::npos;) folded.replace(at, 3, "'");
  const bool english = options_.language == "english";
  if (options_.drop_stop_words && english && std::ranges::find(kEnglishStopWords, folded) != kEnglishStopWords.end()) {
    return {};
  }
  if (stemmer_ != nullptr) {
    const sb_symbol* stem =
        sb_stemmer_stem(stemmer_, reinterpret_cast<const sb_symbol*>(folded.data()), static_cast<int>(folded.size()));
    // Out of memory is the only failure; the unstemmed word still finds itself.
    if (stem != nullptr) folded.assign(reinterpret_cast<const char*>(stem), sb_stemmer_length(stemmer_));
  }
  return StripAccents(folded);
}

}  // namespace rhizome::vector
