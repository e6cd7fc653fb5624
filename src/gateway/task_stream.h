// TaskStream: a task's changes as server-sent events, from how it is now to its end:
//
//   event: task
//   data: {"id": …}        as GET /tasks/{id} answers
//
// Changes that come faster than the client reads are one event: the last. Thread-safe where the book calls it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "gateway/http_message.h"
#include "gateway/json_writer.h"
#include "memory/service.h"

namespace rhizome::gateway {

void WriteTask(JsonWriter& writer, const workers::Task& task);

class TaskStream final : public BodyStream {
 public:
  // NotFound: there is no such task. The service outlives the stream.
  static Result<std::shared_ptr<TaskStream>> Open(memory::Service& memory, const std::string& id);
  ~TaskStream() override;

  std::optional<std::string> Next() override EXCLUDES(mutex_);
  void OnMore(std::function<void()> wake) override EXCLUDES(mutex_);

 private:
  explicit TaskStream(memory::Service& memory) : memory_(memory) {}
  void Take(const workers::Task& task) EXCLUDES(mutex_);

  memory::Service& memory_;
  uint64_t watch_ = 0;
  Mutex mutex_;
  std::optional<workers::Task> latest_ GUARDED_BY(mutex_);  // not told yet
  bool ended_ GUARDED_BY(mutex_) = false;                   // the end was told
  std::function<void()> wake_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::gateway
