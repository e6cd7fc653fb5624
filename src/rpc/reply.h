// Reply: the bytes that answer a call: a version, a code, then the handler's bytes or the rest of a Status
// (docs/formats/rpc.md). Requests need none: their bytes travel as they are.
//
// Decoding treats the peer as hostile: lengths are bounded, text must be UTF-8, a code we do not know becomes Internal.
// Thread-safe: functions of their arguments.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rhizome::rpc {

inline constexpr size_t kReplyHeaderBytes = 2;
inline constexpr size_t kReplyMessageBytesMax = 4096;
inline constexpr size_t kReplyFieldBytesMax = 512;
// Message, field, and their lengths.
inline constexpr size_t kReplyStatusBytesMax = kReplyHeaderBytes + kReplyMessageBytesMax + kReplyFieldBytesMax + 4;

// What goes before the handler's bytes; kReplyHeaderBytes long.
std::string_view ReplyHeader();
// A failure; longer texts are cut at a character's end. `failure` is not OK.
std::string EncodeFailure(const Status& failure);

// The handler's bytes, or the Status it answered with; Corruption when the reply is neither. The reply comes in the
// pieces the network made of it, so that a large body is copied once.
Result<std::string> DecodeReply(std::span<const std::string_view> pieces);

}  // namespace rhizome::rpc
