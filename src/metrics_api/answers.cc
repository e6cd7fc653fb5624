#include "metrics_api/answers.h"

#include <fmt/compile.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/utf8.h"
#include "promql/text.h"

namespace rhizome::metrics_api {
namespace {

constexpr size_t kTimeBytesMax = 32;                     // "[-1000000000000000.000,\"" and to spare
constexpr size_t kValueBytesMax = 32;                    // "-1.2345678901234567e-308" and to spare
constexpr double kExactIntegerMax = 9007199254740992.0;  // 2^53
constexpr double kThousandthsMax = 1e15;
constexpr double kPlainMin = 1e-4;  // from here to 2^53 every library writes digits without an exponent
constexpr size_t kSamplesPerPiece = 256;

char* WriteInteger(int64_t number, char* out) { return std::to_chars(out, out + kValueBytesMax, number).ptr; }

// "781" of 0.781, always three digits.
char* WriteThousandths(uint64_t thousandths, char* out) {
  out[0] = static_cast<char>('0' + thousandths / 100);
  out[1] = static_cast<char>('0' + thousandths / 10 % 10);
  out[2] = static_cast<char>('0' + thousandths % 10);
  return out + 3;
}

char* WriteTime(int64_t time_ms, char* out) {
  uint64_t ms = static_cast<uint64_t>(time_ms);
  if (time_ms < 0) {
    *out++ = '-';
    ms = 0 - ms;
  }
  out = std::to_chars(out, out + kTimeBytesMax, ms / 1000).ptr;
  if (ms % 1000 == 0) return out;
  *out++ = '.';
  return WriteThousandths(ms % 1000, out);
}

// A value that is `thousandths`/1000, correctly rounded. With at most 15 digits no other decimal as short reads back as
// the same double, so these are the shortest digits.
char* WriteDecimal(int64_t thousandths, char* out) {
  if (thousandths < 0) *out++ = '-';
  const uint64_t magnitude = static_cast<uint64_t>(thousandths < 0 ? -thousandths : thousandths);
  out = std::to_chars(out, out + kValueBytesMax, magnitude / 1000).ptr;
  *out++ = '.';
  out = WriteThousandths(magnitude % 1000, out);
  while (out[-1] == '0') --out;
  return out;
}

char* WriteText(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* WriteValue(double value, char* out) {
  const double magnitude = std::fabs(value);
  if (magnitude < kExactIntegerMax) {
    const auto whole = static_cast<int64_t>(value);
    if (static_cast<double>(whole) == value && (whole != 0 || !std::signbit(value))) return WriteInteger(whole, out);
    if (magnitude < kThousandthsMax / 1000) {
      const auto thousandths = static_cast<int64_t>(value * 1000 + std::copysign(0.5, value));
      if (thousandths != 0 && static_cast<double>(thousandths) / 1000 == value) return WriteDecimal(thousandths, out);
    }
    // The fastest there is; its exponents begin elsewhere.
    if (magnitude >= kPlainMin) return fmt::format_to(out, FMT_COMPILE("{}"), value);
  }
  if (std::isnan(value)) return WriteText("NaN", out);
  if (std::isinf(value)) return WriteText(value > 0 ? "+Inf" : "-Inf", out);
  const bool exponent = (magnitude < 1e-6 && magnitude != 0) || magnitude >= 1e21;
  // The library writes out all digits of large numbers; the shortest are wanted, and zeros behind them.
  if (!exponent && magnitude >= kExactIntegerMax) return WriteText(promql::FormatPlain(value), out);
  return std::to_chars(out, out + kValueBytesMax, value,
                       exponent ? std::chars_format::scientific : std::chars_format::fixed)
      .ptr;
}

// The texts of times that come again with every series. A table that forgets what it has no place for.
class TimeTexts {
 public:
  // Writes "[time,".
  char* Write(int64_t time_ms, char* out) {
    Entry& entry = entries_[(static_cast<uint64_t>(time_ms) * 0x9e3779b97f4a7c15) >> (64 - kBits)];
    if (entry.length == 0 || entry.time_ms != time_ms) {
      entry.time_ms = time_ms;
      entry.text[0] = '[';
      char* end = WriteTime(time_ms, entry.text.data() + 1);
      *end++ = ',';
      entry.length = static_cast<uint32_t>(end - entry.text.data());
    }
    std::memcpy(out, entry.text.data(), entry.text.size());
    return out + entry.length;
  }

 private:
  static constexpr int kBits = 10;
  struct Entry {
    int64_t time_ms = 0;
    uint32_t length = 0;  // 0: nothing is here
    std::array<char, kTimeBytesMax> text;
  };
  std::vector<Entry> entries_ = std::vector<Entry>(size_t{1} << kBits);
};

// Writes samples as "[1435781430.781,\"1\"],[…]".
class SampleWriter {
 public:
  void Write(const promql::ResultSeries& series, std::string& out) {
    for (size_t from = 0; from < series.values.size(); from += kSamplesPerPiece) {
      const size_t to = std::min(series.values.size(), from + kSamplesPerPiece);
      char* at = piece_.data();
      for (size_t i = from; i < to; ++i) {
        if (i > 0) *at++ = ',';
        at = WriteOne(series.times_ms[i], series.values[i], at);
      }
      out.append(piece_.data(), at);
    }
  }

 private:
  char* WriteOne(int64_t time_ms, double value, char* at) {
    at = times_.Write(time_ms, at);
    *at++ = '"';
    at = WriteValue(value, at);
    *at++ = '"';
    *at++ = ']';
    return at;
  }

  TimeTexts times_;
  std::array<char, kSamplesPerPiece*(kTimeBytesMax + kValueBytesMax + 4)> piece_;
};

Status Look(const AnswerBounds& bounds, const std::string& out) {
  if (out.size() > bounds.bytes_max) {
    return Status::ResourceExhausted("the answer has more than the limit of " + std::to_string(bounds.bytes_max) +
                                     " bytes: ask for fewer series or a longer step");
  }
  if (bounds.cancelled != nullptr && bounds.cancelled->load(std::memory_order_relaxed)) {
    return Status::Cancelled("the query was cancelled");
  }
  return Status::Ok();
}

Status AppendSeries(const promql::QueryResult& result, const AnswerBounds& bounds, std::string& out) {
  const bool matrix = result.type == promql::ValueType::kMatrix;
  const auto writer = std::make_unique<SampleWriter>();
  const size_t begin = out.size();
  for (size_t i = 0; i < result.series.size(); ++i) {
    out += i > 0 ? ",{\"metric\":" : "{\"metric\":";
    AppendMetric(result.series[i].labels, out);
    out += matrix ? ",\"values\":[" : ",\"value\":";
    writer->Write(result.series[i], out);
    out += matrix ? "]}" : "}";
    RETURN_IF_ERROR(Look(bounds, out));
    // The others will be about as long: grow once.
    if (i == 0) out.reserve(std::min<uint64_t>(bounds.bytes_max, begin + (out.size() - begin) * result.series.size()));
  }
  return Status::Ok();
}

void AppendEscaped(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  size_t plain_from = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text, plain_from, i - plain_from);
    plain_from = i + 1;
    switch (byte) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out.append("\\u00").append({kHex[byte >> 4], kHex[byte & 15]}); break;
    }
  }
  out.append(text, plain_from, std::string_view::npos);
}

struct ErrorKind {
  std::string_view name;
  int status;
};

ErrorKind KindOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kTooLarge: return {"bad_data", 400};
    case Code::kFailedPrecondition:
    case Code::kResourceExhausted: return {"execution", 422};
    case Code::kDeadlineExceeded: return {"timeout", 503};
    case Code::kCancelled: return {"canceled", 503};
    case Code::kNotFound: return {"not_found", 404};
    case Code::kUnavailable:
    case Code::kReadOnly: return {"unavailable", 503};
    default: return {"internal", 500};
  }
}

}  // namespace

void AppendTime(int64_t time_ms, std::string& out) {
  char text[kTimeBytesMax];
  out.append(text, WriteTime(time_ms, text));
}

void AppendValue(double value, std::string& out) {
  char text[kValueBytesMax];
  out.append(text, WriteValue(value, text));
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  for (;;) {
    const size_t valid = Utf8ValidPrefix(text);
    AppendEscaped(text.substr(0, valid), out);
    if (valid == text.size()) break;
    out += "\xef\xbf\xbd";
    text.remove_prefix(valid + 1);
  }
  out += '"';
}

void AppendMetric(format::LabelsView labels, std::string& out) {
  out += '{';
  const char* separator = "";
  for (const format::LabelPair& pair : labels) {
    out += separator;
    AppendJsonString(pair.name, out);
    out += ':';
    AppendJsonString(pair.value, out);
    separator = ",";
  }
  out += '}';
}

Status AppendQueryData(const promql::QueryResult& result, int64_t instant_ms, const AnswerBounds& bounds,
                       std::string& out) {
  static constexpr std::string_view kNames[] = {"none", "scalar", "string", "vector", "matrix"};
  out.append("{\"resultType\":\"").append(kNames[static_cast<size_t>(result.type)]).append("\",\"result\":[");
  if (result.type == promql::ValueType::kString || result.type == promql::ValueType::kScalar) {
    // Unlike samples, these have their time as a plain number, and a scalar never has an exponent.
    out += promql::FormatPlain(static_cast<double>(instant_ms) / 1000) + ",";
    if (result.type == promql::ValueType::kString) {
      AppendJsonString(result.text, out);
    } else {
      out += '"' + promql::FormatPlain(result.series.at(0).values.at(0)) + '"';
    }
  } else {
    RETURN_IF_ERROR(AppendSeries(result, bounds, out));
  }
  out += "]}";
  return Status::Ok();
}

gateway::Response Success(std::string body, std::span<const std::string> warnings) {
  gateway::Response response;
  response.body = std::move(body);
  if (!warnings.empty()) {
    response.body += ",\"warnings\":[";
    for (size_t i = 0; i < warnings.size(); ++i) {
      if (i > 0) response.body += ',';
      AppendJsonString(warnings[i], response.body);
    }
    response.body += ']';
  }
  response.body += '}';
  return response;
}

gateway::Response Failure(const Status& status) {
  const ErrorKind kind = KindOf(status.code());
  std::string message(status.message());
  if (kind.status == 500) message = "internal error; the log says more under the request id";
  if (kind.status == 400 && !status.field().empty()) {
    message = "invalid parameter " + promql::Quote(status.field()) + ": " + message;
  }
  gateway::Response response;
  response.status = kind.status;
  response.body.append("{\"status\":\"error\",\"errorType\":\"").append(kind.name).append("\",\"error\":");
  AppendJsonString(message, response.body);
  response.body += '}';
  if (status.code() == Code::kUnavailable) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace rhizome::metrics_api
