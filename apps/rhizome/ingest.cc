// `rhizome ingest`: reads files here, sends their documents to a server in batches and shows how far it is.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>

#include "base/mutex.h"
#include "client.h"
#include "commands.h"
#include "pipeline/parse.h"
#include "progress.h"

namespace rhizome::app {
namespace {

namespace fs = std::filesystem;

constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kBatchBytesMax = 4 << 20;  // below every server's body limit
constexpr size_t kBatchesQueuedMax = 4;
constexpr size_t kErrorsShownMax = 10;
constexpr auto kTaskEvery = std::chrono::milliseconds(100);

struct Batch {
  boost::json::array documents;
  uint64_t bytes = 0;  // of input, for the progress bar
};

// Batches from the reading thread to the sending ones; bounded, so that reading never runs ahead of the server.
class BatchQueue {
 public:
  // False when the senders gave up.
  bool Push(Batch batch) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (batches_.size() >= kBatchesQueuedMax && !closed_) changed_.Wait(mutex_);
    if (closed_) return false;
    batches_.push_back(std::move(batch));
    changed_.NotifyAll();
    return true;
  }
  // Nothing more comes; what is queued is still handed out.
  void Finish() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    finished_ = true;
    changed_.NotifyAll();
  }
  void Abandon() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
  }
  std::optional<Batch> Pop() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (batches_.empty() && !finished_ && !closed_) changed_.Wait(mutex_);
    if (closed_ || batches_.empty()) return std::nullopt;
    Batch batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.NotifyAll();
    return batch;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<Batch> batches_ GUARDED_BY(mutex_);
  bool finished_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
};

// What came of the documents; the first few errors are kept in full.
class Tally {
 public:
  void Count(const std::string& outcome) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    ++outcomes_[outcome];
  }
  void Fail(const std::string& what) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    ++outcomes_["failed"];
    if (errors_.size() < kErrorsShownMax) errors_.push_back(what);
  }
  void Abort(const Status& status) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (aborted_.ok()) aborted_ = status;
  }
  // A document's task, which goes on after its request.
  void Follow(std::string task) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  std::vector<std::string> TakeTasks() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return std::exchange(tasks_, {});
  }
  int Report(double seconds) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    uint64_t total = 0;
    std::string parts;
    for (const auto& [outcome, count] : outcomes_) {
      total += count;
      parts += (parts.empty() ? "" : ", ") + Grouped(count) + " " + outcome;
    }
    for (const std::string& error : errors_) fmt::print(stderr, "  {}\n", error);
    const uint64_t failed = outcomes_.contains("failed") ? outcomes_["failed"] : 0;
    if (failed > errors_.size()) fmt::print(stderr, "  … and {} more\n", Grouped(failed - errors_.size()));
    fmt::print("{} {} in {:.1f} s{}\n", Grouped(total), total == 1 ? "document" : "documents", seconds,
               parts.empty() ? "" : ": " + parts);
    if (!aborted_.ok()) {
      fmt::print(stderr, "rhizome ingest: {}\n", aborted_.ToString());
      return 1;
    }
    return failed == 0 ? 0 : 2;
  }

 private:
  Mutex mutex_;
  std::map<std::string, uint64_t> outcomes_ GUARDED_BY(mutex_);
  std::vector<std::string> errors_ GUARDED_BY(mutex_);
  std::vector<std::string> tasks_ GUARDED_BY(mutex_);
  Status aborted_ GUARDED_BY(mutex_);
};

std::string StringOf(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

void CountResults(const boost::json::value& answer, Tally& tally) {
  for (const boost::json::value& item : answer.at("results").as_array()) {
    const boost::json::object& result = item.as_object();
    const std::string outcome = StringOf(result, "outcome");
    if (outcome != "failed") {
      tally.Count(outcome);
      if (std::string task = StringOf(result, "task"); !task.empty()) tally.Follow(std::move(task));
      continue;
    }
    const boost::json::value* error = result.if_contains("error");
    const std::string detail = error != nullptr && error->is_object() ? StringOf(error->as_object(), "detail") : "";
    tally.Fail(StringOf(result, "id") + ": " + detail);
  }
}

void SendBatches(const IngestArguments& arguments, BatchQueue& queue, Tally& tally, Progress& progress) {
  Client client(arguments.server, arguments.api_key);
  while (std::optional<Batch> batch = queue.Pop()) {
    const size_t documents = batch->documents.size();
    boost::json::object request{{"documents", std::move(batch->documents)}};
    if (!arguments.collection.empty()) request["collection"] = arguments.collection;
    const Result<boost::json::value> answer = client.Post("/documents", request);
    if (!answer.ok()) {
      tally.Abort(answer.status());
      queue.Abandon();
      return;
    }
    CountResults(*answer, tally);
    progress.Advance(batch->bytes, documents);
  }
}

// Until what was ingested is learned: what its collection's graph is to know of it. Tasks come to their ends about in
// the order they were made, so each is asked for in turn.
void AwaitLearned(const IngestArguments& arguments, Tally& tally) {
  const std::vector<std::string> tasks = tally.TakeTasks();
  if (tasks.empty() || !arguments.wait) return;
  Client client(arguments.server, arguments.api_key);
  Progress progress(tasks.size(), arguments.quiet, "learned");
  for (const std::string& task : tasks) {
    while (true) {
      const auto shown = client.Send("GET", "/tasks/" + task);
      // Forgotten, a day after its end.
      if (shown.status().code() == Code::kNotFound) break;
      if (!shown.ok()) return tally.Abort(shown.status());
      const std::string state = shown->is_object() ? StringOf(shown->as_object(), "state") : "";
      if (state == "dead_lettered") tally.Fail("task " + task + ": " + StringOf(shown->as_object(), "reason"));
      if (state != "working") break;
      std::this_thread::sleep_for(kTaskEvery);
    }
    progress.Advance(1, 1);
  }
}

// Turns inputs into batches on the calling thread.
class Reader {
 public:
  Reader(const IngestArguments& arguments, BatchQueue& queue, Tally& tally)
      : arguments_(arguments), queue_(queue), tally_(tally) {}

  void ReadAll(const std::vector<std::string>& inputs) {
    for (const std::string& input : inputs) {
      const Status status = ReadInput(input);
      if (status.code() == Code::kCancelled) return;  // the senders gave up and say why
      if (!status.ok()) tally_.Fail(input + ": " + status.ToString());
    }
    (void)Flush();
  }

 private:
  Status ReadInput(const std::string& input) {
    std::ifstream file;
    if (input != "-") {
      file.open(input, std::ios::binary);
      if (!file.is_open()) return Status::NotFound("cannot be opened");
    }
    std::istream& stream = input == "-" ? std::cin : file;
    const std::string name = arguments_.format.empty() ? input : "-." + arguments_.format;
    return pipeline::ParseStream(
        name,
        [&stream, this]() -> Result<std::string> {
          std::string bytes(kReadBytes, '\0');
          stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
          if (stream.bad()) return Status::IoError("cannot be read");
          bytes.resize(static_cast<size_t>(stream.gcount()));
          batch_.bytes += bytes.size();
          return bytes;
        },
        {},
        [this, &input](Result<pipeline::Document> document) {
          if (document.ok()) return Add(std::move(document).value());
          tally_.Fail(input + ": " + document.status().ToString());
          return Status::Ok();
        });
  }

  Status Add(pipeline::Document document) {
    boost::json::object item{{"text", document.text}};
    if (!document.id.empty()) item["id"] = document.id;
    if (!document.title.empty()) item["title"] = document.title;
    if (!document.source.empty()) item["source"] = document.source;
    if (!document.metadata.empty()) item["metadata"] = std::move(document.metadata);
    text_bytes_ += document.text.size() + document.title.size() + 100;
    batch_.documents.push_back(std::move(item));
    const bool full = batch_.documents.size() >= arguments_.batch_documents || text_bytes_ >= kBatchBytesMax;
    return full ? Flush() : Status::Ok();
  }

  Status Flush() {
    text_bytes_ = 0;
    if (batch_.documents.empty()) return Status::Ok();
    return queue_.Push(std::exchange(batch_, {})) ? Status::Ok() : Status::Cancelled("the server cannot be reached");
  }

  const IngestArguments& arguments_;
  BatchQueue& queue_;
  Tally& tally_;
  Batch batch_;
  size_t text_bytes_ = 0;
};

// Files as they are, folders as the readable files below them, in order of name.
std::vector<std::string> ListInputs(const std::vector<std::string>& paths, Tally& tally) {
  std::vector<std::string> inputs;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path == "-" || !fs::is_directory(path, error)) {
      inputs.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (fs::recursive_directory_iterator it(path, fs::directory_options::skip_permission_denied, error), end;
         it != end && !error; it.increment(error)) {
      if (it->is_regular_file(error) && pipeline::FormatOfName(it->path().string()))
        found.push_back(it->path().string());
    }
    if (error) tally.Fail(path + ": " + error.message());
    std::sort(found.begin(), found.end());
    inputs.insert(inputs.end(), found.begin(), found.end());
  }
  return inputs;
}

uint64_t TotalBytes(const std::vector<std::string>& inputs) {
  uint64_t total = 0;
  for (const std::string& input : inputs) {
    std::error_code error;
    const uintmax_t size = input == "-" ? 0 : fs::file_size(input, error);
    if (input == "-") return 0;
    if (!error) total += size;
  }
  return total;
}

}  // namespace

int Ingest(const IngestArguments& arguments) {
  Tally tally;
  const std::vector<std::string> inputs = ListInputs(arguments.paths, tally);
  if (inputs.empty()) {
    fmt::print(stderr, "rhizome ingest: nothing to read there\n");
    return 1;
  }
  double seconds = 0;
  {
    BatchQueue queue;
    Progress progress(TotalBytes(inputs), arguments.quiet);
    std::vector<std::thread> senders;
    for (unsigned i = 0; i < arguments.connections; ++i) {
      senders.emplace_back([&] { SendBatches(arguments, queue, tally, progress); });
    }
    Reader(arguments, queue, tally).ReadAll(inputs);
    queue.Finish();
    for (std::thread& sender : senders) sender.join();
    seconds = progress.seconds();
  }
  AwaitLearned(arguments, tally);
  return tally.Report(seconds);
}

}  // namespace rhizome::app
