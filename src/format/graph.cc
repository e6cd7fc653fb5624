#include "format/graph.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "format/coding.h"
#include "format/graph_key.h"
#include "format/identity.h"

namespace rhizome::format {
namespace {

constexpr uint8_t kBatchFormat = 1;
constexpr uint64_t kFactSeed = 0x46414354;  // "FACT"; fixed for ever
constexpr size_t kOperationBytesMin = 24;   // version, tombstone, key of nine bytes, an empty value
constexpr uint8_t kHasFrom = 1, kHasUntil = 2, kHasWeight = 4, kHasConfidence = 8;

// Ascending numbers as differences.
void PutAscending(std::string& out, const std::vector<uint32_t>& numbers) {
  PutVarint(out, numbers.size());
  uint64_t next = 0;
  for (const uint32_t number : numbers) {
    PutVarint(out, number - next);
    next = uint64_t{number} + 1;
  }
}

[[nodiscard]] bool GetNext(Decoder& in, uint64_t& next, uint32_t& number) {
  uint64_t step = 0;
  if (next > UINT32_MAX || !in.Varint(step, UINT32_MAX - next)) return false;
  number = static_cast<uint32_t>(next + step);
  next = uint64_t{number} + 1;
  return true;
}

[[nodiscard]] bool GetAscending(Decoder& in, std::vector<uint32_t>& numbers) {
  uint64_t count = 0, next = 0;
  if (!in.Count(count, 1)) return false;
  numbers.resize(count);
  for (uint32_t& number : numbers) {
    if (!GetNext(in, next, number)) return false;
  }
  return true;
}

void PutEntity(std::string& out, const DerivedEntity& entity) {
  PutBytes(out, entity.name);
  PutBytes(out, entity.surface);
  PutBytes(out, entity.type);
  PutVarint(out, entity.aliases.size());
  for (const std::string& alias : entity.aliases) PutBytes(out, alias);
  PutVarint(out, entity.mentions.size());
  uint64_t next = 0;
  for (const ChunkCount& mention : entity.mentions) {
    PutVarint(out, mention.chunk - next);
    PutVarint(out, mention.count);
    next = uint64_t{mention.chunk} + 1;
  }
}

[[nodiscard]] bool GetEntity(Decoder& in, DerivedEntity& entity) {
  uint64_t count = 0, next = 0;
  if (!in.Bytes(entity.name) || !in.Bytes(entity.surface) || !in.Bytes(entity.type) || !in.Count(count, 1)) {
    return false;
  }
  entity.aliases.resize(count);
  for (std::string& alias : entity.aliases) {
    if (!in.Bytes(alias)) return false;
  }
  if (!in.Count(count, 2)) return false;
  entity.mentions.resize(count);
  for (ChunkCount& mention : entity.mentions) {
    uint64_t times = 0;
    if (!GetNext(in, next, mention.chunk) || !in.Varint(times, UINT32_MAX)) return false;
    mention.count = static_cast<uint32_t>(times);
  }
  return true;
}

void PutFact(std::string& out, const DerivedFact& fact) {
  PutVarint(out, fact.source);
  PutVarint(out, fact.target);
  PutBytes(out, fact.type);
  const bool weight = fact.weight != 1, confidence = fact.confidence != 1;
  const bool from = fact.valid_from != kAlways, until = fact.valid_until != kForever;
  PutU8(out, static_cast<uint8_t>((from ? kHasFrom : 0) | (until ? kHasUntil : 0) | (weight ? kHasWeight : 0) |
                                  (confidence ? kHasConfidence : 0)));
  if (from) PutI64(out, fact.valid_from);
  if (until) PutI64(out, fact.valid_until);
  if (weight) PutFloat(out, fact.weight);
  if (confidence) PutFloat(out, fact.confidence);
  PutAscending(out, fact.chunks);
}

// What is there must differ from what its absence says: one value has one encoding.
[[nodiscard]] bool GetFact(Decoder& in, size_t entities, DerivedFact& fact) {
  uint64_t source = 0, target = 0;
  uint8_t flags = 0;
  if (!in.Varint(source) || !in.Varint(target) || source >= entities || target >= entities || !in.Bytes(fact.type) ||
      !in.U8(flags) || flags > 15) {
    return false;
  }
  fact.source = static_cast<uint32_t>(source);
  fact.target = static_cast<uint32_t>(target);
  if ((flags & kHasFrom) != 0 && (!in.I64(fact.valid_from) || fact.valid_from == kAlways)) return false;
  if ((flags & kHasUntil) != 0 && (!in.I64(fact.valid_until) || fact.valid_until == kForever)) return false;
  if ((flags & kHasWeight) != 0 && (!in.Float(fact.weight) || fact.weight == 1)) return false;
  if ((flags & kHasConfidence) != 0 && (!in.Float(fact.confidence) || fact.confidence == 1)) return false;
  return GetAscending(in, fact.chunks);
}

void PutDerivationBytes(std::string& out, const Derivation& derivation) {
  out.reserve(out.size() + 64 * derivation.entities.size() + 32 * derivation.facts.size() + 16);  // about
  PutVarint(out, derivation.entities.size());
  for (const DerivedEntity& entity : derivation.entities) PutEntity(out, entity);
  PutVarint(out, derivation.facts.size());
  for (const DerivedFact& fact : derivation.facts) PutFact(out, fact);
}

[[nodiscard]] bool GetDerivation(Decoder& in, Derivation& derivation) {
  uint64_t count = 0;
  if (!in.Count(count, 5)) return false;
  derivation.entities.resize(count);
  for (DerivedEntity& entity : derivation.entities) {
    if (!GetEntity(in, entity)) return false;
  }
  if (!in.Count(count, 5)) return false;
  derivation.facts.resize(count);
  for (DerivedFact& fact : derivation.facts) {
    if (!GetFact(in, derivation.entities.size(), fact)) return false;
  }
  return true;
}

void PutFactId(std::string& out, const FactId& id) {
  PutU64(out, id.origin);
  PutU64(out, id.fact);
}

[[nodiscard]] bool GetBool(Decoder& in, bool& value) {
  uint8_t byte = 0;
  if (!in.U8(byte) || byte > 1) return false;
  value = byte == 1;
  return true;
}

void PutValue(std::string& out, const PutDerivation& body) { PutDerivationBytes(out, body.derivation); }
void PutValue(std::string& out, const PutAlias& body) { PutU8(out, body.active ? 1 : 0); }
void PutValue(std::string& out, const PutMerge& body) {
  PutU8(out, static_cast<uint8_t>((body.active ? 1 : 0) | static_cast<uint8_t>(body.cause) << 1));
}
void PutValue(std::string&, const DeleteRegister&) {}

void PutValue(std::string& out, const PutClosure& body) {
  PutU8(out, body.closed ? 1 : 0);
  PutI64(out, body.valid_until);
  PutU8(out, body.superseded_by ? 1 : 0);
  if (body.superseded_by) PutFactId(out, *body.superseded_by);
}

void PutValue(std::string& out, const PutProperty& body) {
  switch (body.field()) {
    case PropertyField::kDescription: return PutBytes(out, std::get<std::string>(body.value));
    case PropertyField::kImportance: return PutFloat(out, std::get<float>(body.value));
    case PropertyField::kCritical: return PutU8(out, std::get<bool>(body.value) ? 1 : 0);
    case PropertyField::kState: return PutU8(out, static_cast<uint8_t>(std::get<EntityState>(body.value)));
  }
}

void PutValue(std::string& out, const PutEvent& body) { PutBytes(out, body.body); }

void PutValue(std::string& out, const CountAccess& body) {
  PutU64(out, body.count);
  PutI64(out, body.last_ms);
}

[[nodiscard]] bool GetClosure(Decoder& in, PutClosure& body) {
  bool superseded = false;
  if (!GetBool(in, body.closed) || !in.I64(body.valid_until) || !GetBool(in, superseded)) return false;
  if (!superseded) return true;
  FactId& by = body.superseded_by.emplace();
  return in.U64(by.origin) && in.U64(by.fact);
}

[[nodiscard]] bool GetProperty(Decoder& in, PropertyField field, PropertyValue& value) {
  uint8_t state = 0;
  switch (field) {
    case PropertyField::kDescription: return in.Bytes(value.emplace<std::string>());
    case PropertyField::kImportance: return in.Float(value.emplace<float>());
    case PropertyField::kCritical: return GetBool(in, value.emplace<bool>());
    case PropertyField::kState:
      if (!in.U8(state) || state > static_cast<uint8_t>(EntityState::kDeleted)) return false;
      value = static_cast<EntityState>(state);
      return true;
  }
  return false;
}

[[nodiscard]] bool GetMerge(Decoder& in, PutMerge& body) {
  uint8_t byte = 0;
  if (!in.U8(byte) || byte >> 1 > static_cast<uint8_t>(MergeCause::kAlias)) return false;
  body.active = (byte & 1) != 0;
  body.cause = static_cast<MergeCause>(byte >> 1);
  return true;
}

[[nodiscard]] bool GetValue(Decoder& in, GraphKey&& key, GraphBody& body) {
  switch (key.kind) {
    case GraphKind::kDocument:
    case GraphKind::kFact: {
      auto& put = body.emplace<PutDerivation>();
      put.origin = std::move(key.origin);
      return GetDerivation(in, put.derivation);
    }
    case GraphKind::kClosure: {
      auto& put = body.emplace<PutClosure>(PutClosure{std::move(key.origin), key.fact});
      return GetClosure(in, put);
    }
    case GraphKind::kProperty: {
      auto& put = body.emplace<PutProperty>(PutProperty{key.entity, std::string()});
      return GetProperty(in, key.field, put.value);
    }
    case GraphKind::kAlias: {
      auto& put = body.emplace<PutAlias>(PutAlias{key.entity, std::move(key.alias)});
      return GetBool(in, put.active);
    }
    case GraphKind::kMerge: {
      auto& put = body.emplace<PutMerge>(PutMerge{key.entity, key.other});
      return GetMerge(in, put);
    }
    case GraphKind::kEvent: {
      auto& put = body.emplace<PutEvent>(PutEvent{key.entity, key.at_ms, key.number, {}});
      return in.Bytes(put.body);
    }
    case GraphKind::kAccess: {
      auto& put = body.emplace<CountAccess>(CountAccess{key.entity, key.node});
      return in.U64(put.count) && in.I64(put.last_ms);
    }
  }
  return false;
}

[[nodiscard]] bool GetOperation(Decoder& in, GraphOperation& operation) {
  bool tombstone = false;
  std::string_view key;
  if (!GetVersion(in, operation.version) || !GetBool(in, tombstone) || !in.Bytes(key, kGraphKeyBytesMax)) return false;
  Result<GraphKey> parsed = ParseGraphKey(key);
  if (!parsed.ok() || parsed->replaced != Version{}) return false;
  if (!tombstone) return GetValue(in, std::move(*parsed), operation.body);
  operation.body = DeleteRegister{std::string(key)};
  return true;
}

struct KeyOf {
  std::string operator()(const PutDerivation& body) const { return GraphKeyOf(body.origin); }
  std::string operator()(const PutClosure& body) const { return ClosureKeyOf(body.origin, body.fact); }
  std::string operator()(const PutProperty& body) const { return PropertyKeyOf(body.entity, body.field()); }
  std::string operator()(const PutAlias& body) const { return AliasKeyOf(body.entity, body.alias); }
  std::string operator()(const PutMerge& body) const { return MergeKeyOf(body.a, body.b); }
  std::string operator()(const PutEvent& body) const { return EventKeyOf(body.entity, body.at_ms, body.number); }
  std::string operator()(const CountAccess& body) const { return AccessKeyOf(body.entity, body.node); }
  std::string operator()(const DeleteRegister& body) const { return body.key; }
};

}  // namespace

FactId Derivation::IdOf(const GraphOrigin& origin, size_t position) const {
  if (origin.kind == GraphOrigin::Kind::kFact) return {origin.Hash(), 0};
  const DerivedFact& fact = facts[position];
  std::string bytes = EntityIdOf(entities[fact.source].name).Encode();
  bytes += EntityIdOf(entities[fact.target].name).Encode();
  PutI64(bytes, fact.valid_from);
  bytes += fact.type;
  return {origin.Hash(), Checksum(bytes, kFactSeed)};
}

std::string FactId::ToString() const { return EntityId{origin, fact}.ToString(); }

std::optional<FactId> FactId::Parse(std::string_view text) {
  const std::optional<EntityId> halves = EntityId::Parse(text);
  return halves ? std::optional<FactId>({halves->high, halves->low}) : std::nullopt;
}

std::string GraphOperation::Key() const { return std::visit(KeyOf{}, body); }

std::string EncodeDerivation(const Derivation& derivation) {
  std::string out;
  PutDerivationBytes(out, derivation);
  return out;
}

Result<Derivation> DecodeDerivation(std::string_view bytes) {
  Decoder in(bytes);
  Derivation derivation;
  if (!GetDerivation(in, derivation)) return in.Failure("derivation");
  RETURN_IF_ERROR(in.Finish("derivation"));
  return derivation;
}

std::string EncodeGraphValue(const GraphBody& body) {
  std::string out;
  std::visit([&out](const auto& value) { PutValue(out, value); }, body);
  return out;
}

Result<GraphBody> DecodeGraphValue(std::string_view key, std::string_view bytes) {
  ASSIGN_OR_RETURN(GraphKey parsed, ParseGraphKey(key));
  Decoder in(bytes);
  GraphBody body;
  if (!GetValue(in, std::move(parsed), body)) return in.Failure("value of a graph's register");
  RETURN_IF_ERROR(in.Finish("value of a graph's register"));
  return body;
}

std::string EncodeGraphBatch(std::span<const GraphOperation> operations) {
  std::string out;
  PutU8(out, kBatchFormat);
  PutVarint(out, operations.size());
  for (const GraphOperation& operation : operations) {
    PutVersion(out, operation.version);
    PutU8(out, std::holds_alternative<DeleteRegister>(operation.body) ? 1 : 0);
    PutBytes(out, operation.Key());
    std::visit([&out](const auto& value) { PutValue(out, value); }, operation.body);
  }
  return out;
}

Result<std::vector<GraphOperation>> DecodeGraphBatch(std::string_view bytes) {
  Decoder in(bytes);
  uint8_t format = 0;
  uint64_t count = 0;
  if (!in.U8(format) || format != kBatchFormat || !in.Count(count, kOperationBytesMin)) {
    return in.Failure("graph batch");
  }
  std::vector<GraphOperation> operations(count);
  for (GraphOperation& operation : operations) {
    if (!GetOperation(in, operation)) return in.Failure("graph batch");
  }
  RETURN_IF_ERROR(in.Finish("graph batch"));
  return operations;
}

}  // namespace rhizome::format
