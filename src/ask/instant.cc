#include "ask/instant.h"

#include <charconv>
#include <chrono>

namespace rhizome::ask {
namespace {

namespace chrono = std::chrono;

// Takes digits and single bytes off the front of a text; once something is missing nothing is taken any more.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  int Digits(size_t count) {
    int number = 0;
    if (rest_.size() < count) ok_ = false;
    if (!ok_) return 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + count, number);
    ok_ = error == std::errc() && end == rest_.data() + count && rest_[0] != '-';
    if (ok_) rest_.remove_prefix(count);
    return number;
  }
  bool Take(char byte) {
    if (!ok_ || rest_.empty() || rest_[0] != byte) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void Need(char byte) { ok_ = Take(byte) && ok_; }
  bool AtEnd() const { return ok_ && rest_.empty(); }
  // Milliseconds of ".25", as many digits as there are.
  int64_t Fraction() {
    int64_t ms = 0, place = 100;
    bool any = false;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      ms += (rest_[0] - '0') * place;
      place /= 10;
      rest_.remove_prefix(1);
      any = true;
    }
    ok_ = ok_ && any;
    return ms;
  }
  bool ok() const { return ok_; }
  void Fail() { ok_ = false; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

int64_t TimeOfDay(Reader& in) {
  const int hour = in.Digits(2);
  in.Need(':');
  const int minute = in.Digits(2);
  in.Need(':');
  const int second = in.Digits(2);
  if (hour > 23 || minute > 59 || second > 59) in.Fail();
  int64_t ms = ((hour * 60 + minute) * 60 + second) * INT64_C(1000);
  if (in.Take('.')) ms += in.Fraction();
  if (in.Take('Z')) return ms;
  const bool west = in.Take('-');
  if (!west) in.Need('+');
  const int hours = in.Digits(2);
  in.Need(':');
  const int minutes = in.Digits(2);
  if (hours > 23 || minutes > 59) in.Fail();
  const int64_t offset = (hours * 60 + minutes) * INT64_C(60'000);
  return west ? ms + offset : ms - offset;
}

}  // namespace

std::optional<int64_t> ParseInstantMs(std::string_view text) {
  Reader in(text);
  const int year = in.Digits(4);
  int month = 1, day = 1;
  int64_t ms = 0;
  if (in.Take('-')) {
    month = in.Digits(2);
    if (in.Take('-')) {
      day = in.Digits(2);
      if (in.Take('T')) ms = TimeOfDay(in);
    }
  }
  const chrono::year_month_day date{chrono::year{year}, chrono::month{static_cast<unsigned>(month)},
                                    chrono::day{static_cast<unsigned>(day)}};
  if (!in.AtEnd() || !date.ok()) return std::nullopt;
  return chrono::duration_cast<chrono::milliseconds>(chrono::sys_days{date}.time_since_epoch()).count() + ms;
}

}  // namespace rhizome::ask
