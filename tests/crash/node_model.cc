#include "node_model.h"

#include <optional>
#include <random>

namespace rhizome::crash {
namespace {

using cluster::Node;
using cluster::SearchRequest;
using format::DeleteDocument;
using format::DeletePoint;
using format::Operation;
using format::Point;
using format::PointId;
using format::PutDocument;
using format::UpsertPoint;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

constexpr uint32_t kDimension = 8;
constexpr uint64_t kGone = 0;

std::string PointKey(uint64_t number) { return "p" + std::to_string(number); }
std::string DocumentKey(uint64_t number) { return "d" + std::to_string(number); }
PointId DocumentId(const std::string& key) { return PointId::FromString(key).value(); }

std::string TagOf(const std::string& key, uint64_t generation) { return key + "g" + std::to_string(generation); }

// Long enough for tables and logs of some pages.
std::string TextOf(const std::string& key, uint64_t generation) {
  const uint64_t length = 100 + std::mt19937_64(generation + key.back())() % 900;
  return TagOf(key, generation) + " " + std::string(length, 'x');
}

std::vector<float> VectorOf(const std::string& key, uint64_t generation) {
  std::mt19937_64 random(generation * 7919 + static_cast<uint64_t>(key.back()) * 131 + key.size());
  std::vector<float> vector(kDimension);
  for (float& value : vector) value = static_cast<float>(random() % 1000) / 1000.0F + 0.001F;
  return vector;
}

Point PointOf(PointId id, const std::string& key, uint64_t generation) {
  return {std::move(id), VectorOf(key, generation), "", TextOf(key, generation),
          R"({"generation":)" + std::to_string(generation) + "}"};
}

uint32_t ChunksOf(uint64_t generation) { return 1 + static_cast<uint32_t>(generation * 5 % 7); }

Operation Put(uint64_t number, uint64_t generation) {
  const std::string key = DocumentKey(number);
  PutDocument put;
  put.record.id = DocumentId(key);
  put.record.content_hash = {generation, number};
  put.record.chunk_count = ChunksOf(generation);
  for (uint32_t i = 0; i < put.record.chunk_count; ++i) {
    put.chunks.push_back(PointOf(PointId::OfChunk(put.record.id, i), key + "c" + std::to_string(i), generation));
  }
  return {{}, std::move(put)};
}

std::string KeyOf(const Operation& operation) {
  const bool point =
      std::holds_alternative<UpsertPoint>(operation.body) || std::holds_alternative<DeletePoint>(operation.body);
  return (point ? "p" : "") + operation.id().ToString();
}

bool IsDelete(const Operation& operation) {
  return std::holds_alternative<DeletePoint>(operation.body) || std::holds_alternative<DeleteDocument>(operation.body);
}

uint64_t GenerationIn(const Point& point) {
  const size_t colon = point.payload.find(':');
  return colon == std::string::npos ? UINT64_MAX : std::stoull(point.payload.substr(colon + 1));
}

bool SamePoint(const Point& point, const std::string& key, uint64_t generation) {
  if (point.text != TextOf(key, generation) || point.vector.size() != kDimension) return false;
  const std::vector<float> wanted = VectorOf(key, generation);
  for (size_t i = 1; i < kDimension; ++i) {  // the index keeps the direction
    if (std::abs(point.vector[i] * wanted[0] - wanted[i] * point.vector[0]) > 1e-4F) return false;
  }
  return true;
}

// The one point that a word belongs to, by the text index and by the vector index, scanned and walked.
Result<AssertionResult> IsFound(Node& node, const PointId& id, const std::string& key, uint64_t generation) {
  SearchRequest request;
  request.collection = NodeModel::kCollection;
  request.text = TagOf(key, generation);
  request.vector = VectorOf(key, generation);
  request.top_k = 1;
  for (const auto& [mode, exact] : {std::pair{cluster::SearchMode::kText, false},
                                    {cluster::SearchMode::kDense, true},
                                    {cluster::SearchMode::kDense, false}}) {
    request.mode = mode;
    request.exact = exact;
    ASSIGN_OR_RETURN(const auto found, node.Search(request));
    if (found.hits.size() == 1 && found.hits[0].id == id) continue;
    return AssertionFailure() << "search " << static_cast<int>(mode) << (exact ? " exact" : "") << " does not find "
                              << request.text;
  }
  return AssertionSuccess();
}

// All points by a scan, by id; nullopt and a message when one comes twice.
Result<std::map<std::string, Point>> ScanAll(Node& node) {
  std::map<std::string, Point> found;
  cluster::ScrollRequest request{NodeModel::kCollection, {}, 7, nullptr, true};
  do {
    ASSIGN_OR_RETURN(cluster::ScrollResponse page, node.Scroll(request));
    for (auto& view : page.points) {
      const std::string id = view.point.id.ToString();
      if (!found.try_emplace(id, std::move(view.point)).second) return Status::Internal(id + " comes twice in a scan");
    }
    request.after = page.next;
  } while (request.after);
  ASSIGN_OR_RETURN(const uint64_t count, node.Count(NodeModel::kCollection, nullptr));
  if (count != found.size()) {
    return Status::Internal("count " + std::to_string(count) + ", a scan finds " + std::to_string(found.size()));
  }
  return found;
}

}  // namespace

Status NodeModel::CreateCollection(Node& node) {
  cluster::CollectionSpec spec;
  spec.name = kCollection;
  spec.dimension = kDimension;
  spec.shards = 2;
  return node.CreateCollection(spec).status();
}

std::vector<Operation> NodeModel::OperationsOf(uint64_t step) {
  std::mt19937_64 random(step);
  const uint64_t dice = random() % 10;
  if (dice == 0) return {{{}, DeletePoint{PointId(random() % kPoints)}}};
  if (dice == 1) return {{{}, DeleteDocument{DocumentId(DocumentKey(random() % kDocuments))}}};
  if (dice < 5) return {Put(random() % kDocuments, step)};
  std::set<uint64_t> numbers;
  while (numbers.size() < 1 + dice % 4) numbers.insert(random() % kPoints);
  std::vector<Operation> operations;
  for (const uint64_t number : numbers) {
    operations.push_back({{}, UpsertPoint{PointOf(PointId(number), PointKey(number), step)}});
  }
  return operations;
}

void NodeModel::Sent(uint64_t step) {
  for (const Operation& operation : OperationsOf(step)) {
    registers_[KeyOf(operation)].possible.insert(IsDelete(operation) ? kGone : step);
  }
}

void NodeModel::Acknowledged(uint64_t step) {
  for (const Operation& operation : OperationsOf(step)) {
    registers_[KeyOf(operation)] = {IsDelete(operation) ? kGone : step, {}};
  }
}

Status NodeModel::Write(Node& node, uint64_t step) {
  const std::map<std::string, Register> before = registers_;
  Sent(step);
  const Status status = node.Write(kCollection, OperationsOf(step));
  if (status.ok()) Acknowledged(step);
  const bool unknown = status.code() == Code::kIoError || status.code() == Code::kDeadlineExceeded;
  if (!status.ok() && !unknown) registers_ = before;
  return status;
}

AssertionResult NodeModel::Allowed(const std::string& key, uint64_t generation) const {
  const auto it = registers_.find(key);
  const Register expected = it == registers_.end() ? Register{} : it->second;
  if (generation == expected.acknowledged || expected.possible.contains(generation)) return AssertionSuccess();
  return AssertionFailure() << key << " was acknowledged at " << expected.acknowledged << " and stands at "
                            << generation;
}

AssertionResult NodeModel::Holds(Node& node, int refusals_allowed) const {
  for (;; --refusals_allowed) {
    const auto result = HoldsOnce(node);
    if (result.ok()) return *result;
    if (refusals_allowed <= 0 || result.status().code() == Code::kInternal)
      return AssertionFailure() << result.status().ToString();
  }
}

Result<AssertionResult> NodeModel::HoldsOnce(Node& node) const {
  ASSIGN_OR_RETURN(auto scanned, ScanAll(node));
  for (uint64_t number = 0; number < kPoints; ++number) {
    const auto it = scanned.find(std::to_string(number));
    const uint64_t generation = it == scanned.end() ? kGone : GenerationIn(it->second);
    const std::string key = PointKey(number);
    if (auto allowed = Allowed(key, generation); !allowed) return allowed;
    if (generation == kGone) continue;
    if (!SamePoint(it->second, key, generation)) return AssertionFailure() << key << " is a mixture";
    ASSIGN_OR_RETURN(auto found, IsFound(node, PointId(number), key, generation));
    if (!found) return found;
    scanned.erase(it);
  }
  for (uint64_t number = 0; number < kDocuments; ++number) {
    const std::string key = DocumentKey(number);
    ASSIGN_OR_RETURN(const auto document, node.GetDocument(kCollection, DocumentId(key)));
    const uint64_t generation = document ? document->record.content_hash.first : kGone;
    if (auto allowed = Allowed(key, generation); !allowed) return allowed;
    for (uint32_t i = 0; generation != kGone && i < ChunksOf(generation); ++i) {
      const PointId id = PointId::OfChunk(DocumentId(key), i);
      const std::string chunk_key = key + "c" + std::to_string(i);
      const auto it = scanned.find(id.ToString());
      if (it == scanned.end()) return AssertionFailure() << "chunk " << id.ToString() << " is missing";
      if (!SamePoint(it->second, chunk_key, generation))
        return AssertionFailure() << id.ToString() << " is not its document's";
      ASSIGN_OR_RETURN(auto found, IsFound(node, id, chunk_key, generation));
      if (!found) return found;
      scanned.erase(it);
    }
  }
  if (scanned.empty()) return AssertionSuccess();
  return AssertionFailure() << scanned.begin()->first << " should not be there";
}

}  // namespace rhizome::crash
