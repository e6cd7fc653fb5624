// Any bytes as a request body: the strict parser and the field reader never crash, and what the parser accepts is
// UTF-8, no deeper than the limit, and reads the same after being written out again.
#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/check.h"
#include "base/utf8.h"
#include "gateway/json_document.h"
#include "gateway/json_fields.h"

namespace rhizome::gateway {
namespace {

Status ReadBody(const boost::json::value& body) {
  std::optional<std::string> name;
  uint32_t limit = 0;
  bool flag = false;
  float score = 0;
  std::vector<float> vector;
  JsonText payload;
  const JsonPath path;
  Fields fields(body, path);
  fields.Optional("name", name, LengthBetween{1, 64})
      .Optional("limit", limit, Between{1, 100})
      .Optional("flag", flag)
      .Optional("score", score)
      .Optional("vector", vector)
      .Optional("payload", payload);
  const Status status = fields.Finish();
  CHECK(!status.ok() || !name || (!name->empty() && name->size() <= 64));
  return status;
}

size_t DepthOf(const boost::json::value& value) {
  size_t deepest = 0;
  if (value.is_array()) {
    for (const auto& item : value.get_array()) deepest = std::max(deepest, DepthOf(item));
    return deepest + 1;
  }
  if (value.is_object()) {
    for (const auto& item : value.get_object()) deepest = std::max(deepest, DepthOf(item.value()));
    return deepest + 1;
  }
  return 0;
}

void CheckOne(std::string_view text) {
  const auto document = JsonDocument::Parse(text);
  if (!document.ok()) return;
  CHECK(IsUtf8(text));
  CHECK(DepthOf(document->root()) <= kJsonDepthMax);
  const auto again = JsonDocument::Parse(boost::json::serialize(document->root()));
  CHECK(again.ok() && again->root() == document->root());
  const Status status = ReadBody(document->root());
  CHECK(status.ok() || status.code() == Code::kInvalidArgument);
}

}  // namespace
}  // namespace rhizome::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rhizome::gateway::CheckOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
