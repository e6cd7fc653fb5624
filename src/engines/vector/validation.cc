#include "engines/vector/validation.h"

#include <boost/json/parse.hpp>
#include <cmath>
#include <set>

#include "engines/vector/graph_index.h"

namespace rhizome::vector {
namespace {

using format::DeletePoint;
using format::Operation;
using format::Point;
using format::PutDocument;
using format::UpsertPoint;

constexpr size_t kJsonDepthMax = 64;

struct Shape {
  uint32_t dimension;
  Metric metric;
};

Status ValidateComponents(std::span<const float> vector, Shape shape) {
  if (vector.empty()) return Status::Ok();
  if (vector.size() != shape.dimension) {
    return Status::InvalidArgument("vector", "has " + std::to_string(vector.size()) + " components, the collection " +
                                                 std::to_string(shape.dimension));
  }
  for (size_t i = 0; i < vector.size(); ++i) {
    if (!std::isfinite(vector[i])) {
      return Status::InvalidArgument("vector[" + std::to_string(i) + "]", "must be a finite number");
    }
  }
  // The index's own bounds, asked before the log: what it refuses later would stop the shard at every replay.
  return ValidateVector(vector, shape.dimension, shape.metric, "vector");
}

Status ValidatePoint(const Point& point, Shape shape) {
  RETURN_IF_ERROR(ValidateComponents(point.vector, shape));
  if (point.vector.empty() && point.title.empty() && point.text.empty()) {
    return Status::InvalidArgument("vector", "a point needs a vector, a text or both");
  }
  return ParsePayload(point.payload).status();
}

Status Within(const Status& status, const std::string& prefix) {
  if (status.ok()) return status;
  const std::string field = status.field().empty() ? prefix : prefix + "." + std::string(status.field());
  return Status(status.code(), std::string(status.message()), field);
}

Status ValidateId(const Operation& operation) {
  const bool point =
      std::holds_alternative<UpsertPoint>(operation.body) || std::holds_alternative<DeletePoint>(operation.body);
  const bool chunk = operation.id().ToString().find('#') != std::string::npos;
  if (point && chunk) {
    return Status::InvalidArgument("id", "names a chunk: change or delete its document instead");
  }
  if (chunk) return Status::InvalidArgument("id", "must not contain '#', which names the chunks of documents");
  // The chunks of document 5 and of document "5" would have the same ids.
  if (!point && operation.id().is_number()) return Status::InvalidArgument("id", "of a document must not be a number");
  return Status::Ok();
}

Status ValidateOperation(const Operation& operation, Shape shape) {
  RETURN_IF_ERROR(ValidateId(operation));
  if (const auto* upsert = std::get_if<UpsertPoint>(&operation.body)) return ValidatePoint(upsert->point, shape);
  const auto* put = std::get_if<PutDocument>(&operation.body);
  if (put == nullptr) return Status::Ok();
  for (size_t i = 0; i < put->chunks.size(); ++i) {
    RETURN_IF_ERROR(Within(ValidatePoint(put->chunks[i], shape), "chunks[" + std::to_string(i) + "]"));
  }
  return Status::Ok();
}

}  // namespace

Result<boost::json::value> ParsePayload(const std::string& payload) {
  if (payload.empty()) return boost::json::value(boost::json::object());
  boost::json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(payload, error, {}, options);
  if (error) return Status::InvalidArgument("payload", "is not valid JSON: " + error.message());
  if (!value.is_object()) return Status::InvalidArgument("payload", "must be a JSON object");
  return value;
}

Status ValidateOperations(std::span<const Operation> operations, uint32_t dimension, Metric metric) {
  std::set<std::string> keys;
  for (size_t i = 0; i < operations.size(); ++i) {
    const std::string where = "operations[" + std::to_string(i) + "]";
    if (!keys.insert(operations[i].Key()).second) {
      return Status::InvalidArgument(where + ".id", "id " + operations[i].id().ToString() + " is twice in the batch");
    }
    RETURN_IF_ERROR(Within(ValidateOperation(operations[i], {dimension, metric}), where));
  }
  return Status::Ok();
}

}  // namespace rhizome::vector
