#include "engines/graph/validation.h"

#include <cmath>
#include <string>
#include <tuple>
#include <unordered_map>

#include "base/utf8.h"
#include "format/entity_name.h"
#include "format/graph_key.h"

namespace rhizome::graph {
namespace {

using format::Derivation;
using format::DerivedEntity;
using format::DerivedFact;
using format::GraphOperation;
using format::GraphOrigin;

// Where in the operations something is; made into text only when it is at fault.
struct Path {
  const Path* parent;
  std::string_view name;
  int64_t index = -1;

  Path In(std::string_view part, size_t at) const { return {this, part, static_cast<int64_t>(at)}; }
  Path In(std::string_view part) const { return {this, part}; }
  std::string Text() const {
    std::string text = parent == nullptr ? std::string() : parent->Text() + ".";
    text += name;
    return index < 0 ? text : text + "[" + std::to_string(index) + "]";
  }
};
Status Wrong(const Path& path, std::string why) { return Status::InvalidArgument(path.Text(), std::move(why)); }

Status CheckText(const Path& field, std::string_view text, size_t bytes_max, bool empty_allowed = true) {
  if (text.empty() && !empty_allowed) return Wrong(field, "must not be empty");
  if (text.size() > bytes_max) {
    return Status::TooLarge(field.Text(), "is longer than " + std::to_string(bytes_max) + " bytes");
  }
  return IsUtf8(text) ? Status::Ok() : Wrong(field, "is not UTF-8");
}

// Small letters and digits in words one space apart: what nearly every name is, and normal for certain.
bool IsPlain(std::string_view name) {
  char before = ' ';
  for (const char c : name) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!word && (c != ' ' || before == ' ')) return false;
    before = c;
  }
  return before != ' ';
}

Status CheckName(const Path& field, std::string_view name) {
  RETURN_IF_ERROR(CheckText(field, name, kNameBytesMax, false));
  return IsPlain(name) || format::EntityName(name) == name ? Status::Ok() : Wrong(field, "is not a normalised name");
}

Status CheckCount(const Path& field, size_t count, size_t count_max) {
  return count <= count_max ? Status::Ok()
                            : Status::TooLarge(field.Text(), "holds " + std::to_string(count) + " entries, of " +
                                                                 std::to_string(count_max) + " allowed");
}

Status CheckEntity(const Path& field, const DerivedEntity& entity) {
  RETURN_IF_ERROR(CheckName(field.In("name"), entity.name));
  RETURN_IF_ERROR(CheckText(field.In("surface"), entity.surface, kNameBytesMax));
  RETURN_IF_ERROR(CheckText(field.In("type"), entity.type, kTypeBytesMax));
  RETURN_IF_ERROR(CheckCount(field.In("aliases"), entity.aliases.size(), kAliasesMax));
  for (size_t i = 0; i < entity.aliases.size(); ++i) {
    const Path place = field.In("aliases", i);
    RETURN_IF_ERROR(CheckName(place, entity.aliases[i]));
    if (entity.aliases[i] == entity.name) return Wrong(place, "is the entity's name");
    if (i > 0 && entity.aliases[i - 1] >= entity.aliases[i]) {
      return Wrong(place, "does not ascend");
    }
  }
  for (size_t i = 0; i < entity.mentions.size(); ++i) {
    if (entity.mentions[i].count == 0) return Wrong(field.In("mentions", i).In("count"), "must be at least 1");
    if (i > 0 && entity.mentions[i - 1].chunk >= entity.mentions[i].chunk) {
      return Wrong(field.In("mentions", i).In("chunk"), "does not ascend");
    }
  }
  return Status::Ok();
}

Status CheckNumber(const Path& field, float value, float value_max) {
  if (std::isfinite(value) && value >= 0 && value <= value_max) return Status::Ok();
  return Wrong(field, value_max == 1 ? "must be a number from 0 to 1" : "must be a finite number, not negative");
}

Status CheckFact(const Path& field, const DerivedFact& fact, size_t entities) {
  if (fact.source >= entities) return Wrong(field.In("source"), "is no entity of the derivation");
  if (fact.target >= entities) return Wrong(field.In("target"), "is no entity of the derivation");
  RETURN_IF_ERROR(CheckText(field.In("type"), fact.type, kTypeBytesMax, false));
  RETURN_IF_ERROR(CheckNumber(field.In("weight"), fact.weight, std::numeric_limits<float>::max()));
  RETURN_IF_ERROR(CheckNumber(field.In("confidence"), fact.confidence, 1));
  if (fact.valid_until <= fact.valid_from) {
    return Wrong(field.In("valid_until"), "must be later than valid_from");
  }
  RETURN_IF_ERROR(CheckCount(field.In("chunks"), fact.chunks.size(), kFactChunksMax));
  for (size_t i = 1; i < fact.chunks.size(); ++i) {
    if (fact.chunks[i - 1] >= fact.chunks[i]) {
      return Wrong(field.In("chunks", i), "does not ascend");
    }
  }
  return Status::Ok();
}

Status CheckMentions(const Path& field, const Derivation& derivation) {
  std::unordered_map<uint32_t, size_t> of_chunk;
  size_t all = 0;
  for (const DerivedEntity& entity : derivation.entities) {
    all += entity.mentions.size();
    RETURN_IF_ERROR(CheckCount(field.In("entities[].mentions"), all, kMentionsMax));
    if (derivation.entities.size() <= kChunkMentionsMax) continue;
    for (const format::ChunkCount& mention : entity.mentions) {
      RETURN_IF_ERROR(CheckCount(field.In("chunks", mention.chunk), ++of_chunk[mention.chunk], kChunkMentionsMax));
    }
  }
  return Status::Ok();
}

Status CheckDerivation(const Path& field, const Derivation& derivation) {
  RETURN_IF_ERROR(CheckCount(field.In("entities"), derivation.entities.size(), kEntitiesMax));
  RETURN_IF_ERROR(CheckCount(field.In("facts"), derivation.facts.size(), kFactsMax));
  for (size_t i = 0; i < derivation.entities.size(); ++i) {
    const Path place = field.In("entities", i);
    RETURN_IF_ERROR(CheckEntity(place, derivation.entities[i]));
    if (i > 0 && derivation.entities[i - 1].name >= derivation.entities[i].name) {
      return Wrong(place.In("name"), "does not ascend");
    }
  }
  RETURN_IF_ERROR(CheckMentions(field, derivation));
  for (size_t i = 0; i < derivation.facts.size(); ++i) {
    const Path place = field.In("facts", i);
    const DerivedFact& fact = derivation.facts[i];
    RETURN_IF_ERROR(CheckFact(place, fact, derivation.entities.size()));
    if (i == 0) continue;
    const DerivedFact& before = derivation.facts[i - 1];
    if (std::tie(before.source, before.type, before.target, before.valid_from) >=
        std::tie(fact.source, fact.type, fact.target, fact.valid_from)) {
      return Wrong(place, "does not ascend by source, type, target and valid_from");
    }
  }
  return Status::Ok();
}

// A client's fact names the two entities it is about, and nothing more.
Status CheckClientFact(const Path& field, const Derivation& derivation) {
  if (derivation.facts.size() != 1) return Wrong(field.In("facts"), "must be one, of a client's fact");
  const DerivedFact& fact = derivation.facts[0];
  const size_t ends = fact.source == fact.target ? 1 : 2;
  if (derivation.entities.size() != ends) {
    return Wrong(field.In("entities"), "must be those that a client's fact is about");
  }
  for (size_t i = 0; i < ends; ++i) {
    if (derivation.entities[i].mentions.empty()) continue;
    return Wrong(field.In("entities", i).In("mentions"), "a client's fact has none");
  }
  return fact.chunks.empty() ? Status::Ok() : Wrong(field.In("facts", 0).In("chunks"), "a client's fact has none");
}

struct BodyCheck {
  const Path& field;

  Status operator()(const format::PutDerivation& body) const {
    const Path place = field.In("derivation");
    RETURN_IF_ERROR(CheckDerivation(place, body.derivation));
    return body.origin.kind == GraphOrigin::Kind::kFact ? CheckClientFact(place, body.derivation) : Status::Ok();
  }
  Status operator()(const format::PutClosure& body) const {
    if (body.closed) return Status::Ok();
    return body.valid_until == format::kForever && !body.superseded_by
               ? Status::Ok()
               : Wrong(field.In("closed"), "a fact that is open has no end and no successor");
  }
  Status operator()(const format::PutProperty& body) const {
    if (const auto* text = std::get_if<std::string>(&body.value)) {
      return CheckText(field.In("value"), *text, kDescriptionBytesMax);
    }
    if (const auto* number = std::get_if<float>(&body.value)) return CheckNumber(field.In("value"), *number, 1);
    return Status::Ok();
  }
  Status operator()(const format::PutAlias& body) const { return CheckName(field.In("alias"), body.alias); }
  Status operator()(const format::PutMerge& body) const {
    return body.a != body.b ? Status::Ok() : Wrong(field.In("b"), "is the same entity");
  }
  Status operator()(const format::PutEvent& body) const {
    if (body.at_ms < 0) return Wrong(field.In("at_ms"), "must not be negative");
    if (body.body.size() <= kEventBytesMax) return Status::Ok();
    return Status::TooLarge(field.In("body").Text(), "is longer than " + std::to_string(kEventBytesMax) + " bytes");
  }
  Status operator()(const format::CountAccess& body) const {
    return body.count > 0 ? Status::Ok() : Wrong(field.In("count"), "must be at least 1");
  }
  Status operator()(const format::DeleteRegister& body) const {
    const Result<format::GraphKey> key = format::ParseGraphKey(body.key);
    if (!key.ok()) return Wrong(field.In("key"), std::string(key.status().message()));
    if (key->kind == format::GraphKind::kAccess || key->replaced != Version{}) {
      return Wrong(field.In("key"), "is not of a register that can be deleted");
    }
    return Status::Ok();
  }
};

// An origin's id is a document's, never a chunk's; its key is what the database keeps.
Status CheckKey(const Path& field, const GraphOperation& operation) {
  if (std::holds_alternative<format::DeleteRegister>(operation.body)) return Status::Ok();
  const Result<format::GraphKey> key = format::ParseGraphKey(operation.Key());
  return key.ok() ? Status::Ok() : Wrong(field.In("origin"), std::string(key.status().message()));
}

}  // namespace

Status ValidateGraphOperations(std::span<const GraphOperation> operations) {
  RETURN_IF_ERROR(CheckCount(Path{nullptr, "operations"}, operations.size(), kOperationsMax));
  for (size_t i = 0; i < operations.size(); ++i) {
    const Path field{nullptr, "operations", static_cast<int64_t>(i)};
    RETURN_IF_ERROR(std::visit(BodyCheck{field}, operations[i].body));
    RETURN_IF_ERROR(CheckKey(field, operations[i]));
  }
  return Status::Ok();
}

}  // namespace rhizome::graph
