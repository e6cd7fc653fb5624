#include "extract/dates.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace rhizome::extract {
namespace {

namespace chrono = std::chrono;

constexpr int kYearMax = 2999;
constexpr int kLoneYearMin = 1100;  // a smaller number alone is rather a count
constexpr int kLoneYearMax = 2100;

int64_t DayMs(int year, unsigned month, unsigned day) {
  const chrono::sys_days days{chrono::year{year} / chrono::month{month} / chrono::day{day}};
  return chrono::duration_cast<chrono::milliseconds>(days.time_since_epoch()).count();
}

Moment Years(int first, int count, Precision precision) {
  return {DayMs(first, 1, 1), DayMs(first + count, 1, 1), precision};
}

Moment MonthOfYear(int year, int month) {
  const int next = month == 12 ? 1 : month + 1;
  return {DayMs(year, static_cast<unsigned>(month), 1),
          DayMs(month == 12 ? year + 1 : year, static_cast<unsigned>(next), 1), Precision::kMonth};
}

std::optional<Moment> Day(int year, int month, int day) {
  if (month < 1 || month > 12 || day < 1 || day > 31 || year < 1 || year > kYearMax) return std::nullopt;
  const chrono::year_month_day date{chrono::year{year}, chrono::month{static_cast<unsigned>(month)},
                                    chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  const int64_t begin = DayMs(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  return Moment{begin, begin + 86'400'000, Precision::kDay};
}

struct Parsed {
  Moment moment;
  size_t next = 0;  // the token after it
};

class Parser {
 public:
  explicit Parser(const Tokenizer& text) : text_(text), tokens_(text.tokens()) {}

  // The longest moment that begins at token i.
  std::optional<Parsed> MomentAt(size_t i) const {
    if (auto iso = IsoAt(i)) return iso;
    if (auto named = NamedAt(i)) return named;
    return YearAt(i);
  }
  bool Word(size_t i, std::initializer_list<std::string_view> words) const {
    if (i >= tokens_.size() || !tokens_[i].IsWord()) return false;
    return std::ranges::find(words, text_.Lower(tokens_[i])) != words.end();
  }
  // A year that goes on as a day would, and is none: "2001-13-04".
  bool IsNoDay(const Parsed& at) const {
    return at.moment.precision == Precision::kYear && Mark(at.next) == '-' && Mark(at.next + 2) == '-' &&
           tokens_[at.next].kind == TokenKind::kPunctuation && Tight(at.next) && Tight(at.next + 1);
  }
  // - and dashes.
  bool Dash(size_t i) const {
    if (i >= tokens_.size()) return false;
    const std::string_view surface = text_.Surface(tokens_[i]);
    return surface == "-" || surface == "–" || surface == "—";
  }
  char Mark(size_t i) const { return i < tokens_.size() ? text_.Mark(tokens_[i]) : '\0'; }

  // All digits, at most `digits_max` of them; ordinal endings only when asked for.
  std::optional<int> Number(size_t i, size_t digits_max, bool ordinal = false) const {
    if (i >= tokens_.size() || tokens_[i].kind != TokenKind::kNumber) return std::nullopt;
    std::string_view digits = text_.Lower(tokens_[i]);
    if (ordinal && digits.size() > 2) {
      const std::string_view ending = digits.substr(digits.size() - 2);
      if (ending == "st" || ending == "nd" || ending == "rd" || ending == "th") digits.remove_suffix(2);
    }
    if (digits.size() > digits_max) return std::nullopt;
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  }

 private:
  bool Tight(size_t i) const { return i < tokens_.size() && !tokens_[i].Has(kSpaceBefore); }

  std::optional<Parsed> IsoAt(size_t i) const {
    const auto year = Number(i, 4);
    if (!year || tokens_[i].end - tokens_[i].begin != 4 || Mark(i + 1) != '-' || !Tight(i + 1) || !Tight(i + 2))
      return std::nullopt;
    if (Mark(i + 3) != '-' || !Tight(i + 3) || !Tight(i + 4)) return std::nullopt;
    const auto month = Number(i + 2, 2);
    // "2001-03-04T10:00" is a word from the 04 on.
    const auto day = Number(i + 4, 2);
    if (!month || !day) return std::nullopt;
    if (const auto moment = Day(*year, *month, *day)) return Parsed{*moment, i + 5};
    return std::nullopt;
  }

  int MonthAt(size_t i) const {
    if (i >= tokens_.size() || !tokens_[i].Is(kCalendar)) return 0;
    return MonthOf(text_.Lower(tokens_[i]));
  }
  std::optional<int> FullYear(size_t i) const {
    const auto year = Number(i, 4);
    return year && *year >= 100 ? year : std::nullopt;
  }

  // "March 4, 1987", "4 March 1987", "4th of March 1987", "March 1987".
  std::optional<Parsed> NamedAt(size_t i) const {
    if (const int month = MonthAt(i)) {
      size_t next = i + 1 + (Mark(i + 1) == '.' ? 1 : 0);
      if (const auto day = Number(next, 2, true)) {
        size_t year_at = next + 1 + (Mark(next + 1) == ',' ? 1 : 0);
        if (const auto year = FullYear(year_at)) {
          if (const auto moment = Day(*year, month, *day)) return Parsed{*moment, year_at + 1};
        }
        return std::nullopt;
      }
      next += Mark(next) == ',' || Word(next, {"of"}) ? 1 : 0;
      if (const auto year = FullYear(next)) return Parsed{MonthOfYear(*year, month), next + 1};
      return std::nullopt;
    }
    const auto day = Number(i, 2, true);
    if (!day) return std::nullopt;
    size_t at = i + 1 + (Word(i + 1, {"of"}) ? 1 : 0);
    const int month = MonthAt(at);
    if (month == 0) return std::nullopt;
    at += 1 + (Mark(at + 1) == '.' || Mark(at + 1) == ',' ? 1 : 0);
    const auto year = FullYear(at);
    if (!year) return std::nullopt;
    if (const auto moment = Day(*year, month, *day)) return Parsed{*moment, at + 1};
    return std::nullopt;
  }

  // "1987", "1980s", "19th century", "44 BC".
  std::optional<Parsed> YearAt(size_t i) const {
    if (i >= tokens_.size() || tokens_[i].kind != TokenKind::kNumber) return std::nullopt;
    const std::string_view text = text_.Lower(tokens_[i]);
    if (const auto century = Number(i, 2, true);
        century && Word(i + 1, {"century"}) && *century > 0 && text.size() > 2) {
      if (Word(i + 2, {"bc", "bce"})) return Parsed{Years(1 - *century * 100, 100, Precision::kCentury), i + 3};
      return Parsed{Years(*century * 100 - 99, 100, Precision::kCentury), i + 2};
    }
    if (text.size() == 5 && text.ends_with("0s")) {
      int year = 0;
      std::from_chars(text.data(), text.data() + 4, year);
      if (year >= 1000 && year <= kYearMax) return Parsed{Years(year, 10, Precision::kDecade), i + 1};
      return std::nullopt;
    }
    const auto year = Number(i, 4);
    if (!year || *year == 0) return std::nullopt;
    if (Word(i + 1, {"bc", "bce"})) return Parsed{Years(1 - *year, 1, Precision::kYear), i + 2};
    if (Word(i + 1, {"ad", "ce"})) return Parsed{Years(*year, 1, Precision::kYear), i + 2};
    if (text.size() != 4 || *year < kLoneYearMin || *year > kLoneYearMax || IsCount(i)) return std::nullopt;
    return Parsed{Years(*year, 1, Precision::kYear), i + 1};
  }

  // A number with a sign of money before it or a unit after it counts something.
  bool IsCount(size_t i) const {
    if (i > 0 && !tokens_[i].Has(kSpaceBefore)) {
      const std::string_view before = text_.Surface(tokens_[i - 1]);
      if (before == "$" || before == "£" || before == "€" || before == "#" || before == "." || before == "=")
        return true;
    }
    if (Mark(i + 1) == '%') return true;
    return Word(i + 1, {"people",       "patients", "men",   "women",  "km",     "kg",          "m",
                        "ft",           "feet",     "miles", "metres", "meters", "inhabitants", "residents",
                        "participants", "subjects", "units", "copies", "years",  "mg",          "children"});
  }

  const Tokenizer& text_;
  const std::vector<Token>& tokens_;
};

TimeSpan Lone(const Parsed& at) {
  TimeSpan span;
  span.from_ms = at.moment.begin_ms;
  span.until_ms = at.moment.end_ms;
  span.precision = at.moment.precision;
  span.last = static_cast<uint32_t>(at.next);
  return span;
}

// The end of "1990–95", two digits of the century of its beginning.
std::optional<Parsed> ShortYear(const Parser& parser, size_t i, const Moment& from) {
  const auto digits = parser.Number(i, 2);
  if (!digits || from.precision != Precision::kYear) return std::nullopt;
  const chrono::year_month_day begin{
      chrono::floor<chrono::days>(chrono::sys_time<chrono::milliseconds>{chrono::milliseconds{from.begin_ms}})};
  const int year = static_cast<int>(begin.year()) / 100 * 100 + *digits;
  if (year <= static_cast<int>(begin.year())) return std::nullopt;
  return Parsed{Years(year, 1, Precision::kYear), i + 1};
}

// `at` is a moment; whatever continues it to a range is taken in.
TimeSpan WithRange(const Parser& parser, const Parsed& at, bool between) {
  TimeSpan span = Lone(at);
  const size_t joint = at.next;
  const bool dash = parser.Dash(joint);
  if (!dash && !parser.Word(joint, {"to", "until", "till", "through"}) && !(between && parser.Word(joint, {"and"})))
    return span;
  if (parser.Word(joint + 1, {"present", "date", "now"})) {
    span.use = TimeUse::kSince;
    span.until_ms.reset();
    span.last = static_cast<uint32_t>(joint + 2);
    return span;
  }
  auto end = parser.MomentAt(joint + 1);
  if (!end && dash) end = ShortYear(parser, joint + 1, at.moment);
  if (!end || end->moment.begin_ms < at.moment.begin_ms) return span;
  span.use = TimeUse::kBetween;
  span.until_ms = end->moment.end_ms;
  span.precision = std::max(at.moment.precision, end->moment.precision);
  span.last = static_cast<uint32_t>(end->next);
  return span;
}

}  // namespace

std::vector<TimeSpan> FindTimes(const Tokenizer& text) {
  const Parser parser(text);
  const auto& tokens = text.tokens();
  std::vector<TimeSpan> spans;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind != TokenKind::kNumber && !token.Is(kCalendar)) continue;
    const auto at = parser.MomentAt(i);
    if (!at || parser.IsNoDay(*at)) continue;
    size_t first = i;
    size_t before = i > 0 ? i - 1 : tokens.size();
    if (before < tokens.size() && parser.Word(before, {"early", "late", "mid", "about", "around", "the"}) && before > 0)
      --before;
    TimeSpan span = WithRange(parser, *at, parser.Word(before, {"between"}));
    const bool lone = span.use == TimeUse::kAt;
    if (lone && parser.Word(before, {"since", "after"})) {
      span.use = TimeUse::kSince;
      span.until_ms.reset();
    } else if (lone && parser.Word(before, {"until", "till", "before"})) {
      span.use = TimeUse::kUntil;
      span.until_ms = parser.Word(before, {"before"}) ? at->moment.begin_ms : at->moment.end_ms;
      span.from_ms.reset();
    } else if (lone && parser.Word(before, {"from"})) {
      span.use = TimeUse::kSince;
      span.until_ms.reset();
    }
    span.first = static_cast<uint32_t>(first);
    span.begin = tokens[first].begin;
    span.end = tokens[span.last - 1].end;
    i = span.last - 1;
    spans.push_back(span);
  }
  return spans;
}

std::string MomentName(const Moment& moment) {
  const chrono::year_month_day day{
      chrono::floor<chrono::days>(chrono::sys_time<chrono::milliseconds>{chrono::milliseconds{moment.begin_ms}})};
  const int year = static_cast<int>(day.year());
  const auto two = [](unsigned value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  const std::string years = year > 0 ? std::to_string(year) : std::to_string(1 - year) + " BC";
  switch (moment.precision) {
    case Precision::kDay:
      return years + "-" + two(static_cast<unsigned>(day.month())) + "-" + two(static_cast<unsigned>(day.day()));
    case Precision::kMonth: return years + "-" + two(static_cast<unsigned>(day.month()));
    case Precision::kYear: return years;
    case Precision::kDecade: return years + "s";
    case Precision::kCentury:
      return "century " + (year > 0 ? std::to_string((year + 99) / 100) : std::to_string((100 - year) / 100) + " BC");
  }
  return years;
}

}  // namespace rhizome::extract
