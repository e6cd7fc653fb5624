// The protobuf messages that remote write 1.0 and 2.0 have in common: a sample.
#pragma once

#include <cstdint>
#include <string_view>

#include "ingest/wire_reader.h"

namespace rhizome::ingest {

constexpr uint32_t BytesTag(uint32_t field) { return WireReader::Tag(field, WireType::kBytes); }
constexpr uint32_t VarintTag(uint32_t field) { return WireReader::Tag(field, WireType::kVarint); }
constexpr uint32_t Fixed64Tag(uint32_t field) { return WireReader::Tag(field, WireType::kFixed64); }

// A Sample {double value = 1; int64 timestamp = 2}; false when it is malformed.
inline bool ReadSample(std::string_view message, int64_t& time_ms, double& value) {
  constexpr uint32_t kValue = Fixed64Tag(1), kTime = VarintTag(2);
  // What nearly all look like: a value, then a time.
  constexpr size_t kTimeAt = 1 + sizeof(double);
  if (message.size() > kTimeAt + 1 && static_cast<uint8_t>(message[0]) == kValue &&
      static_cast<uint8_t>(message[kTimeAt]) == kTime) {
    uint64_t number = 0;
    WireReader rest(message.substr(kTimeAt + 1));
    if (rest.Varint(number) && rest.AtEnd()) {
      value = format::LoadFixed<double>(message.data() + 1);
      time_ms = static_cast<int64_t>(number);
      return true;
    }
  }
  time_ms = 0;
  value = 0;
  WireReader in(message);
  while (in.Next()) {
    uint64_t number = 0;
    if (in.tag() == kValue) {
      if (!in.Fixed(value)) return false;
    } else if (in.tag() == kTime) {
      if (!in.Varint(number)) return false;
      time_ms = static_cast<int64_t>(number);
    } else if (!in.Skip()) {
      return false;
    }
  }
  return !in.failed();
}

}  // namespace rhizome::ingest
