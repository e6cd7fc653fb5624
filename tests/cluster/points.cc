#include "points.h"

#include <fmt/format.h>

#include <boost/json/value.hpp>

#include "history/random.h"

namespace rhizome::chaos {
namespace {

constexpr uint64_t kBatch = 500;

std::string Level(const std::string& consistency) {
  return consistency.empty() ? "" : fmt::format(R"(,"consistency":"{}")", consistency);
}

}  // namespace

std::vector<float> VectorOf(uint64_t seed, uint32_t dimension) {
  history::Random random(seed);
  std::vector<float> vector(dimension);
  for (float& component : vector) component = static_cast<float>(random.Between(-10'000, 10'000)) / 10'000.0F;
  return vector;
}

std::string VectorJson(const std::vector<float>& vector) {
  std::string text = "[";
  for (const float component : vector) text += fmt::format("{}{:.4f}", text.size() > 1 ? "," : "", component);
  return text + "]";
}

std::string PointJson(uint64_t id, uint64_t content, const std::vector<float>& vector) {
  return fmt::format(R"({{"id":{},"vector":{},"payload":{{"v":{}}}}})", id, VectorJson(vector), content);
}

std::string UpsertBody(const std::string& collection, const std::string& points, const std::string& consistency) {
  return fmt::format(R"({{"collection":"{}","points":[{}]{}}})", collection, points, Level(consistency));
}

std::string IdsBody(const std::string& collection, const std::vector<uint64_t>& ids, const std::string& consistency) {
  return fmt::format(R"({{"collection":"{}","ids":[{}]{}}})", collection, fmt::join(ids, ","), Level(consistency));
}

std::map<uint64_t, uint64_t> ContentsIn(const boost::json::object& body, const char* list) {
  std::map<uint64_t, uint64_t> contents;
  const boost::json::value* points = body.if_contains(list);
  if (points == nullptr || !points->is_array()) return contents;
  for (const boost::json::value& point : points->as_array()) {
    const boost::json::value* content = point.at("payload").as_object().if_contains("v");
    if (content != nullptr) contents[point.at("id").to_number<uint64_t>()] = content->to_number<uint64_t>();
  }
  return contents;
}

std::optional<std::map<uint64_t, uint64_t>> ScrollAll(HttpSession& session, const std::string& collection,
                                                      const std::string& consistency, std::string& why) {
  std::map<uint64_t, uint64_t> all;
  std::string after;
  while (true) {
    const Answer answer = session.CallTwice(
        "POST", "/vectors/scroll",
        fmt::format(R"({{"collection":"{}","limit":1000{}{}}})", collection, after, Level(consistency)));
    if (!answer.good()) {
      why = answer.ToString();
      return std::nullopt;
    }
    for (const auto& [id, content] : ContentsIn(answer.body)) {
      if (!all.emplace(id, content).second) why = std::to_string(id) + " is there twice";
    }
    const boost::json::value& next = answer.body.at("next");
    if (next.is_null()) return all;
    after = fmt::format(R"(,"after":{})", next.to_number<uint64_t>());
  }
}

bool Preload(HttpSession& session, const std::string& collection, uint64_t count, std::string& why,
             uint32_t dimension) {
  for (uint64_t begin = 1; begin <= count; begin += kBatch) {
    std::string points;
    for (uint64_t id = begin; id < begin + kBatch && id <= count; ++id) {
      points += (points.empty() ? "" : ",") + PointJson(id, id, VectorOf(id, dimension));
    }
    const Answer answer = session.CallTwice("POST", "/vectors", UpsertBody(collection, points));
    if (answer.good()) continue;
    why = answer.ToString();
    return false;
  }
  return true;
}

}  // namespace rhizome::chaos
