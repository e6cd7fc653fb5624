// `rhizome snapshot`: has a server make, show, check, restore and prune snapshots of a collection.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <chrono>
#include <thread>

#include "client.h"
#include "commands.h"
#include "snapshot_text.h"

namespace rhizome::app {
namespace {

using boost::json::object;
using boost::json::value;

constexpr auto kPollEvery = std::chrono::milliseconds(300);

Result<object> Ask(Client& client, const std::string& method, const std::string& path, const value& body = nullptr) {
  ASSIGN_OR_RETURN(value answer, client.Send(method, path, body));
  if (!answer.is_object()) return Status::Corruption("the server does not answer like a Rhizome server");
  return std::move(answer.as_object());
}

void Draw(const std::string& text, std::string& shown) {
  if (text == shown) return;
  const bool terminal = isatty(STDERR_FILENO) == 1;
  if (terminal) {
    fmt::print(stderr, "\r\033[K{}", text);
  } else {
    fmt::print(stderr, "{}\n", text);
  }
  std::fflush(stderr);
  shown = text;
}

// Until the job has ended. The job is the server's: stopping here stops nothing.
Result<object> Follow(Client& client, object job, bool quiet) {
  std::string shown;
  const std::string path = "/snapshots/" + boost::json::serialize(job.at("job"));
  while (SnapshotJobRuns(job)) {
    if (!quiet) Draw(SnapshotProgressText(job), shown);
    std::this_thread::sleep_for(kPollEvery);
    ASSIGN_OR_RETURN(job, Ask(client, "GET", path));
  }
  if (!quiet && !shown.empty() && isatty(STDERR_FILENO) == 1) fmt::print(stderr, "\r\033[K");
  return job;
}

object BodyOf(const SnapshotArguments& arguments) {
  object body;
  if (!arguments.target.empty()) body["target"] = arguments.target;
  if (!arguments.snapshot.empty()) body["snapshot"] = arguments.snapshot;
  if (arguments.action == "prune") {
    if (arguments.keep != 0) body["keep"] = arguments.keep;
    body["dry_run"] = !arguments.yes;
  }
  if (arguments.action != "restore") return body;
  if (!arguments.from.empty()) body["from"] = arguments.from;
  if (arguments.shards != 0) body["shards"] = arguments.shards;
  if (arguments.factor != 0) body["replication_factor"] = arguments.factor;
  if (arguments.merge) body["merge"] = true;
  return body;
}

Status List(Client& client, const SnapshotArguments& arguments) {
  const std::string query = arguments.target.empty() ? "" : "?target=" + EncodedTarget(arguments.target);
  ASSIGN_OR_RETURN(const object answer,
                   Ask(client, "GET", "/collections/" + arguments.collection + "/snapshots" + query));
  fmt::print("{}", arguments.json ? boost::json::serialize(answer) + "\n" : SnapshotTable(answer));
  return Status::Ok();
}

Status Work(Client& client, const SnapshotArguments& arguments) {
  std::string path = "/collections/" + arguments.collection;
  path += arguments.action == "restore" ? "/restore" : "/snapshots";
  if (arguments.action == "verify" || arguments.action == "prune") path += "/" + arguments.action;
  ASSIGN_OR_RETURN(object job, Ask(client, "POST", path, BodyOf(arguments)));
  ASSIGN_OR_RETURN(job, Follow(client, std::move(job), arguments.quiet || arguments.json));
  if (arguments.json) fmt::print("{}\n", boost::json::serialize(job));
  RETURN_IF_ERROR(SnapshotOutcome(job));
  if (!arguments.json) fmt::print("{}", SnapshotReportText(job));
  return Status::Ok();
}

}  // namespace

int Snapshot(const SnapshotArguments& arguments) {
  Client client(arguments.server, arguments.api_key);
  const Status status = arguments.action == "list" ? List(client, arguments) : Work(client, arguments);
  if (status.ok()) return 0;
  fmt::print(stderr, "rhizome snapshot {}: {}\n", arguments.action, status.ToString());
  return 1;
}

}  // namespace rhizome::app
