// Questions and answers of the vector engine as a hostile peer may send them.
#include "base/check.h"
#include "cluster/query_codec.h"

namespace {

using namespace rhizome;

// What is accepted has one form.
template <typename Reply>
void TryReply(std::string_view bytes) {
  Reply reply;
  if (cluster::DecodeReply(bytes, reply).ok()) CHECK(cluster::EncodeReply(reply) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto query = cluster::DecodeQuery(bytes);
  if (query.ok()) CHECK(cluster::EncodeQuery(*query) == bytes);
  TryReply<cluster::SearchQuery::Reply>(bytes);
  TryReply<cluster::FetchQuery::Reply>(bytes);
  TryReply<cluster::ScrollQuery::Reply>(bytes);
  TryReply<cluster::CountQuery::Reply>(bytes);
  TryReply<cluster::ContentQuery::Reply>(bytes);
  cluster::CollectionSpec spec;
  if (cluster::DecodeSpec(bytes, spec).ok()) CHECK(cluster::EncodeSpec(spec) == bytes);
  return 0;
}
