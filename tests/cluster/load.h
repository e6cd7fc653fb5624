// Load: clients that put points in once each, take some out again, read them and search for them, until told to stop:
// what an application does all day. Every request is repeated once when it is not answered well.
//
// Besides what the set checker is told in the end, each answer is held against what was acknowledged before it was
// asked for: a point must be read and, by an exact search at quorum, found; one taken out must be neither.
//
// The threads share what was acknowledged; everything else is looked at after Stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "history/random.h"
#include "history/set_checker.h"
#include "http_session.h"

namespace rhizome::chaos {

struct LoadOptions {
  std::string collection = "things";
  size_t writers = 2;
  size_t readers = 1;
  size_t searchers = 1;
  size_t repeaters = 0;  // overwrite what they wrote, then repeat the first request with its idempotency key
  int64_t think_ms = 5;  // between two requests of one client
  uint64_t seed = 1;
};

class Load {
 public:
  struct Sample {
    int64_t begun_ns = 0;
    int64_t taken_ns = 0;
  };

  // Begins at once. Ids are above 1'000'000'000.
  Load(std::vector<Endpoint> gateways, LoadOptions options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void Stop();

  // After Stop. Requests that were answered badly twice, and answers that cannot be right.
  const std::vector<std::string>& failed() const NO_THREAD_SAFETY_ANALYSIS { return failed_; }
  const std::vector<std::string>& wrong() const NO_THREAD_SAFETY_ANALYSIS { return wrong_; }
  uint64_t acknowledged() const;
  // Whether somebody asked for it to be put in.
  bool Wrote(uint64_t id) const EXCLUDES(mutex_);
  // Of the requests that began between the two moments.
  std::vector<int64_t> Taken(int64_t from_ns, int64_t to_ns) const;
  // What is there now, held against what was acknowledged.
  history::SetVerdict Check(HttpSession& session, std::string& why) const;

 private:
  struct Own {  // of one writer
    std::vector<uint64_t> kept;
    std::vector<uint64_t> to_remove;
  };

  void Write(size_t client);
  void Read(size_t client);
  void Search(size_t client);
  void Repeat(size_t client);
  void Add(HttpSession& session, uint64_t id, Own& own) EXCLUDES(mutex_);
  void Remove(HttpSession& session, Own& own) EXCLUDES(mutex_);
  Answer Call(HttpSession& session, std::string_view target, const std::string& body, const std::string& headers = {})
      EXCLUDES(mutex_);
  void SetOutcome(uint64_t id, history::Outcome outcome, bool removed) EXCLUDES(mutex_);
  void Wrong(const std::string& what) EXCLUDES(mutex_);
  // One of those that were acknowledged, or removed, before; 0 when there is none.
  uint64_t Pick(const std::vector<uint64_t>& from, history::Random& random) const REQUIRES(mutex_);

  const std::vector<Endpoint> gateways_;
  const LoadOptions options_;
  std::atomic<bool> over_{false};
  mutable Mutex mutex_;
  std::map<uint64_t, history::Element> elements_ GUARDED_BY(mutex_);
  std::vector<uint64_t> there_ GUARDED_BY(mutex_);  // acknowledged, never to be removed
  std::vector<uint64_t> gone_ GUARDED_BY(mutex_);   // their removal was acknowledged
  std::vector<Sample> samples_ GUARDED_BY(mutex_);
  std::vector<std::string> failed_ GUARDED_BY(mutex_);
  std::vector<std::string> wrong_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace rhizome::chaos
