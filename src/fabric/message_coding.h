// What the files that encode messages share. Internal to message*.cc.
#pragma once

#include "format/coding.h"

namespace rhizome::fabric {

inline constexpr uint8_t kMessageFormat = 1;

inline bool GetBool(format::Decoder& in, bool& value) {
  uint8_t byte = 0;
  if (!in.U8(byte) || byte > 1) return false;
  value = byte == 1;
  return true;
}

inline bool GetMessageFormat(format::Decoder& in) {
  uint8_t format = 0;
  return in.U8(format) && format == kMessageFormat;
}

// OK when an answer was read whole and nothing is left over.
inline Status Ended(format::Decoder& in, bool whole) {
  if (!whole) return in.Failure("a peer's answer");
  return in.Finish("a peer's answer");
}

}  // namespace rhizome::fabric
