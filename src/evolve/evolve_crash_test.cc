// Power loss at any moment of passes, undoing and deletions: a change is there with its event or not at all, what was
// acknowledged stays, and the next pass brings everything to where it was going.
#include <gtest/gtest.h>

#include <map>

#include "evolve/evolve_testing.h"
#include "io/crash_enumeration.h"

namespace rhizome::evolve {
namespace {

using format::EntityState;

constexpr const char* kNames[] = {"Forgotten Village", "Other Hamlet", "Marie Sklodowska Curie",
                                  "Marie Sklodovska Curie"};

// The steps of the story; each returns once what it did is durable.
std::vector<std::function<Status(TestMemory&, SimClock&)>> Story() {
  return {
      [](TestMemory& memory, SimClock&) {
        return memory.Write(
            {Says("a", {{kNames[0], "place"}, {kNames[1], "place"}, {kNames[2]}}), Says("b", {{kNames[3]}})});
      },
      [](TestMemory& memory, SimClock&) { return memory.evolver().Pass({}).status(); },  // merges
      [](TestMemory& memory, SimClock&) { return memory.Checkpoint(); },
      [](TestMemory& memory, SimClock& clock) {
        clock.AdvanceMs(40 * kDay);
        return memory.evolver().Pass({}).status();  // archives
      },
      [](TestMemory& memory, SimClock& clock) {
        clock.AdvanceMs(1);
        ASSIGN_OR_RETURN(const auto page, memory.graph().Events(IdOf(kNames[0]), "", 1));
        ASSIGN_OR_RETURN(const Event archived, EventOf(page.events.at(0)));
        return memory.evolver().Undo(archived.id).status();
      },
      [](TestMemory& memory, SimClock&) { return memory.Write({Forgets("a")}); },
      [](TestMemory& memory, SimClock& clock) {
        clock.AdvanceMs(1);
        return memory.evolver().Pass({}).status();  // forgets
      },
  };
}

// State and merge of each name are what its newest event says.
void ExpectEventsMatch(const TestMemory& memory, const std::string& where) {
  std::map<EntityId, Event> newest;  // of states
  std::optional<Event> merge;
  for (const Event& event : memory.Events()) {
    if (event.other) {
      if (!merge) merge = event;
    } else {
      newest.try_emplace(event.id.entity, event);
    }
  }
  for (const char* name : kNames) {
    const auto event = newest.find(IdOf(name));
    EXPECT_EQ(memory.StateOf(name), event == newest.end() ? EntityState::kActive : event->second.after)
        << name << ", " << where;
  }
  const bool merged = !memory.OneWith(kNames[2]).empty();
  if (merged) EXPECT_TRUE(merge && merge->action == Action::kMerge) << where;
}

TEST(EvolveCrash, AChangeIsThereWithItsEventOrNotAtAll) {
  io::SimDisk disk;
  const auto story = Story();
  int64_t end_ms = 0;
  {
    SimClock clock;
    const auto memory = TestMemory::Open(disk, clock).value();
    disk.StartTrace();
    for (size_t i = 0; i < story.size(); ++i) {
      const Status status = story[i](*memory, clock);
      ASSERT_TRUE(status.ok()) << "step " << i << ": " << status.ToString();
      ExpectEventsMatch(*memory, "step " + std::to_string(i));
      disk.Mark(i + 1);
    }
    ASSERT_EQ(memory->graph().counts().documents, 1u);
    end_ms = clock.WallMs();
  }
  const io::SimTrace trace = disk.trace();
  const io::CrashEnumerationOptions options = {
      .states_per_point_max = 3,
      .operations_per_point = std::max<size_t>(1, trace.operations.size() / 50),
      .directory_operations_in_order = true};  // the database needs it
  uint64_t states = 0;
  io::EnumerateCrashStates(trace, options, [&](io::SimDisk& crashed, const io::CrashPoint& point) {
    SimClock clock(end_ms);
    auto memory = TestMemory::Open(crashed, clock);
    // The simulated disk may keep a file's length and lose a sector before it, which the database does not survive.
    if (memory.status().message().find("MANIFEST") != std::string_view::npos) return;
    ASSERT_TRUE(memory.ok()) << memory.status().ToString() << " after " << point.after;
    ++states;
    const std::string where = "after step " + std::to_string(point.mark) + ", " + point.after;
    if (point.mark < 5) ExpectEventsMatch(**memory, where);  // later, events go with their entities
    if (point.mark == 2 || point.mark == 3) EXPECT_EQ((*memory)->OneWith(kNames[2]).size(), 1u) << where;
    if (point.mark == 4) EXPECT_NE((*memory)->StateOf(kNames[1]), EntityState::kActive) << where;
    // Told again, the story ends as it did.
    ASSERT_TRUE((*memory)->Write({Says("b", {{kNames[3]}}), Forgets("a")}).ok()) << where;
    const auto passed = (*memory)->evolver().Pass({});
    ASSERT_TRUE(passed.ok()) << passed.status().ToString() << ", " << where;
    for (const std::string& key : (*memory)->Keys()) {
      const auto parsed = format::ParseGraphKey(key).value();
      EXPECT_TRUE(parsed.kind == format::GraphKind::kDocument || parsed.entity == IdOf(kNames[3])) << where;
    }
    EXPECT_EQ((*memory)->Rows().find("village"), std::string::npos) << where;
  });
  EXPECT_GT(states, 60u);
}

}  // namespace
}  // namespace rhizome::evolve
