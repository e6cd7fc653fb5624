#include "base/base64.h"

#include <array>
#include <cstdint>

namespace rhizome {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kBad = 0xFF;

constexpr std::array<uint8_t, 256> Inverse() {
  std::array<uint8_t, 256> inverse{};
  inverse.fill(kBad);
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    inverse[static_cast<unsigned char>(kAlphabet[i])] = static_cast<uint8_t>(i);
  return inverse;
}

constexpr auto kInverse = Inverse();

}  // namespace

std::string EncodeBase64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  uint32_t held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out += kAlphabet[bits >> (held - 6) & 0x3F];
  }
  if (held > 0) out += kAlphabet[bits << (6 - held) & 0x3F];
  out.resize((out.size() + 3) / 4 * 4, '=');
  return out;
}

Result<std::string> DecodeBase64(std::string_view text) {
  const Status bad = Status::InvalidArgument("", "is not valid base64");
  if (text.size() % 4 != 0) return bad;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const std::string_view digits = text.substr(0, text.size() - padding);
  std::string out;
  out.reserve(digits.size() * 3 / 4);
  uint32_t bits = 0;
  uint32_t held = 0;
  for (const char c : digits) {
    const uint8_t digit = kInverse[static_cast<unsigned char>(c)];
    if (digit == kBad) return bad;
    bits = bits << 6 | digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(bits >> held & 0xFF);
    }
  }
  if ((bits & ((1U << held) - 1)) != 0) return bad;  // one value has one encoding
  return out;
}

}  // namespace rhizome
