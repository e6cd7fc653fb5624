// What can be set about a member's behaviour in the cluster. Times are milliseconds of its own clock.
#pragma once

#include <cstdint>

namespace rhizome::fabric {

struct Settings {
  // Coordination.
  int64_t lease_ttl_ms = 5'000;         // a member without a renewed lease counts as dead after this
  int64_t refresh_interval_ms = 1'000;  // the topology is listed again at least so often
  // Peers.
  int64_t ping_interval_ms = 150;
  int64_t suspect_after_ms = 600;           // without an answer
  int64_t write_probe_interval_ms = 2'000;  // a member that had nothing to write tries its disk so often
  int64_t call_timeout_ms = 2'000;          // of one exchange, at most what is left of the request
  // Healing.
  uint32_t hint_keys_max = 100'000;     // for one absent member; beyond it repair has to find what is missing
  uint64_t hint_bytes_max = 64U << 20;  // of records for all absent members together
  int64_t hint_age_max_ms = 600'000;    // less than tombstone_grace_ms
  int64_t repair_interval_ms = 30'000;  // between two comparisons of a shard with a co-owner
  int64_t repair_rest = 3;              // times as long as each page took, …
  int64_t repair_pause_ms = 5;          // … and so long at least
  uint32_t repair_page_keys = 250;      // foreground writes of the shard wait for a page's being applied
  // A tombstone this old goes once every owner is known to have it. Longer than requests are remembered (a day): a
  // repeated one may then write again what nobody has, and brings nothing back.
  int64_t tombstone_grace_ms = 26 * 3'600'000;
  int64_t tombstone_interval_ms = 60'000;
  int64_t drop_grace_ms = 30'000;  // a replica that nobody owns any more is kept this long
  // The leader.
  int64_t leader_interval_ms = 500;
  int64_t replace_after_ms = 0;  // a member dead for so long is replaced; 0: only when an operator says so
  uint32_t concurrent_moves = 4;
  uint32_t moves_per_member = 2;
};

}  // namespace rhizome::fabric
