// Workload: clients that read, write, delete and search through whatever member they find, and what they saw.
//
// Keys come in kinds, because each level promises something else: contended registers written and read at quorum,
// cold ones written once and perhaps deleted, some written at all and read at one, some written at one. Every write has
// a content of its own. What remains unknown is recorded as unknown.
//
// A write that was not answered is repeated with its idempotency key, perhaps through another member, and some that
// were answered come again much later, as a proxy's would. Once a request is settled, which is when a member has
// acknowledged it or a quorum read has brought what it wrote, an attempt that begins has no effect of its own. Each
// attempt that begins earlier may have one; they are recorded as so many writes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster.h"
#include "history/history.h"
#include "history/set_checker.h"

namespace rhizome::sim {

using history::Element;
using history::History;
using history::kNever;
using history::Observation;
using history::Outcome;

struct WorkloadShape {
  uint32_t clients = 5;
  uint32_t hot_keys = 5;
  uint32_t all_keys = 2;
  uint32_t one_keys = 2;
  int64_t think_ms_max = 60;
  uint64_t operations_max = UINT64_MAX;
};

struct Tally {
  uint64_t operations = 0;
  uint64_t writes = 0;
  uint64_t reads = 0;
  uint64_t searches = 0;
  uint64_t failed = 0;
  uint64_t unknown = 0;
  uint64_t retries = 0;
  uint64_t repeats_of_settled = 0;  // attempts that must have no effect
  uint64_t repeats_of_open = 0;     // attempts that may have had one beside an earlier one's
};

// What the quorum search of a process brought: key -> content.
struct Found {
  Status status;
  std::vector<std::string> keys;
};

class Workload {
 public:
  Workload(Cluster& cluster, const WorkloadShape& shape);
  ~Workload();

  // The clients begin; the collection is there.
  void Start();
  // No new operations; those under way come to their ends.
  void Finish() { finishing_ = true; }
  bool idle() const { return busy_ == 0; }

  // After everything: one quorum read of every key. `done` when all are answered.
  void ReadEverything();
  bool everything_read() const { return final_reads_left_ == 0; }

  const std::map<std::string, History>& quorum_histories() const { return quorum_; }
  const std::map<std::string, History>& all_histories() const { return all_; }
  const std::map<std::string, History>& one_histories() const { return one_; }
  const std::map<std::string, Element>& elements() const { return elements_; }
  // key -> content of the last reads.
  const std::map<std::string, uint64_t>& present() const { return present_; }
  const Tally& tally() const { return tally_; }

 private:
  enum class Kind { kHot, kCold, kAll, kOne };
  struct Client {
    uint32_t number = 0;
    Random random{0};
    std::vector<std::string> cold;  // its own, acknowledged and not deleted
  };
  struct Request;
  struct Reply;

  Task<void> RunClient(Client& client);
  Task<void> WriteSome(Client& client, Kind kind, std::vector<std::string> keys, bool remove);
  Task<void> ReadSome(Client& client, Kind kind, std::string key);
  Task<void> SearchAll(Client& client);
  Task<void> ReadFinally(std::string key, Kind kind);
  Task<void> OneColdStep(Client& client);
  // Through members of chance, until it is known how it went or patience ends.
  Task<Reply> Insist(Client& client, std::shared_ptr<Request> request, int attempts);
  Task<Reply> Attempt(Client& client, std::shared_ptr<Request> request);
  Task<void> Carry(std::shared_ptr<Process> process, std::shared_ptr<Request> request,
                   fabric::OneShot<Result<Reply>> answer);
  Task<void> CarryWrite(Process& process, Request& request, Reply& reply);
  static Task<void> CarryRead(Process& process, const Request& request, Reply& reply);
  static Task<void> CarrySearch(Process& process, Reply& reply);
  static Task<void> SearchOnce(Process& process, fabric::CollectionRecord collection, fabric::CallContext context,
                               Reply& reply);
  // A request that was answered comes once more.
  Task<void> RepeatLater(std::shared_ptr<Request> request, std::vector<Version> acknowledged, uint64_t label);
  // Content that a quorum read has brought.
  void Settle(uint64_t content);
  void RecordAttempt(const Request& request, int64_t called_ns, uint32_t client);
  void Record(const Request& request, const Reply& reply, int64_t called_ns, uint32_t client);
  std::map<std::string, History>& HistoriesOf(Kind kind);
  fabric::Level LevelOf(Kind kind, bool reading) const;
  void CheckSearch(const Reply& reply, int64_t called_ns, const std::vector<std::string>& must,
                   const std::vector<std::string>& must_not);

  Cluster& cluster_;
  World& world_;
  const WorkloadShape shape_;
  WallClock wall_;
  SimLoop loop_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::map<std::string, History> quorum_;
  std::map<std::string, History> all_;
  std::map<std::string, History> one_;
  std::map<std::string, Element> elements_;
  std::map<std::string, uint64_t> present_;
  std::map<uint64_t, std::shared_ptr<Request>> writers_;  // by content
  Tally tally_;
  uint64_t next_content_ = 1;
  uint64_t next_request_ = 1;
  uint64_t next_cold_ = 1;
  uint64_t busy_ = 0;
  uint64_t final_reads_left_ = 0;
  bool finishing_ = false;
};

}  // namespace rhizome::sim
