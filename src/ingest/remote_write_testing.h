// Bodies of remote write as senders make them, for tests. Only they include this header.
#pragma once

#include <snappy.h>

#include <bit>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/coding.h"

namespace rhizome::ingest {

struct SentSeries {
  std::vector<std::pair<std::string, std::string>> labels;  // sorted by name
  std::vector<std::pair<int64_t, double>> samples;          // milliseconds, value
};

inline std::string ProtoField(int number, std::string_view bytes) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  format::PutBytes(out, bytes);
  return out;
}

inline std::string SampleMessage(int64_t time_ms, double value) {
  std::string out = "\x09";
  format::PutU64(out, std::bit_cast<uint64_t>(value));
  out += '\x10';
  format::PutVarint(out, static_cast<uint64_t>(time_ms));
  return out;
}

inline std::string Snappy(const std::string& message) {
  std::string out;
  snappy::Compress(message.data(), message.size(), &out);
  return out;
}

// prometheus.WriteRequest.
inline std::string WriteRequestBody(const std::vector<SentSeries>& all) {
  std::string message;
  for (const SentSeries& series : all) {
    std::string entry;
    for (const auto& [name, value] : series.labels) {
      entry += ProtoField(1, ProtoField(1, name) + ProtoField(2, value));
    }
    for (const auto& [time_ms, value] : series.samples) entry += ProtoField(2, SampleMessage(time_ms, value));
    message += ProtoField(1, entry);
  }
  return Snappy(message);
}

inline constexpr std::string_view kRemoteWriteHeaders =
    "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n"
    "X-Prometheus-Remote-Write-Version: 0.1.0\r\n";

}  // namespace rhizome::ingest
