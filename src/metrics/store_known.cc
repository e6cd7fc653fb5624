// Writing what names its label sets: every shard gets the rows of its series, and so does the log.
#include "metrics/store.h"

namespace rhizome::metrics {

using format::SeriesBatch;

Result<Written> Store::WriteKnown(std::string_view tenant_name, const SeriesBatch& batch,
                                  const std::shared_ptr<const format::SeriesDictionary>& dictionary,
                                  const cluster::CallOptions& options) {
  ASSIGN_OR_RETURN(const Tenancy tenant, Tenancy::Of(tenant_name));
  // Dictionaries are shared by tenants as they are sent, without anybody's label.
  if (!tenant.is_default() || limits_.SeriesMaxOf(tenant.name()) != UINT64_MAX) {
    return Write(tenant_name, WholeOf(batch), options);
  }
  RETURN_IF_ERROR(node_.WriteStatus());
  Written written;
  if (batch.sample_count() == 0) return written;
  ASSIGN_OR_RETURN(const Shards shards, node_.MakeSeries());
  const auto split = splits_.Of(*dictionary, *shards);
  std::vector<std::string> parts = split->Split(batch);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    const auto part = SeriesBatch::TrustedRows(parts[i], split->dictionary(i)->batch());
    if (!shards->at(i).Check(part).ok()) return Write(tenant_name, WholeOf(batch), options);  // which says why
  }
  std::vector<std::pair<shard::SeriesShard*, shard::PendingSamples>> pending;
  pending.reserve(parts.size());  // what is begun must not get lost on the way to its end
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    pending.emplace_back(&shards->at(i), shards->at(i).Begin(std::move(parts[i]), split->dictionary(i)));
  }
  Status first_failure;
  for (auto& [shard, samples] : pending) {
    const Status status = shard->Finish(std::move(samples));
    if (first_failure.ok()) first_failure = status;
  }
  RETURN_IF_ERROR(first_failure);
  written.kept = batch.sample_count();
  return written;
}

}  // namespace rhizome::metrics
