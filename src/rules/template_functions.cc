#include "rules/template_functions.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <ctime>
#include <utility>

#include "promql/text.h"

namespace rhizome::rules {
namespace {

using Arguments = std::span<const TemplateValue>;

constexpr size_t kFlagBytesMax = 5;  // of a verb of printf: "-12.3"

Status Wrong(std::string message) { return Status::InvalidArgument("", std::move(message)); }

// "%.4g": four digits that count.
std::string FourDigits(double value) {
  if (!std::isfinite(value)) return promql::FormatNumber(value);
  return fmt::format("{:.4g}", value);
}

Result<double> NumberOf(Arguments arguments) {
  if (arguments.size() != 1) return Wrong("takes one argument");
  if (const double* const number = std::get_if<double>(&arguments[0])) return *number;
  const std::string& text = std::get<std::string>(arguments[0]);
  if (const auto number = promql::ParseFloat(text)) return *number;
  return Wrong("\"" + text + "\" is no number");
}

Result<std::string> OneText(Arguments arguments) {
  if (arguments.size() != 1) return Wrong("takes one argument");
  if (const std::string* const text = std::get_if<std::string>(&arguments[0])) return *text;
  return Wrong("takes a text");
}

Result<TemplateValue> Humanize(Arguments arguments) {
  ASSIGN_OR_RETURN(double value, NumberOf(arguments));
  if (value == 0 || !std::isfinite(value)) return TemplateValue(FourDigits(value));
  static constexpr std::string_view kLarge = "kMGTPEZY", kSmall = "munpfazy";
  const bool large = std::fabs(value) >= 1;
  std::string prefix;
  for (const char unit : large ? kLarge : kSmall) {
    if (large ? std::fabs(value) < 1000 : std::fabs(value) >= 1) break;
    prefix = unit;
    value = large ? value / 1000 : value * 1000;
  }
  return TemplateValue(FourDigits(value) + prefix);
}

Result<TemplateValue> Humanize1024(Arguments arguments) {
  ASSIGN_OR_RETURN(double value, NumberOf(arguments));
  if (std::fabs(value) <= 1 || !std::isfinite(value)) return TemplateValue(FourDigits(value));
  std::string prefix;
  for (const std::string_view unit : {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"}) {
    if (std::fabs(value) < 1024) break;
    prefix = unit;
    value /= 1024;
  }
  return TemplateValue(FourDigits(value) + prefix);
}

Result<TemplateValue> HumanizeDuration(Arguments arguments) {
  ASSIGN_OR_RETURN(double value, NumberOf(arguments));
  if (!std::isfinite(value)) return TemplateValue(FourDigits(value));
  if (value == 0) return TemplateValue(FourDigits(value) + "s");
  if (std::fabs(value) < 1) {
    std::string prefix;
    for (const char unit : std::string_view("munpfazy")) {
      if (std::fabs(value) >= 1) break;
      prefix = unit;
      value *= 1000;
    }
    return TemplateValue(FourDigits(value) + prefix + "s");
  }
  const std::string sign = value < 0 ? "-" : "";
  value = std::fabs(value);
  if (value >= 9e18) return Wrong("the duration is too long");
  const auto seconds = static_cast<int64_t>(value);
  const int64_t days = seconds / 86'400, hours = seconds / 3'600 % 24, minutes = seconds / 60 % 60, rest = seconds % 60;
  if (days > 0) return TemplateValue(sign + fmt::format("{}d {}h {}m {}s", days, hours, minutes, rest));
  if (hours > 0) return TemplateValue(sign + fmt::format("{}h {}m {}s", hours, minutes, rest));
  if (minutes > 0) return TemplateValue(sign + fmt::format("{}m {}s", minutes, rest));
  return TemplateValue(sign + FourDigits(value) + "s");
}

Result<TemplateValue> HumanizePercentage(Arguments arguments) {
  ASSIGN_OR_RETURN(const double value, NumberOf(arguments));
  return TemplateValue(FourDigits(value * 100) + "%");
}

// Seconds since 1970 as "2015-07-01 20:10:30.781 +0000 UTC".
Result<TemplateValue> HumanizeTimestamp(Arguments arguments) {
  ASSIGN_OR_RETURN(const double value, NumberOf(arguments));
  if (!std::isfinite(value)) return TemplateValue(FourDigits(value));
  if (std::fabs(value) > 9e9) return Wrong("the time is out of range");
  const auto ms = static_cast<int64_t>(std::floor(value * 1000));
  const int64_t fraction = (ms % 1000 + 1000) % 1000;
  const std::time_t seconds = (ms - fraction) / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  std::string out(text, std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts));
  if (fraction > 0) {
    out += fmt::format(".{:03}", fraction);
    while (out.back() == '0') out.pop_back();
  }
  return TemplateValue(out + " +0000 UTC");
}

std::string Mapped(std::string text, char first, char last, int by) {
  for (char& c : text) {
    if (c >= first && c <= last) c = static_cast<char>(c + by);
  }
  return text;
}

Result<TemplateValue> ToUpper(Arguments arguments) {
  ASSIGN_OR_RETURN(std::string text, OneText(arguments));
  return TemplateValue(Mapped(std::move(text), 'a', 'z', 'A' - 'a'));
}

Result<TemplateValue> ToLower(Arguments arguments) {
  ASSIGN_OR_RETURN(std::string text, OneText(arguments));
  return TemplateValue(Mapped(std::move(text), 'A', 'Z', 'a' - 'A'));
}

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '\'' ||
         static_cast<unsigned char>(c) >= 0x80;
}

Result<TemplateValue> Title(Arguments arguments) {
  ASSIGN_OR_RETURN(std::string text, OneText(arguments));
  bool inside = false;
  for (char& c : text) {
    if (!inside && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    inside = IsWordByte(c);
  }
  return TemplateValue(std::move(text));
}

Result<TemplateValue> StripPort(Arguments arguments) {
  ASSIGN_OR_RETURN(const std::string text, OneText(arguments));
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || text.find(':') != colon) {
    if (!text.starts_with('[') || text.find("]:") == std::string::npos) return TemplateValue(text);
    return TemplateValue(text.substr(1, text.find("]:") - 1));
  }
  return TemplateValue(text.substr(0, colon));
}

// One verb of printf with its flags, "%-6.2f".
Result<std::string> Formatted(std::string_view flags, char verb, const TemplateValue& value) {
  const double* const number = std::get_if<double>(&value);
  std::string spec(flags);
  bool left = false;
  std::erase_if(spec, [&](char c) {
    left = left || c == '-';
    return c == '-';
  });
  if (spec.starts_with('0') && left) spec.erase(0, 1);
  try {
    switch (verb) {
      case 'f':
      case 'e':
      case 'g': {
        if (number == nullptr) break;
        const std::string align = left ? "<" : spec.starts_with('0') ? "" : ">";
        if (!std::isfinite(*number)) return promql::FormatNumber(*number);
        const bool shortest = verb == 'g' && spec.find('.') == std::string::npos;
        if (shortest) return fmt::format(fmt::runtime("{:" + align + spec + "}"), promql::FormatNumber(*number));
        return fmt::format(fmt::runtime("{:" + align + spec + verb + "}"), *number);
      }
      case 'v':
      case 's':
        if (number != nullptr && (verb == 's' || spec.find('.') != std::string::npos)) break;
        return fmt::format(fmt::runtime("{:" + std::string(left ? "<" : ">") + spec + "}"), TextOf(value));
      case 'q':
        if (number == nullptr) return promql::Quote(std::get<std::string>(value));
        break;
      default: break;
    }
  } catch (const fmt::format_error& error) {
    return Wrong("printf does not know %" + std::string(flags) + verb);
  }
  return Wrong("printf cannot write this with %" + std::string(flags) + verb);
}

Result<TemplateValue> Printf(Arguments arguments) {
  if (arguments.empty() || !std::holds_alternative<std::string>(arguments[0])) return Wrong("printf takes a format");
  const std::string_view format = std::get<std::string>(arguments[0]);
  std::string out;
  size_t next = 1;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    const size_t end = format.find_first_not_of("-0123456789.", i + 1);
    if (end == std::string_view::npos) return Wrong("printf's format ends inside of a verb");
    const std::string_view flags = format.substr(i + 1, end - i - 1);
    if (flags.size() > kFlagBytesMax) return Wrong("printf does not pad as far as %" + std::string(flags));
    i = end;
    if (format[end] == '%' && flags.empty()) {
      out += '%';
      continue;
    }
    if (next == arguments.size()) return Wrong("printf has more verbs than arguments");
    ASSIGN_OR_RETURN(const std::string text, Formatted(flags, format[end], arguments[next++]));
    out += text;
  }
  if (next != arguments.size()) return Wrong("printf has more arguments than verbs");
  return TemplateValue(std::move(out));
}

constexpr std::pair<std::string_view, TemplateFunction> kFunctions[] = {{"humanize", Humanize},
                                                                        {"humanize1024", Humanize1024},
                                                                        {"humanizeDuration", HumanizeDuration},
                                                                        {"humanizePercentage", HumanizePercentage},
                                                                        {"humanizeTimestamp", HumanizeTimestamp},
                                                                        {"printf", Printf},
                                                                        {"stripPort", StripPort},
                                                                        {"title", Title},
                                                                        {"toLower", ToLower},
                                                                        {"toUpper", ToUpper}};

}  // namespace

std::string TextOf(const TemplateValue& value) {
  if (const double* const number = std::get_if<double>(&value)) return promql::FormatNumber(*number);
  return std::get<std::string>(value);
}

TemplateFunction FindTemplateFunction(std::string_view name) {
  for (const auto& [known, function] : kFunctions) {
    if (known == name) return function;
  }
  return nullptr;
}

}  // namespace rhizome::rules
