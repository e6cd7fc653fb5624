#include "ingest_model.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <cmath>

namespace rhizome::crash {
namespace {

namespace json = boost::json;
using gateway::Reply;
using gateway::TestClient;

constexpr uint64_t kDocumentsPerWriter = 40;
constexpr uint64_t kPointsPerWriter = 120;
constexpr uint32_t kDimension = 16;
constexpr size_t kPage = 500;
constexpr int kSampledSearches = 12;

// Unlike any word of another key or generation.
std::string TagOf(std::string key, uint64_t generation) {
  std::erase(key, '-');
  return "tag" + key + "g" + std::to_string(generation);
}

// Between 1 and 60 sentences, so that a generation often has fewer chunks than the one before.
std::string TextOf(const std::string& key, uint64_t generation) {
  const uint64_t sentences = 1 + std::mt19937_64(generation * 31 + key.size())() % 60;
  std::string text;
  for (uint64_t i = 0; i < sentences; ++i) {
    text += "The words of " + TagOf(key, generation) + " in sentence " + std::to_string(i) + " of " +
            std::to_string(sentences) + " are written here once. ";
  }
  return text;
}

std::vector<float> VectorOf(uint64_t key, uint64_t generation) {
  std::mt19937_64 random(key * 1'000'003 + generation);
  std::vector<float> vector(kDimension);
  for (float& value : vector) value = static_cast<float>(static_cast<int64_t>(random() % 2001) - 1000) / 1000.0F;
  vector[0] += 0.001F;
  return vector;
}

float Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    dot += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return a.size() != b.size() ? 0 : static_cast<float>(dot / std::sqrt(aa * bb));
}

json::value Ask(TestClient& client, std::string_view target, const json::value& body) {
  const Reply reply = client.Call("POST", target, json::serialize(body));
  json::error_code error;
  json::value answer = json::parse(reply.body, error);
  if (reply.status != 200 || error) throw std::runtime_error(std::string(target) + " answers " + reply.body);
  return answer;
}

std::string Squeezed(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

// What a scan of the server found.
struct FoundDocument {
  std::map<int64_t, std::string> chunks;
  int64_t chunk_count = 0;
};
struct FoundPoint {
  std::string text;
  std::vector<float> vector;
};
struct Found {
  std::map<std::string, FoundDocument> documents;
  std::map<uint64_t, FoundPoint> points;
  uint64_t chunks = 0;
};

// Hands every point of a collection to `visit` and counts ids that come twice.
template <typename Visit>
void ScanAll(TestClient& client, const char* collection, VerifyCounts& counts, const Visit& visit) {
  std::set<std::string> seen;
  json::value after = nullptr;
  do {
    const json::value page =
        Ask(client, "/vectors/scroll",
            json::object{{"collection", collection}, {"limit", kPage}, {"after", after}, {"with_vector", true}});
    for (const json::value& point : page.at("points").as_array()) {
      const std::string id = json::serialize(point.at("id"));
      if (!seen.insert(id).second) counts.Note(&VerifyCounts::twice, "id " + id + " comes twice in a scan");
      visit(point);
    }
    after = page.at("next");
  } while (!after.is_null());
}

Found Scan(TestClient& client, VerifyCounts& counts) {
  Found found;
  ScanAll(client, "texts", counts, [&](const json::value& point) {
    const json::value& origin = point.at("payload").at("document");
    FoundDocument& document = found.documents[std::string(origin.at("id").as_string())];
    document.chunk_count = origin.at("chunks").to_number<int64_t>();
    const bool fresh =
        document.chunks.try_emplace(origin.at("chunk").to_number<int64_t>(), point.at("text").as_string()).second;
    if (!fresh) counts.Note(&VerifyCounts::twice, "a chunk of " + json::serialize(origin.at("id")) + " is there twice");
    ++found.chunks;
  });
  ScanAll(client, "vectors", counts, [&](const json::value& point) {
    FoundPoint& stored = found.points[point.at("id").to_number<uint64_t>()];
    stored.text = point.at("text").as_string();
    for (const json::value& value : point.at("vector").as_array()) stored.vector.push_back(value.to_number<float>());
  });
  return found;
}

// The generation a document stands at; nullopt when it is not whole or not of one version.
std::optional<uint64_t> GenerationOf(const std::string& id, const FoundDocument& document, const KeyState& state) {
  if (document.chunks.empty()) return kGone;
  std::string all;
  for (const auto& [number, text] : document.chunks) all += text;
  std::set<uint64_t> candidates = state.possible;
  candidates.insert(state.acknowledged);
  for (uint64_t generation = 1; generation < state.next; ++generation) candidates.insert(generation);
  for (const uint64_t generation : candidates) {
    if (generation == kGone || Squeezed(all) != Squeezed(TextOf(id, generation))) continue;
    const bool dense = document.chunks.rbegin()->first + 1 == static_cast<int64_t>(document.chunks.size()) &&
                       document.chunk_count == static_cast<int64_t>(document.chunks.size());
    if (dense) return generation;
  }
  return std::nullopt;
}

std::optional<uint64_t> GenerationOf(uint64_t id, const FoundPoint& point, const KeyState& state) {
  if (point.text.empty()) return kGone;
  for (uint64_t generation = 1; generation < state.next; ++generation) {
    if (point.text != TextOf("p" + std::to_string(id), generation)) continue;
    return Cosine(point.vector, VectorOf(id, generation)) > 0.9999F ? std::optional(generation) : std::nullopt;
  }
  return std::nullopt;
}

// Holds one key against its promises and takes what was found for acknowledged.
void Settle(const std::string& name, std::optional<uint64_t> generation, KeyState& state, VerifyCounts& counts) {
  if (!generation) {
    counts.Note(&VerifyCounts::twice, name + " is not whole, or pieces of two versions");
  } else if (*generation != state.acknowledged && !state.possible.contains(*generation)) {
    counts.Note(&VerifyCounts::lost, name + " was acknowledged at generation " + std::to_string(state.acknowledged) +
                                         " and stands at " + std::to_string(*generation));
  } else {
    state.acknowledged = *generation;
  }
  state.possible.clear();
}

std::set<std::string> IdsOf(const json::value& answer) {
  std::set<std::string> ids;
  for (const json::value& hit : answer.at("hits").as_array()) ids.insert(json::serialize(hit.at("id")));
  return ids;
}

// A search for the word only one document has finds its chunks, all of them and no others; the word of what is no
// longer there finds nothing.
void CheckTextSearch(TestClient& client, const std::string& id, const KeyState& state, VerifyCounts& counts) {
  const auto search = [&](uint64_t generation) {
    return Ask(
        client, "/search",
        json::object{{"collection", "texts"}, {"query", TagOf(id, generation)}, {"mode", "text"}, {"top_k", 100}});
  };
  if (state.acknowledged > 1 && !IdsOf(search(state.acknowledged - 1)).empty()) {
    counts.Note(&VerifyCounts::wrong, "a search still finds the last version but one of " + id);
  }
  if (state.acknowledged == kGone) {
    if (state.next > 1 && !IdsOf(search(state.next - 1)).empty()) {
      counts.Note(&VerifyCounts::wrong, "a search finds " + id + ", which was deleted");
    }
    return;
  }
  std::string all;
  const json::value answer = search(state.acknowledged);
  for (const json::value& hit : answer.at("hits").as_array()) {
    all += hit.at("text").as_string();
  }
  if (Squeezed(all).size() != Squeezed(TextOf(id, state.acknowledged)).size()) {
    counts.Note(&VerifyCounts::wrong, "a search for " + TagOf(id, state.acknowledged) + " does not find all of " + id);
  }
}

// The nearest by our own scan, by the server's scan and by its index.
void CheckVectorSearch(TestClient& client, const std::vector<float>& query, const Found& found, VerifyCounts& counts) {
  constexpr size_t kTop = 10;
  std::vector<std::pair<float, std::string>> scored;
  for (const auto& [id, point] : found.points) scored.emplace_back(-Cosine(query, point.vector), std::to_string(id));
  std::sort(scored.begin(), scored.end());
  json::object request = {
      {"collection", "vectors"}, {"vector", json::value_from(query)}, {"mode", "dense"}, {"top_k", kTop}};
  const std::set<std::string> indexed = IdsOf(Ask(client, "/search", request));
  request["exact"] = true;
  const std::set<std::string> exact = IdsOf(Ask(client, "/search", request));
  size_t in_exact = 0, in_index = 0;
  const size_t wanted = std::min(kTop, scored.size());
  for (size_t i = 0; i < wanted; ++i) {
    in_exact += exact.contains(scored[i].second);
    in_index += indexed.contains(scored[i].second);
  }
  if (in_exact < wanted) counts.Note(&VerifyCounts::wrong, "an exact vector search misses a point the scan has");
  if (in_index + 2 < wanted) counts.Note(&VerifyCounts::wrong, "a vector search finds fewer than 8 of the nearest 10");
}

void CheckCounts(TestClient& client, const Found& found, VerifyCounts& counts) {
  const auto count = [&](const char* collection) {
    return Ask(client, "/vectors/count", json::object{{"collection", collection}}).at("count").to_number<uint64_t>();
  };
  if (count("texts") != found.chunks) counts.Note(&VerifyCounts::wrong, "the count of chunks is not what a scan finds");
  if (count("vectors") != found.points.size()) {
    counts.Note(&VerifyCounts::wrong, "the count of points is not what a scan finds");
  }
  const json::value info = json::parse(client.Call("GET", "/collections/texts").body);
  if (info.at("documents").to_number<uint64_t>() != found.documents.size()) {
    counts.Note(&VerifyCounts::wrong, "the number of documents is not what a scan finds");
  }
}

void CheckAgainst(TestClient& client, std::vector<Writer>& writers, uint64_t seed, VerifyCounts& counts) {
  Found found = Scan(client, counts);
  CheckCounts(client, found, counts);
  std::set<std::string> documents;
  std::set<uint64_t> points;
  for (Writer& writer : writers) {
    for (auto& [id, state] : writer.documents()) {
      const auto it = found.documents.find(id);
      Settle("document " + id, it == found.documents.end() ? kGone : GenerationOf(id, it->second, state), state,
             counts);
      documents.insert(id);
    }
    for (auto& [id, state] : writer.points()) {
      const auto it = found.points.find(id);
      Settle("point " + std::to_string(id), it == found.points.end() ? kGone : GenerationOf(id, it->second, state),
             state, counts);
      points.insert(id);
    }
  }
  for (const auto& [id, document] : found.documents) {
    if (!documents.contains(id)) counts.Note(&VerifyCounts::wrong, "nobody wrote document " + id);
  }
  std::mt19937_64 random(seed);
  for (int i = 0; i < kSampledSearches; ++i) {
    Writer& sampled = writers[random() % writers.size()];
    auto& keys = sampled.documents();
    const auto it = std::next(keys.begin(), static_cast<int64_t>(random() % keys.size()));
    CheckTextSearch(client, it->first, it->second, counts);
    CheckVectorSearch(client, VectorOf(random(), 1), found, counts);
  }
}

}  // namespace

void VerifyCounts::Note(uint64_t VerifyCounts::*kind, const std::string& what) {
  ++(this->*kind);
  if (first.empty()) first = what;
}

Writer::Writer(uint32_t number, uint64_t seed) : random_(seed) {
  for (uint64_t i = 0; i < kDocumentsPerWriter; ++i) {
    documents_["d" + std::to_string(number) + "-" + std::to_string(i)];
  }
  for (uint64_t i = 0; i < kPointsPerWriter; ++i) points_[uint64_t{number} * 100'000 + i];
}

template <typename Key>
typename std::map<Key, KeyState>::iterator Writer::Any(std::map<Key, KeyState>& keys) {
  return std::next(keys.begin(), static_cast<int64_t>(random_() % keys.size()));
}

Writer::Request Writer::PutDocuments() {
  Request request{"/documents", "", {}};
  json::array documents;
  std::set<std::string> chosen;
  for (uint64_t n = 1 + random_() % 3; n > 0; --n) {
    const auto it = Any(documents_);
    if (!chosen.insert(it->first).second) continue;
    const uint64_t generation = it->second.next++;
    documents.push_back(json::object{{"id", it->first}, {"text", TextOf(it->first, generation)}});
    request.changes.push_back({&it->second, generation});
  }
  request.body = json::serialize(json::object{{"collection", "texts"},
                                              {"documents", std::move(documents)},
                                              {"chunking", {{"size_tokens", 64}, {"overlap_tokens", 0}}}});
  return request;
}

Writer::Request Writer::PutPoints() {
  Request request{"/vectors", "", {}};
  json::array points;
  std::set<uint64_t> chosen;
  for (uint64_t n = 1 + random_() % 8; n > 0; --n) {
    const auto it = Any(points_);
    if (!chosen.insert(it->first).second) continue;
    const uint64_t generation = it->second.next++;
    points.push_back(json::object{{"id", it->first},
                                  {"vector", json::value_from(VectorOf(it->first, generation))},
                                  {"text", TextOf("p" + std::to_string(it->first), generation)}});
    request.changes.push_back({&it->second, generation});
  }
  request.body = json::serialize(json::object{{"collection", "vectors"}, {"points", std::move(points)}});
  return request;
}

Writer::Request Writer::DeletePoints() {
  Request request{"/vectors/delete", "", {}};
  const auto it = Any(points_);
  request.changes.push_back({&it->second, kGone});
  request.body = json::serialize(json::object{{"collection", "vectors"}, {"ids", {it->first}}});
  return request;
}

Writer::Request Writer::DeleteDocument() {
  Request request{"/documents/delete", "", {}};
  const auto it = Any(documents_);
  request.changes.push_back({&it->second, kGone});
  request.body = json::serialize(json::object{{"collection", "texts"}, {"ids", {it->first}}});
  return request;
}

Writer::Request Writer::Next() {
  const uint64_t dice = random_() % 10;
  if (dice < 5) return PutDocuments();
  if (dice < 8) return PutPoints();
  return dice < 9 ? DeletePoints() : DeleteDocument();
}

bool Writer::Run(uint16_t port, uint64_t requests_max) {
  TestClient client(port);
  for (uint64_t i = 0; i < requests_max; ++i) {
    const Request request = Next();
    for (const Change& change : request.changes) change.key->possible.insert(change.generation);
    const Reply reply = client.Call("POST", request.target, request.body);
    if (reply.status == 0) return true;  // unknown: it may be there after the restart
    if (reply.status != 200) {
      refusal_ = request.target + " answers " + std::to_string(reply.status) + " " + reply.body;
      return false;
    }
    for (const Change& change : request.changes) {
      change.key->acknowledged = change.generation;
      change.key->possible.clear();
      ++acknowledged_;
    }
  }
  return true;
}

bool CreateCollections(uint16_t port) {
  TestClient client(port);
  const auto create = [&](const json::object& spec) {
    return client.Call("POST", "/collections", json::serialize(spec)).status == 201;
  };
  return create({{"name", "texts"}, {"dimension", 0}, {"shards", 2}}) &&
         create({{"name", "vectors"}, {"dimension", kDimension}, {"shards", 2}});
}

VerifyCounts Verify(uint16_t port, std::vector<Writer>& writers, uint64_t seed) {
  VerifyCounts counts;
  TestClient client(port);
  try {
    CheckAgainst(client, writers, seed, counts);
  } catch (const std::exception& error) {
    counts.Note(&VerifyCounts::wrong, error.what());
  }
  return counts;
}

}  // namespace rhizome::crash
