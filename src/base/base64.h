// Base64 (RFC 4648 section 4): the standard alphabet, padded, nothing else. Pure functions; any bytes are safe input.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace rhizome {

std::string EncodeBase64(std::string_view bytes);

// InvalidArgument (no field) for anything that is not exactly base64.
Result<std::string> DecodeBase64(std::string_view text);

}  // namespace rhizome
