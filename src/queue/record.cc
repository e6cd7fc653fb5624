#include "queue/record.h"

#include "format/coding.h"

namespace rhizome::queue {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kVersionWithNotes = 2;  // of a control record
constexpr size_t kPartitionsMax = 256;

using format::Decoder;
using format::PutBytes;
using format::PutI64;
using format::PutU32;
using format::PutU64;
using format::PutU8;
using format::PutVarint;

bool ReadRunHeader(Decoder& in, RunHeader& header) {
  uint8_t version = 0;
  return in.U8(version) && version == kVersion && in.U32(header.partition.first) && in.U32(header.partition.second) &&
         in.U64(header.first_offset) && in.U32(header.count) && in.I64(header.published_ms);
}

bool SkipHeaders(Decoder& in) {
  uint64_t count = 0;
  std::string_view ignored;
  if (!in.Varint(count, kHeadersMax)) return false;
  for (uint64_t i = 0; i < 2 * count; ++i) {
    if (!in.Bytes(ignored, kHeaderBytesMax)) return false;
  }
  return true;
}

bool ReadHeaders(Decoder& in, std::vector<Header>& headers) {
  uint64_t count = 0;
  if (!in.Varint(count, kHeadersMax)) return false;
  headers.resize(count);
  for (Header& header : headers) {
    if (!in.Bytes(header.name, kHeaderBytesMax) || !in.Bytes(header.value, kHeaderBytesMax)) return false;
  }
  return true;
}

void PutPositions(std::string& out, const Control::Positions& positions) {
  PutVarint(out, positions.size());
  for (const auto& [partition, offset] : positions) {
    PutU32(out, partition.first);
    PutU32(out, partition.second);
    PutU64(out, offset);
  }
}

bool ReadPositions(Decoder& in, Control::Positions& positions) {
  uint64_t count = 0;
  if (!in.Count(count, 16)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    PartitionId partition;
    uint64_t offset = 0;
    if (!in.U32(partition.first) || !in.U32(partition.second) || !in.U64(offset)) return false;
    positions[partition] = offset;
  }
  return true;
}

bool ReadNotes(Decoder& in, std::map<std::string, Control::Notes>& groups) {
  uint64_t count = 0;
  if (!in.Count(count, 2)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    std::string name;
    uint64_t notes = 0;
    if (!in.Bytes(name, kNameBytesMax) || !in.Count(notes, 9)) return false;
    for (uint64_t n = 0; n < notes; ++n) {
      PartitionId partition;
      std::string note;
      if (!in.U32(partition.first) || !in.U32(partition.second) || !in.Bytes(note, kNoteBytesMax)) return false;
      groups[name][partition] = std::move(note);
    }
  }
  return true;
}

bool ReadTopic(Decoder& in, Control::Topic& topic) {
  uint64_t partitions = 0;
  if (!in.U32(topic.number) || !in.Bytes(topic.name, kNameBytesMax) || !in.Varint(partitions, kPartitionsMax)) {
    return false;
  }
  topic.next_offsets.resize(partitions);
  for (uint64_t& next : topic.next_offsets) {
    if (!in.U64(next)) return false;
  }
  return true;
}

}  // namespace

void PutRun(std::string& out, const RunHeader& header, std::span<const Outgoing* const> messages) {
  PutU8(out, kVersion);
  PutU32(out, header.partition.first);
  PutU32(out, header.partition.second);
  PutU64(out, header.first_offset);
  PutU32(out, static_cast<uint32_t>(messages.size()));
  PutI64(out, header.published_ms);
  for (const Outgoing* message : messages) {
    PutBytes(out, message->key);
    PutBytes(out, message->value);
    PutVarint(out, message->headers.size());
    for (const Header& each : message->headers) {
      PutBytes(out, each.name);
      PutBytes(out, each.value);
    }
  }
}

Result<RunHeader> DecodeRunHeader(std::string_view record) {
  Decoder in(record);
  RunHeader header;
  if (!ReadRunHeader(in, header) || header.count == 0) return in.Failure("queue record");
  return header;
}

Status DecodeRun(std::string_view record, uint64_t from, size_t count, uint64_t& bytes_left, std::vector<Message>& to) {
  Decoder in(record);
  RunHeader header;
  if (!ReadRunHeader(in, header)) return in.Failure("queue record");
  const size_t end = to.size() + count;
  for (uint64_t i = 0; i < header.count && to.size() < end; ++i) {
    std::string_view key, value;
    if (!in.Bytes(key, kKeyBytesMax) || !in.Bytes(value, kValueBytesMax)) return in.Failure("queue message");
    if (header.first_offset + i < from) {
      if (!SkipHeaders(in)) return in.Failure("queue message");
      continue;
    }
    if (value.size() > bytes_left && !to.empty()) {
      bytes_left = 0;
      return Status::Ok();
    }
    Message message;
    if (!ReadHeaders(in, message.headers)) return in.Failure("queue message");
    message.partition = header.partition.second;
    message.offset = header.first_offset + i;
    message.published_ms = header.published_ms;
    message.key = key;
    message.value = value;
    bytes_left -= std::min<uint64_t>(bytes_left, value.size());
    to.push_back(std::move(message));
  }
  return Status::Ok();
}

std::string EncodeControl(const Control& control) {
  std::string out;
  PutU8(out, control.notes.empty() ? kVersion : kVersionWithNotes);
  PutU8(out, static_cast<uint8_t>(control.kind));
  PutVarint(out, control.topics.size());
  for (const Control::Topic& topic : control.topics) {
    PutU32(out, topic.number);
    PutBytes(out, topic.name);
    PutVarint(out, topic.next_offsets.size());
    for (const uint64_t next : topic.next_offsets) PutU64(out, next);
  }
  PutVarint(out, control.groups.size());
  for (const auto& [name, positions] : control.groups) {
    PutBytes(out, name);
    PutPositions(out, positions);
  }
  if (control.notes.empty()) return out;
  PutVarint(out, control.notes.size());
  for (const auto& [name, notes] : control.notes) {
    PutBytes(out, name);
    PutVarint(out, notes.size());
    for (const auto& [partition, note] : notes) {
      PutU32(out, partition.first);
      PutU32(out, partition.second);
      PutBytes(out, note);
    }
  }
  return out;
}

Result<Control> DecodeControl(std::string_view record) {
  Decoder in(record);
  Control control;
  uint8_t version = 0, kind = 0;
  if (!in.U8(version) || version < kVersion || version > kVersionWithNotes || !in.U8(kind) || kind < 1 || kind > 4) {
    return in.Failure("queue control record");
  }
  control.kind = static_cast<Control::Kind>(kind);
  uint64_t topics = 0, groups = 0;
  if (!in.Count(topics, 6)) return in.Failure("queue control record");
  control.topics.resize(topics);
  for (Control::Topic& topic : control.topics) {
    if (!ReadTopic(in, topic)) return in.Failure("queue control record");
  }
  if (!in.Count(groups, 2)) return in.Failure("queue control record");
  for (uint64_t i = 0; i < groups; ++i) {
    std::string name;
    Control::Positions positions;
    if (!in.Bytes(name, kNameBytesMax) || !ReadPositions(in, positions)) return in.Failure("queue control record");
    control.groups[name] = std::move(positions);
  }
  if (version == kVersionWithNotes && !ReadNotes(in, control.notes)) return in.Failure("queue control record");
  RETURN_IF_ERROR(in.Finish("queue control record"));
  return control;
}

}  // namespace rhizome::queue
