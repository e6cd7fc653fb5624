// Event: what evolution did to an entity, when and why: the audit trail. Kept as a register of the graph beside the one
// it tells of, in the same batch, so a change is there with its event or not at all (format::PutEvent).
//
// An event names entities by their ids only: names are looked up when it is shown, so it says nothing that only a
// deleted document said, and it goes with its entity (evolve/sweep.h). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "evolve/importance.h"
#include "format/graph.h"

namespace rhizome::evolve {

using format::EntityId;

enum class Action : uint8_t {
  kMerge = 1,    // entity and other are one
  kSplit = 2,    // no longer
  kArchive = 3,  // the state goes from before to after, as in the next two
  kDelete = 4,   // softly: everything is still there
  kRestore = 5,
};
// "merge"; stable.
std::string_view ActionName(Action action);

enum class Actor : uint8_t { kPass = 1, kHand = 2, kQuery = 3 };
std::string_view ActorName(Actor actor);

struct EventId {
  EntityId entity;  // of a merge the smaller
  int64_t at_ms = 0;
  uint64_t number = 0;
  auto operator<=>(const EventId&) const = default;
  std::string ToString() const;
  static std::optional<EventId> Parse(std::string_view text);
};

struct Event {
  EventId id;
  Action action = Action::kMerge;
  Actor actor = Actor::kPass;
  std::optional<EntityId> other = std::nullopt;  // of a merge the larger
  format::MergeCause cause = format::MergeCause::kHand;
  format::EntityState before = format::EntityState::kActive;
  format::EntityState after = format::EntityState::kActive;
  Score score = {};
  std::string plan = {};                         // its id; "": none
  std::optional<EventId> undoes = std::nullopt;  // what it takes back
  bool operator==(const Event&) const = default;
};

format::PutEvent PutEventOf(const Event& event);
// Corruption when the bytes are no event's.
Result<Event> EventOf(const format::PutEvent& put);

}  // namespace rhizome::evolve
