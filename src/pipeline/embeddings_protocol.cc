#include "pipeline/embeddings_protocol.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <cmath>

#include "base/utf8.h"

namespace rhizome::pipeline {
namespace {

namespace json = boost::json;

Status Wrong(const std::string& what) { return Status::Internal("the embedding server's answer " + what); }

std::string Sendable(std::string_view text) {
  if (text.empty()) return " ";
  std::string valid;
  while (!text.empty()) {
    const size_t good = Utf8ValidPrefix(text);
    valid += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    valid += "\xEF\xBF\xBD";
    text.remove_prefix(1);
  }
  return valid;
}

Status DecodeVector(const json::value& embedding, uint32_t dimension, std::vector<float>& vector) {
  if (!embedding.is_array()) return Wrong("has an embedding that is not a list of numbers");
  const json::array& numbers = embedding.get_array();
  if (numbers.empty() || (dimension != 0 && numbers.size() != dimension)) {
    return Wrong("has vectors of dimension " + std::to_string(numbers.size()) + " instead of " +
                 std::to_string(dimension));
  }
  std::vector<double> exact;
  double square = 0;
  for (const json::value& number : numbers) {
    boost::system::error_code error;
    const auto x = number.to_number<double>(error);
    if (error || !std::isfinite(x) || std::abs(x) > 1e30) return Wrong("has a number that is not finite");
    exact.push_back(x);
    square += x * x;
  }
  const double norm = std::sqrt(square);
  if (norm < 1e-30) return Wrong("has a vector of length 0");
  vector.clear();
  for (const double x : exact) vector.push_back(static_cast<float>(x / norm));
  return Status::Ok();
}

// Servers that leave the index out answer in order.
Result<size_t> IndexOf(const json::object& item, size_t position, size_t count) {
  const json::value* index = item.if_contains("index");
  if (index == nullptr) return position;
  boost::system::error_code error;
  const auto value = index->to_number<uint64_t>(error);
  if (error || value >= count) return Wrong("has an index outside the request");
  return static_cast<size_t>(value);
}

}  // namespace

std::string EncodeEmbeddingsRequest(std::string_view model, std::span<const std::string> texts) {
  json::array input;
  for (const std::string& text : texts) input.emplace_back(Sendable(text));
  return json::serialize(json::object{{"model", model}, {"input", std::move(input)}, {"encoding_format", "float"}});
}

Status DecodeEmbeddingsAnswer(std::string_view body, uint32_t dimension, std::span<std::vector<float>> vectors) {
  boost::system::error_code error;
  const json::value answer = json::parse(body, error);
  if (error) return Wrong("is not JSON");
  const json::value* data = answer.is_object() ? answer.get_object().if_contains("data") : nullptr;
  if (data == nullptr || !data->is_array()) return Wrong("has no list \"data\"");
  const json::array& items = data->get_array();
  if (items.size() != vectors.size()) {
    return Wrong("has " + std::to_string(items.size()) + " vectors for " + std::to_string(vectors.size()) + " texts");
  }
  std::vector<bool> seen(items.size());
  for (size_t position = 0; position < items.size(); ++position) {
    const json::object* item = items[position].if_object();
    const json::value* embedding = item == nullptr ? nullptr : item->if_contains("embedding");
    if (embedding == nullptr) return Wrong("has an item without \"embedding\"");
    ASSIGN_OR_RETURN(const size_t index, IndexOf(*item, position, items.size()));
    if (seen[index]) return Wrong("has an index twice");
    seen[index] = true;
    RETURN_IF_ERROR(DecodeVector(*embedding, dimension, vectors[index]));
    if (dimension == 0) dimension = static_cast<uint32_t>(vectors[index].size());
  }
  return Status::Ok();
}

std::string ServerMessage(std::string_view body) {
  boost::system::error_code error;
  const json::value answer = json::parse(body, error);
  if (error || !answer.is_object()) return {};
  const json::object* from = answer.if_object();
  if (const json::value* inner = from->if_contains("error"); inner != nullptr) {
    if (inner->is_string()) return std::string(inner->get_string());
    if (inner->is_object()) from = inner->if_object();
  }
  for (const char* name : {"message", "detail"}) {
    const json::value* text = from->if_contains(name);
    if (text != nullptr && text->is_string()) return std::string(text->get_string());
  }
  return {};
}

bool SaysTooLarge(int status, std::string_view body) {
  if (status == 413) return true;
  if (status != 400 && status != 422) return false;
  std::string message = ServerMessage(body);
  std::transform(message.begin(), message.end(), message.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* words : {"too large", "too long", "too many", "maximum", "exceed", "at most", "batch size"}) {
    if (message.find(words) != std::string::npos) return true;
  }
  return false;
}

}  // namespace rhizome::pipeline
