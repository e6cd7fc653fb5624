#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace rhizome::app {
namespace {

constexpr int kBarWidth = 24;
constexpr int64_t kTerminalNs = 100'000'000;
constexpr int64_t kPlainNs = 5'000'000'000;

std::string Duration(double seconds) {
  const auto whole = static_cast<uint64_t>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

std::string Grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string ProgressText(uint64_t done, uint64_t total, uint64_t counted, double seconds, std::string_view noun) {
  const double rate = seconds > 0 ? static_cast<double>(counted) / seconds : 0;
  std::string text;
  if (total > 0) {
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    const auto filled = static_cast<size_t>(share * kBarWidth);
    text =
        fmt::format("[{}{}] {:3.0f} %  ", std::string(filled, '#'), std::string(kBarWidth - filled, '-'), share * 100);
  }
  text += fmt::format("{} {}  {:.0f}/s", Grouped(counted), noun, rate);
  if (total > done && done > 0 && seconds > 1) {
    text += "  " + Duration(seconds * static_cast<double>(total - done) / static_cast<double>(done)) + " left";
  }
  return text;
}

Progress::Progress(uint64_t total, bool quiet, std::string_view noun, Clock& clock)
    : total_(total),
      quiet_(quiet),
      noun_(noun),
      terminal_(isatty(STDERR_FILENO) == 1),
      clock_(clock),
      start_ns_(clock.MonotonicNs()) {}

Progress::~Progress() {
  MutexLock lock(mutex_);
  Draw(true);
  if (!quiet_ && terminal_) std::fputc('\n', stderr);
}

double Progress::seconds() const { return static_cast<double>(clock_.MonotonicNs() - start_ns_) / 1e9; }

void Progress::Advance(uint64_t amount, uint64_t counted) {
  MutexLock lock(mutex_);
  done_ += amount;
  counted_ += counted;
  Draw(false);
}

void Progress::Draw(bool force) {
  const int64_t now = clock_.MonotonicNs();
  if (quiet_ || (!force && now - std::max(drawn_ns_, start_ns_) < (terminal_ ? kTerminalNs : kPlainNs))) return;
  drawn_ns_ = now;
  const std::string text = ProgressText(done_, total_, counted_, seconds(), noun_);
  std::fputs(terminal_ ? ("\r\033[K" + text).c_str() : (text + "\n").c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace rhizome::app
