// Points of the tests: an id, a content that its payload carries, and a vector that follows from a seed, so that
// whoever knows the id can look for it.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "http_session.h"

namespace rhizome::chaos {

inline constexpr uint32_t kDimension = 16;

// Components between -1 and 1, four digits: the same in JSON as here.
std::vector<float> VectorOf(uint64_t seed, uint32_t dimension = kDimension);
std::string VectorJson(const std::vector<float>& vector);

// {"id": …, "vector": …, "payload": {"v": content}}
std::string PointJson(uint64_t id, uint64_t content, const std::vector<float>& vector);
// A body of POST /vectors.
std::string UpsertBody(const std::string& collection, const std::string& points, const std::string& consistency = "");
// Of /vectors/get and /vectors/delete.
std::string IdsBody(const std::string& collection, const std::vector<uint64_t>& ids,
                    const std::string& consistency = "");

// Content by id in an answer's "points" or "hits".
std::map<uint64_t, uint64_t> ContentsIn(const boost::json::object& body, const char* list = "points");

// Everything a scroll at a level walks over, or nullopt with `why` when it fails.
std::optional<std::map<uint64_t, uint64_t>> ScrollAll(HttpSession& session, const std::string& collection,
                                                      const std::string& consistency, std::string& why);
// Points 1 to `count`, content = id, in batches at quorum. False with `why`.
bool Preload(HttpSession& session, const std::string& collection, uint64_t count, std::string& why,
             uint32_t dimension = kDimension);

}  // namespace rhizome::chaos
