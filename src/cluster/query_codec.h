// The vector engine's questions to other members and their answers, and the bytes of both, which fabric carries without
// reading them (docs/formats/vector_query.md).
//
// One question goes to every member asked, each about shards of its own; an answer is of one member, its shards merged.
// At higher levels than one, several members answer about a shard, so each candidate brings the version of its
// register, and whoever asked drops what is superseded.
//
// A peer is not trusted: decoders take any bytes, bound every count, and answer Corruption. Plain values, no locks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/version.h"
#include "cluster/database.h"
#include "engines/vector/filter.h"

namespace rhizome::cluster {

inline constexpr uint32_t kDepthMax = 1 << 20;  // candidates of a leg
inline constexpr uint32_t kPageMax = 10'000;    // points of a page, ids of a fetch

// Candidates of each leg. Beside them the points that this member's own best `request.top_k` would show, so that a
// search that one member can answer takes one exchange; none when neither payload nor vector is wanted.
struct SearchQuery {
  SearchRequest request;  // the collection is not sent: the shards say it
  uint32_t depth = 0;
  bool with_versions = false;
  struct Candidate {
    format::PointId id;
    float score = 0;
    Version version;  // of its register; Version{} when not asked for
  };
  struct Reply {
    std::vector<Candidate> dense;  // best first; fewer than `depth`: there are no more
    std::vector<Candidate> text;
    std::vector<StoredPointView> points;
  };
};

// Points by id; those that are not in the shards asked are left out.
struct FetchQuery {
  std::vector<format::PointId> ids;
  bool with_payload = true;  // title, text and payload
  bool with_vector = false;
  struct Reply {
    std::vector<StoredPointView> points;
  };
};

struct ScrollQuery {
  ScrollRequest request;
  bool ids_only = false;
  struct Reply {
    std::vector<StoredPointView> points;  // in id order
    bool more = false;                    // behind the last of them
  };
};

struct CountQuery {
  std::shared_ptr<const vector::Filter> filter;
  struct Reply {
    struct OfShard {
      uint32_t shard = 0;
      uint64_t points = 0;     // that match
      uint64_t documents = 0;  // all
    };
    std::vector<OfShard> shards;
  };
};

// Documents holding exactly this content.
struct ContentQuery {
  std::pair<uint64_t, uint64_t> content_hash;
  struct Reply {
    std::vector<format::PointId> holders;  // at most one of each shard
  };
};

using VectorQuery = std::variant<SearchQuery, FetchQuery, ScrollQuery, CountQuery, ContentQuery>;

std::string EncodeQuery(const VectorQuery& query);
Result<VectorQuery> DecodeQuery(std::string_view bytes);

std::string EncodeReply(const SearchQuery::Reply& reply);
std::string EncodeReply(const FetchQuery::Reply& reply);
std::string EncodeReply(const ScrollQuery::Reply& reply);
std::string EncodeReply(const CountQuery::Reply& reply);
std::string EncodeReply(const ContentQuery::Reply& reply);

Status DecodeReply(std::string_view bytes, SearchQuery::Reply& reply);
Status DecodeReply(std::string_view bytes, FetchQuery::Reply& reply);
Status DecodeReply(std::string_view bytes, ScrollQuery::Reply& reply);
Status DecodeReply(std::string_view bytes, CountQuery::Reply& reply);
Status DecodeReply(std::string_view bytes, ContentQuery::Reply& reply);

// What coordination keeps of a collection beside its name and shards: the engine's settings.
std::string EncodeSpec(const CollectionSpec& spec);
// Fills dimension, metric, embedder and language.
Status DecodeSpec(std::string_view bytes, CollectionSpec& spec);

}  // namespace rhizome::cluster
