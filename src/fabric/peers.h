// Peers: what this member knows first-hand of the others: who answers, how fast, how loaded.
//
// Failure detection without coordination: every answer of a call is a sign of life, and pings fill the pauses. A
// member silent for Settings::suspect_after_ms is suspect: it is asked last, written to only as a hint, and its
// circuit is open but for pings. Suspicion is an opinion that saves time; no decision about data depends on it.
//
// A member whose durable writes take many times as long as the others' (fabric/write_pace.h; pings carry the figures)
// is slow: it is asked after all that are not, however fast it answers questions that its disk has no part in.
//
// Latency is an exponentially weighted mean and deviation (as TCP's retransmission timer, RFC 6298 §2), which orders
// replicas and says when to ask a second one. On the loop.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "base/status.h"
#include "fabric/loop.h"
#include "fabric/settings.h"
#include "fabric/topology.h"

namespace rhizome::fabric {

struct PeerView {
  bool suspect = false;
  int64_t silent_ms = 0;  // since the last answer
  double latency_ms = 0;
  double deviation_ms = 0;
  uint32_t load_permille = 0;
  uint32_t write_us = 0;  // how long a durable write takes there; 0: not known
  bool slow = false;      // many times as long as elsewhere
  bool read_only = false;
  uint64_t calls = 0;
  uint64_t failures = 0;
};

class Peers {
 public:
  Peers(Loop& loop, const Settings& settings, MemberNumber self);

  // What a call brought.
  void Answered(MemberNumber member, int64_t latency_ns);
  void Failed(MemberNumber member);
  void Loaded(MemberNumber member, uint32_t load_permille);
  // How long a durable write takes there, by its own word. Of this member itself, too, if it holds data.
  void Paced(MemberNumber member, uint32_t write_us);
  // Whether it takes writes, by its own word.
  void ReadOnly(MemberNumber member, bool read_only);
  // Forgets members that are not in the topology and begins to watch new ones, which start unsuspected.
  void Follow(const Topology& topology);

  bool Suspect(MemberNumber member) const;
  bool Slow(MemberNumber member) const;
  std::vector<MemberNumber> Suspects() const;
  PeerView View(MemberNumber member) const;
  // The members, the one to ask first in front: itself, then unsuspected ones by latency and load, then those that are
  // slow, itself among them, then suspects.
  std::vector<MemberNumber> Order(std::vector<MemberNumber> members) const;
  // After this long without an answer a second member should be asked; bounded below and above.
  int64_t HedgeDelayNs(MemberNumber member) const;
  // Called when a suspect answers again, and when a member becomes one.
  void OnReturn(std::function<void(MemberNumber)> listener) { on_return_.push_back(std::move(listener)); }

  // Members due for a ping: silent for a ping interval.
  std::vector<MemberNumber> DueForPing() const;

 private:
  struct Peer {
    int64_t heard_ns = 0;
    bool was_suspect = false;
    double latency_ms = 0;
    double deviation_ms = 0;
    uint32_t load_permille = 0;
    uint32_t write_us = 0;
    bool slow = false;
    bool read_only = false;
    uint64_t calls = 0;
    uint64_t failures = 0;
  };
  bool Silent(const Peer& peer) const;

  Loop& loop_;
  const Settings& settings_;
  const MemberNumber self_;
  std::map<MemberNumber, Peer> peers_;
  uint32_t own_write_us_ = 0;
  bool self_slow_ = false;
  std::vector<std::function<void(MemberNumber)>> on_return_;
};

}  // namespace rhizome::fabric
