#include "gateway/task_stream.h"

namespace rhizome::gateway {

void WriteTask(JsonWriter& writer, const workers::Task& task) {
  writer.BeginObject().Key("id").String(task.id).Key("state").String(workers::TaskStateName(task.state()));
  writer.Key("key").String(task.key);
  writer.Key("accepted_ms").Integer(task.accepted_ms).Key("changed_ms").Integer(task.changed_ms());
  writer.Key("reason").String(task.reason()).Key("jobs").BeginArray();
  for (const auto& [name, job] : task.jobs) {
    writer.BeginObject().Key("name").String(name).Key("state").String(workers::JobStateName(job.state));
    writer.Key("attempt").Integer(job.attempt).Key("at_ms").Integer(job.at_ms).Key("reason").String(job.reason);
    writer.EndObject();
  }
  writer.EndArray().EndObject();
}

Result<std::shared_ptr<TaskStream>> TaskStream::Open(memory::Service& memory, const std::string& id) {
  std::shared_ptr<TaskStream> stream(new TaskStream(memory));
  // Watching comes before looking, so that no change falls between the two.
  ASSIGN_OR_RETURN(stream->watch_,
                   memory.Watch(id, [raw = stream.get()](const workers::Task& task) { raw->Take(task); }));
  ASSIGN_OR_RETURN(const workers::Task now, memory.Task(id));
  stream->Take(now);
  return stream;
}

TaskStream::~TaskStream() {
  if (watch_ != 0) memory_.Unwatch(watch_);
}

void TaskStream::Take(const workers::Task& task) {
  std::function<void()> wake;
  {
    const MutexLock lock(mutex_);
    if (!latest_ || latest_->changed_ms() <= task.changed_ms()) latest_ = task;
    wake = wake_;
  }
  if (wake) wake();
}

void TaskStream::OnMore(std::function<void()> wake) {
  const MutexLock lock(mutex_);
  wake_ = std::move(wake);
}

std::optional<std::string> TaskStream::Next() {
  std::optional<workers::Task> task;
  {
    const MutexLock lock(mutex_);
    if (ended_) return std::nullopt;
    if (!latest_) return std::string();
    task = std::exchange(latest_, std::nullopt);
    ended_ = task->state() != workers::TaskState::kWorking;
  }
  JsonWriter writer;
  WriteTask(writer, *task);
  return "event: task\ndata: " + writer.Take() + "\n\n";
}

}  // namespace rhizome::gateway
