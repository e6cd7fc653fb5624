// SampleLoad: clients that append samples to a collection of series at quorum and ask for all of them at quorum,
// through whatever member they find. Each sample says a number of its own, so that it is known what was lost.
//
// A sample that was not acknowledged may be there or not; one that was has to be in every quorum answer that begins
// afterwards, and in every replica in the end.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster.h"

namespace rhizome::sim {

struct SampleTally {
  uint64_t sent = 0;
  uint64_t acknowledged = 0;
  uint64_t answers = 0;  // of questions
};

class SampleLoad {
 public:
  static constexpr const char* kCollection = "metrics";

  SampleLoad(Cluster& cluster, uint32_t clients);
  ~SampleLoad();

  void Start();
  void Finish() { finishing_ = true; }
  bool idle() const { return busy_ == 0; }
  // After everything has come to rest: "", or what a replica lacks or has too much.
  std::string Check();
  const SampleTally& tally() const { return tally_; }

 private:
  struct Answer {
    Status status;
    std::set<uint64_t> values;
  };
  Task<void> RunClient(Random random);
  Task<Answer> Attempt(Random& random, std::string record);
  static Task<void> Carry(std::shared_ptr<Process> process, std::string record, uint64_t partition,
                          fabric::OneShot<Result<Answer>> answer);
  static Task<Answer> Ask(std::shared_ptr<Process> process, std::string record, uint64_t partition);

  Cluster& cluster_;
  World& world_;
  WallClock wall_;
  SimLoop loop_;
  std::vector<Random> clients_;
  std::map<uint64_t, int64_t> acknowledged_;  // when
  SampleTally tally_;
  uint64_t busy_ = 0;
  bool finishing_ = false;
};

}  // namespace rhizome::sim
