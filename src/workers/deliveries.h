// Deliveries: which messages somebody began to work on and did not end, so that one that ends its processes is found
// out. What it knows lies in the notes of the group's commits (queue/queue.h):
//
//   before a run    the group's place is committed again, with a note: up to which offset messages are begun
//   after it        the place behind it is committed, without one
//
// So whoever is given a partition and finds a note knows that everything up to there was in hand when a process ended:
// suspects. Suspects are worked on one at a time, each with its count in the note before it begins; the others are
// innocent as soon as they are done. Pure but for what it remembers; not thread-safe. Of one topic.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "queue/queue.h"

namespace rhizome::workers {

class Deliveries {
 public:
  // Whether the message follows on what was done here; if not, Learn is to be told where the group stands.
  bool Follows(const queue::Message& message) const;
  // Unreadable notes accuse nobody.
  void Learn(std::span<const queue::Position> committed);
  bool IsSuspect(const queue::Message& message) const;
  // How often a process has ended while it worked on this message alone.
  uint32_t CountOf(const queue::Message& message) const;

  // What to commit before and after a run: messages in order, a suspect alone.
  std::vector<queue::Position> Before(std::span<const queue::Message> run) const;
  std::vector<queue::Position> After(std::span<const queue::Message> run) const;
  // The run is done and After is committed.
  void Done(std::span<const queue::Message> run);
  // The group is another one: everything is to be learned again.
  void Forget() { partitions_.clear(); }

 private:
  struct Partition {
    uint64_t next = 0;                    // the offset behind what was done here
    uint64_t suspects_end = 0;            // below it: suspects
    std::map<uint64_t, uint32_t> counts;  // by offset
  };
  static std::string NoteOf(const Partition& partition);
  static bool ReadNote(std::string_view note, Partition& partition);
  Partition Of(uint32_t number) const;

  std::map<uint32_t, Partition> partitions_;
};

}  // namespace rhizome::workers
