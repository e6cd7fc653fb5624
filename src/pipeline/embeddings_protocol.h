// The bytes of OpenAI's embeddings protocol: request out, answer in. No I/O.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rhizome::pipeline {

// {"model": …, "input": […], "encoding_format": "float"}. Invalid UTF-8 becomes U+FFFD, and an empty text a space:
// servers refuse both.
std::string EncodeEmbeddingsRequest(std::string_view model, std::span<const std::string> texts);

// Fills `vectors` in the order of the texts, whatever order the answer has, each scaled to length 1.
// `dimension` 0 accepts any, the same for all. Error: Internal naming what is wrong: not JSON, another count, an
// index twice or outside, another dimension, a number that is not finite, a vector of length 0.
Status DecodeEmbeddingsAnswer(std::string_view body, uint32_t dimension, std::span<std::vector<float>> vectors);

// Whether a refusal (its status and body) says that the input is too large to be taken at once.
bool SaysTooLarge(int status, std::string_view body);

// The server's own words in an error answer, "" when there are none: `error.message`, `message` or `detail`.
std::string ServerMessage(std::string_view body);

}  // namespace rhizome::pipeline
