// IngestModel: writers that know what they were promised, and the check of a server against those promises.
//
// Each writer owns some documents and some points and changes them one request after the other. A key's content is a
// generation; after an answer the key stands at that generation, after a broken connection at it or the one before.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gateway/test_client.h"

namespace rhizome::crash {

inline constexpr uint64_t kGone = 0;  // the generation of what does not exist

struct KeyState {
  uint64_t acknowledged = kGone;
  std::set<uint64_t> possible;  // sent later and never answered
  uint64_t next = 1;
};

// Ids are the model's own: "d3-17" a document of writer 3, 300017 a point of it.
class Writer {
 public:
  Writer(uint32_t number, uint64_t seed);

  // Sends requests until the connection breaks or `requests_max` were answered. False when an answer was a refusal;
  // what it said is in refusal().
  bool Run(uint16_t port, uint64_t requests_max);
  uint64_t acknowledged() const { return acknowledged_; }
  const std::string& refusal() const { return refusal_; }

  std::map<std::string, KeyState>& documents() { return documents_; }
  std::map<uint64_t, KeyState>& points() { return points_; }

 private:
  struct Change {
    KeyState* key;
    uint64_t generation;
  };
  struct Request {
    std::string target;
    std::string body;
    std::vector<Change> changes;
  };
  Request Next();
  Request PutDocuments();
  Request PutPoints();
  Request DeletePoints();
  Request DeleteDocument();
  template <typename Key>
  typename std::map<Key, KeyState>::iterator Any(std::map<Key, KeyState>& keys);

  std::mt19937_64 random_;
  std::map<std::string, KeyState> documents_;
  std::map<uint64_t, KeyState> points_;
  uint64_t acknowledged_ = 0;
  std::string refusal_;
};

struct VerifyCounts {
  uint64_t lost = 0;   // acknowledged and not there, or not as it was
  uint64_t twice = 0;  // seen more than once, or pieces of two versions
  uint64_t wrong = 0;  // searches and counts that do not agree with the scan
  std::string first;   // the first of them in words
  void Note(uint64_t VerifyCounts::*kind, const std::string& what);
};

// Makes the collections the writers use.
bool CreateCollections(uint16_t port);

// Reads everything back and holds it against what the writers were promised; afterwards the writers take what they
// found for acknowledged. `seed` picks the searches.
VerifyCounts Verify(uint16_t port, std::vector<Writer>& writers, uint64_t seed);

}  // namespace rhizome::crash
