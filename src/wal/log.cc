#include "wal/log.h"

#include "wal/log_core.h"

namespace rhizome::wal {

Result<std::unique_ptr<Log>> Log::Open(io::Disk& disk, const std::string& path, LogOptions options) {
  auto core = std::make_unique<Core>(disk, path, options);
  if (Status status = core->Open(); !status.ok()) return status.Annotate("opening log " + path);
  return std::unique_ptr<Log>(new Log(std::move(core)));
}

Log::Log(std::unique_ptr<Core> core) : core_(std::move(core)) {}

// Who must know whether the last watermark was written calls Close; the records are durable either way.
Log::~Log() { (void)core_->Close().ok(); }

Result<Lsn> Log::Append(uint32_t stream, std::string_view payload) {
  const LogEntry entry{stream, payload};
  return core_->Append({&entry, 1});
}
Result<Lsn> Log::AppendBatch(std::span<const LogEntry> entries) { return core_->Append(entries); }
void Log::AppendAsync(std::span<const LogEntry> entries, AppendDone done) {
  core_->AppendAsync(entries, std::move(done), Core::Wake::kBackground);
}
void Log::AppendLater(std::span<const LogEntry> entries, AppendDone done) {
  core_->AppendAsync(entries, std::move(done), Core::Wake::kNobody);
}
Status Log::Commit() { return core_->Commit(); }
Status Log::Flush() { return core_->Flush(); }
Status Log::Read(Lsn from, const Visitor& visit, std::optional<uint32_t> stream) {
  return core_->Read(from, visit, stream);
}
Status Log::TruncateBefore(Lsn lsn) { return core_->TruncateBefore(lsn); }
Status Log::TryResume() { return core_->TryResume(); }
Status Log::Close() { return core_->Close(); }
Status Log::write_status() const { return core_->write_status(); }
const DamageReport& Log::damage() const { return core_->damage(); }
Lsn Log::durable_lsn() const { return core_->durable_lsn(); }
const Uuid& Log::uuid() const { return core_->uuid(); }
LogStats Log::stats() const { return core_->stats(); }

}  // namespace rhizome::wal
