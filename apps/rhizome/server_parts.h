// From a Config to the options of what a server is made of. Errors are InvalidArgument and name the Config's option.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ask/chat.h"
#include "backup/targets.h"
#include "base/status.h"
#include "cluster/cluster_runtime.h"
#include "cluster/node.h"
#include "config.h"
#include "coordination/etcd.h"
#include "engines/series/admission.h"
#include "gateway/server_options.h"
#include "memory/service.h"
#include "metrics/tenancy.h"
#include "metrics_api/routes.h"
#include "pipeline/embedder.h"
#include "ruler/ruler.h"

namespace rhizome::app {

Result<gateway::ServerOptions> ServerOptionsOf(const Config& config);
cluster::NodeOptions NodeOptionsOf(const Config& config);
// Of the memories. InvalidArgument names queue, queue_prefix, functional_relations.
Result<memory::ServiceOptions> MemoryOptionsOf(const Config& config);
// The brokers of "kafka://HOST:PORT,…", "" for "embedded". InvalidArgument names queue.
Result<std::string> KafkaBrokers(const std::string& queue);
// Of the times of samples that a process of a cluster takes in.
series::TimeWindow MetricsWindowOf(const Config& config);
// InvalidArgument names metrics_tenant_limits.
Result<metrics::TenantLimits> TenantLimitsOf(const Config& config);
// `version`: of the program.
metrics_api::MetricsApiOptions MetricsApiOptionsOf(const Config& config, const std::string& version);
// InvalidArgument names alert_labels. `url`: of this server, unless the configuration says.
Result<ruler::RulerOptions> RulerOptionsOf(const Config& config, const std::string& url);
ruler::NotifierOptions NotifierOptionsOf(const Config& config);
// The one that new collections get comes first; none for embedder = none.
Result<std::vector<std::unique_ptr<pipeline::Embedder>>> OpenEmbedders(const Config& config);
// Null without a chat_url. No server is called.
Result<std::unique_ptr<ask::Chat>> OpenChat(const Config& config);

// Folders are made; no server is called.
Result<std::vector<backup::Target>> OpenSnapshotTargets(const Config& config);

// `http_port`: where the server listens. `machine`: its name, for nodes that are given none.
Result<cluster::ClusterOptions> ClusterOptionsOf(const Config& config, uint16_t http_port, const std::string& machine);
coordination::EtcdOptions EtcdOptionsOf(const Config& config);
// A status that names a field of the options above names the Config's option instead.
Status NamingOption(const Status& status);
std::string MachineName();

}  // namespace rhizome::app
