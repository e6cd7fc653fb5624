#include "ingest/otlp_names.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace rhizome::ingest {
namespace {

using Word = std::pair<std::string_view, std::string_view>;

// UCUM codes and the words for them.
constexpr std::array<Word, 25> kUnits = {
    {{"d", "days"},          {"h", "hours"},        {"min", "minutes"},   {"s", "seconds"},      {"ms", "milliseconds"},
     {"us", "microseconds"}, {"ns", "nanoseconds"}, {"By", "bytes"},      {"KiBy", "kibibytes"}, {"MiBy", "mebibytes"},
     {"GiBy", "gibibytes"},  {"TiBy", "tibibytes"}, {"KBy", "kilobytes"}, {"MBy", "megabytes"},  {"GBy", "gigabytes"},
     {"TBy", "terabytes"},   {"m", "meters"},       {"V", "volts"},       {"A", "amperes"},      {"J", "joules"},
     {"W", "watts"},         {"g", "grams"},        {"Cel", "celsius"},   {"Hz", "hertz"},       {"%", "percent"}}};
constexpr std::array<Word, 7> kPer = {
    {{"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"}, {"w", "week"}, {"mo", "month"}, {"y", "year"}}};

bool IsAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

template <size_t kCount>
std::string_view WordFor(const std::array<Word, kCount>& words, std::string_view code) {
  for (const auto& [short_form, word] : words) {
    if (short_form == code) return word;
  }
  return code;
}

// The stretches of letters and digits. A colon is for names of recording rules, so it separates as well.
std::vector<std::string> Tokens(std::string_view text) {
  std::vector<std::string> tokens;
  bool within = false;
  for (const char c : text) {
    const bool belongs = IsAlphanumeric(c);
    if (belongs && !within) tokens.emplace_back();
    if (belongs) tokens.back() += c;
    within = belongs;
  }
  return tokens;
}

std::string Joined(const std::vector<std::string>& tokens) {
  std::string out;
  for (const std::string& token : tokens) {
    if (!out.empty()) out += '_';
    out += token;
  }
  return out;
}

std::string_view Trimmed(std::string_view text) {
  const size_t from = text.find_first_not_of(' ');
  return from == std::string_view::npos ? std::string_view() : text.substr(from, text.find_last_not_of(' ') - from + 1);
}

// A part of a unit as a word; empty for nothing and for annotations.
template <size_t kCount>
std::string UnitWord(const std::array<Word, kCount>& words, std::string_view part) {
  part = Trimmed(part);
  if (part.find_first_of("{}") != std::string_view::npos || part == "1") return {};
  return Joined(Tokens(WordFor(words, part)));
}

struct UnitWords {
  std::string main, per;
};

UnitWords WordsOf(std::string_view unit) {
  const size_t slash = unit.find('/');
  UnitWords words;
  words.main = UnitWord(kUnits, unit.substr(0, slash));
  if (slash != std::string_view::npos) words.per = UnitWord(kPer, unit.substr(slash + 1));
  return words;
}

void AppendOnce(std::vector<std::string>& tokens, const std::string& token) {
  if (!token.empty() && std::find(tokens.begin(), tokens.end(), token) == tokens.end()) tokens.push_back(token);
}

void MoveToEnd(std::vector<std::string>& tokens, const std::string& token) {
  std::erase(tokens, token);
  tokens.push_back(token);
}

}  // namespace

std::string OtlpUnitName(std::string_view unit) {
  const UnitWords words = WordsOf(unit);
  std::string out = words.main;
  if (!words.per.empty()) out += (out.empty() ? "per_" : "_per_") + words.per;
  return out;
}

std::string OtlpMetricName(std::string_view name, std::string_view unit, OtlpKind kind) {
  std::vector<std::string> tokens = Tokens(name);
  if (tokens.empty()) return {};
  const UnitWords words = WordsOf(unit);
  AppendOnce(tokens, words.main);
  if (!words.per.empty() && std::find(tokens.begin(), tokens.end(), words.per) == tokens.end()) {
    tokens.push_back("per");
    tokens.push_back(words.per);
  }
  if (kind == OtlpKind::kCounter) MoveToEnd(tokens, "total");
  if (kind == OtlpKind::kGauge && unit == "1") MoveToEnd(tokens, "ratio");
  const std::string out = Joined(tokens);
  return out[0] >= '0' && out[0] <= '9' ? "_" + out : out;
}

std::string OtlpLabelName(std::string_view key) {
  std::string out(key);
  for (char& c : out) {
    if (!IsAlphanumeric(c)) c = '_';
  }
  if (out.empty()) return out;
  if (out[0] >= '0' && out[0] <= '9') return "key_" + out;
  return out[0] == '_' && !out.starts_with("__") ? "key" + out : out;
}

}  // namespace rhizome::ingest
