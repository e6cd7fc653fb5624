#include "evolve/event.h"

#include <fmt/format.h>

#include <charconv>

namespace rhizome::evolve {
namespace {

constexpr uint8_t kEventFormat = 1;
constexpr uint8_t kHasOther = 1, kHasUndoes = 2;

[[nodiscard]] bool GetId(format::Decoder& in, EventId& id) {
  return format::GetEntityId(in, id.entity) && in.I64(id.at_ms) && in.U64(id.number);
}

[[nodiscard]] bool GetScore(format::Decoder& in, Score& score) {
  return in.Double(score.age_days) && in.Double(score.recency) && in.Double(score.frequency) && in.Double(score.rank) &&
         in.Double(score.explicit_importance) && in.Double(score.importance) && in.Double(score.strength);
}

[[nodiscard]] bool GetState(format::Decoder& in, format::EntityState& state) {
  uint8_t byte = 0;
  if (!in.U8(byte) || byte > static_cast<uint8_t>(format::EntityState::kDeleted)) return false;
  state = static_cast<format::EntityState>(byte);
  return true;
}

[[nodiscard]] bool GetBody(format::Decoder& in, Event& event) {
  uint8_t version = 0, action = 0, actor = 0, flags = 0, cause = 0;
  if (!in.U8(version) || version != kEventFormat || !in.U8(action) || !in.U8(actor) || !in.U8(flags) || flags > 3 ||
      !in.U8(cause) || cause > static_cast<uint8_t>(format::MergeCause::kAlias)) {
    return false;
  }
  if (action < 1 || action > static_cast<uint8_t>(Action::kRestore) || actor < 1 ||
      actor > static_cast<uint8_t>(Actor::kQuery)) {
    return false;
  }
  event.action = static_cast<Action>(action);
  event.actor = static_cast<Actor>(actor);
  event.cause = static_cast<format::MergeCause>(cause);
  if (!GetState(in, event.before) || !GetState(in, event.after) || !GetScore(in, event.score) ||
      !in.Bytes(event.plan)) {
    return false;
  }
  if ((flags & kHasOther) != 0 && !format::GetEntityId(in, event.other.emplace())) return false;
  return (flags & kHasUndoes) == 0 || GetId(in, event.undoes.emplace());
}

[[nodiscard]] bool ParseHex(std::string_view text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string_view ActionName(Action action) {
  switch (action) {
    case Action::kMerge: return "merge";
    case Action::kSplit: return "split";
    case Action::kArchive: return "archive";
    case Action::kDelete: return "delete";
    case Action::kRestore: return "restore";
  }
  return "";
}

std::string_view ActorName(Actor actor) {
  switch (actor) {
    case Actor::kPass: return "pass";
    case Actor::kHand: return "hand";
    case Actor::kQuery: return "query";
  }
  return "";
}

std::string EventId::ToString() const {
  return fmt::format("{}-{:x}-{:x}", entity.ToString(), static_cast<uint64_t>(at_ms), number);
}

std::optional<EventId> EventId::Parse(std::string_view text) {
  const size_t first = text.find('-'), last = text.rfind('-');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  const auto entity = EntityId::Parse(text.substr(0, first));
  uint64_t at = 0, number = 0;
  if (!entity || !ParseHex(text.substr(first + 1, last - first - 1), at) || !ParseHex(text.substr(last + 1), number)) {
    return std::nullopt;
  }
  return EventId{*entity, static_cast<int64_t>(at), number};
}

format::PutEvent PutEventOf(const Event& event) {
  format::PutEvent put{event.id.entity, event.id.at_ms, event.id.number, {}};
  std::string& out = put.body;
  format::PutU8(out, kEventFormat);
  format::PutU8(out, static_cast<uint8_t>(event.action));
  format::PutU8(out, static_cast<uint8_t>(event.actor));
  format::PutU8(out, static_cast<uint8_t>((event.other ? kHasOther : 0) | (event.undoes ? kHasUndoes : 0)));
  format::PutU8(out, static_cast<uint8_t>(event.cause));
  format::PutU8(out, static_cast<uint8_t>(event.before));
  format::PutU8(out, static_cast<uint8_t>(event.after));
  for (const double value : {event.score.age_days, event.score.recency, event.score.frequency, event.score.rank,
                             event.score.explicit_importance, event.score.importance, event.score.strength}) {
    format::PutDouble(out, value);
  }
  format::PutBytes(out, event.plan);
  if (event.other) format::PutEntityId(out, *event.other);
  if (event.undoes) {
    format::PutEntityId(out, event.undoes->entity);
    format::PutI64(out, event.undoes->at_ms);
    format::PutU64(out, event.undoes->number);
  }
  return put;
}

Result<Event> EventOf(const format::PutEvent& put) {
  Event event;
  event.id = {put.entity, put.at_ms, put.number};
  format::Decoder in(put.body);
  if (!GetBody(in, event)) return in.Failure("event of a graph");
  RETURN_IF_ERROR(in.Finish("event of a graph"));
  return event;
}

}  // namespace rhizome::evolve
