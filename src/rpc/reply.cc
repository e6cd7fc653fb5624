#include "rpc/reply.h"

#include "base/utf8.h"
#include "format/coding.h"

namespace rhizome::rpc {
namespace {

constexpr char kVersion = 1;
constexpr char kHeader[kReplyHeaderBytes] = {kVersion, 0};

// A code's number on the wire is its place here; places are never given away again.
constexpr Code kWireCodes[] = {
    Code::kOk,
    Code::kInvalidArgument,
    Code::kNotFound,
    Code::kAlreadyExists,
    Code::kTooLarge,
    Code::kFailedPrecondition,
    Code::kReadOnly,
    Code::kCorruption,
    Code::kIoError,
    Code::kNoSpace,
    Code::kUnavailable,
    Code::kResourceExhausted,
    Code::kDeadlineExceeded,
    Code::kCancelled,
    Code::kInternal,
};

uint8_t WireCode(Code code) {
  const auto* const place = std::find(std::begin(kWireCodes), std::end(kWireCodes), code);
  CHECK(place != std::end(kWireCodes));
  return static_cast<uint8_t>(place - std::begin(kWireCodes));
}

// Valid UTF-8 of at most `length_max` bytes: other bytes become '?', the end is cut between characters.
std::string Portable(std::string_view text, size_t length_max) {
  std::string portable;
  portable.reserve(std::min(text.size(), length_max));
  while (!text.empty()) {
    const size_t valid = Utf8ValidPrefix(text);
    portable += text.substr(0, valid);
    text.remove_prefix(valid);
    if (text.empty() || portable.size() > length_max) break;
    portable += '?';
    text.remove_prefix(1);
  }
  if (portable.size() <= length_max) return portable;
  portable.resize(length_max);
  portable.resize(Utf8ValidPrefix(portable));
  return portable;
}

std::string Join(std::span<const std::string_view> pieces, size_t skip, size_t length) {
  std::string joined;
  joined.reserve(length - skip);
  for (std::string_view piece : pieces) {
    const size_t skipped = std::min(skip, piece.size());
    skip -= skipped;
    joined += piece.substr(skipped);
  }
  return joined;
}

Status DecodeFailure(std::string_view bytes) {
  format::Decoder in(bytes);
  uint8_t version = 0;
  uint8_t code = 0;
  std::string message;
  std::string field;
  if (!in.U8(version) || version != kVersion || !in.U8(code) || code == 0 ||
      !in.Bytes(message, kReplyMessageBytesMax) || !in.Bytes(field, kReplyFieldBytesMax)) {
    return in.Failure("a peer's reply");
  }
  RETURN_IF_ERROR(in.Finish("a peer's reply"));
  if (!IsUtf8(message) || !IsUtf8(field)) return Status::Corruption("a peer's reply: text that is not UTF-8");
  if (code < std::size(kWireCodes)) return Status(kWireCodes[code], std::move(message), std::move(field));
  return Status::Internal("a peer answered with code " + std::to_string(code) + ", which we do not know: " + message);
}

}  // namespace

std::string_view ReplyHeader() { return {kHeader, sizeof(kHeader)}; }

std::string EncodeFailure(const Status& failure) {
  CHECK(!failure.ok());
  std::string reply;
  format::PutU8(reply, kVersion);
  format::PutU8(reply, WireCode(failure.code()));
  format::PutBytes(reply, Portable(failure.message(), kReplyMessageBytesMax));
  format::PutBytes(reply, Portable(failure.field(), kReplyFieldBytesMax));
  return reply;
}

Result<std::string> DecodeReply(std::span<const std::string_view> pieces) {
  size_t length = 0;
  for (const std::string_view piece : pieces) length += piece.size();
  std::string head;
  for (const std::string_view piece : pieces) {
    if (head.size() < kReplyHeaderBytes) head += piece.substr(0, kReplyHeaderBytes - head.size());
  }
  if (head == ReplyHeader()) return Join(pieces, kReplyHeaderBytes, length);
  if (length > kReplyStatusBytesMax)
    return Status::Corruption("a peer's reply: a failure of " + std::to_string(length) + " bytes");
  return DecodeFailure(Join(pieces, 0, length));
}

}  // namespace rhizome::rpc
