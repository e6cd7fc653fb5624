#include "snapshot_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>

#include "progress.h"

namespace rhizome::app {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr size_t kBarWidth = 24;
constexpr size_t kProblemsShown = 10;

std::string Text(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}
uint64_t Number(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  if (found == nullptr) return 0;
  if (found->is_uint64()) return found->as_uint64();
  return found->is_int64() && found->as_int64() > 0 ? static_cast<uint64_t>(found->as_int64()) : 0;
}
bool Flag(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_bool() && found->as_bool();
}
const object& Inside(const object& from, std::string_view key) {
  static const object empty;
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_object() ? found->as_object() : empty;
}
std::vector<std::string> Texts(const object& from, std::string_view key) {
  std::vector<std::string> texts;
  const value* found = from.if_contains(key);
  if (found == nullptr || !found->is_array()) return texts;
  for (const value& item : found->as_array()) {
    if (item.is_string()) texts.emplace_back(item.as_string());
  }
  return texts;
}

std::string Kept(const object& summary) {
  return fmt::format("{} of {}: {} registers, {} ({} of them new)", Text(summary, "id"), Text(summary, "collection"),
                     Grouped(Number(summary, "registers")), BytesText(Number(summary, "bytes")),
                     BytesText(Number(summary, "new_bytes")));
}

}  // namespace

std::string BytesText(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < std::size(kUnits)) {
    amount /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string EncodedTarget(const std::string& target) {
  std::string out;
  for (const char c : target) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '/' || c == ':';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

bool SnapshotJobRuns(const object& job) {
  const std::string state = Text(job, "state");
  return state == "waiting" || state == "running";
}

std::string SnapshotProgressText(const object& job) {
  if (Text(job, "state") == "waiting") return "waiting for other snapshot jobs";
  const object& progress = Inside(job, "progress");
  const uint64_t done = Number(progress, "done"), total = Number(progress, "total");
  if (total == 0) return "looking at what is there";
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<size_t>(share * kBarWidth);
  return fmt::format("[{}{}] {:3.0f} %  {} {} of {}", std::string(filled, '#'), std::string(kBarWidth - filled, '-'),
                     share * 100, Text(progress, "step"), Grouped(done), Grouped(total));
}

Status SnapshotOutcome(const object& job) {
  if (Text(job, "state") != "done") return Status::FailedPrecondition(Text(job, "error"));
  const object& report = Inside(job, "report");
  const uint64_t damaged = Number(report, "damaged");
  if (damaged == 0) return Status::Ok();
  std::string text = Text(job, "snapshot") + " is damaged in " + Grouped(damaged) + " places";
  const std::vector<std::string> problems = Texts(report, "problems");
  for (size_t i = 0; i < std::min(problems.size(), kProblemsShown); ++i) text += "\n  " + problems[i];
  return Status::Corruption(text);
}

std::string SnapshotReportText(const object& job) {
  const object& report = Inside(job, "report");
  const object& summary = Inside(report, "summary");
  const std::string kind = Text(job, "kind");
  if (kind == "create") {
    return fmt::format("made {}; {} chunks written, {} taken from earlier snapshots; in {}\n", Kept(summary),
                       Grouped(Number(report, "chunks_written")), Grouped(Number(report, "chunks_reused")),
                       Text(job, "target"));
  }
  if (kind == "verify") {
    return fmt::format("whole: {}; {} chunks read\n", Kept(summary), Grouped(Number(report, "chunks")));
  }
  if (kind == "restore") {
    return fmt::format("restored {} into {}: {} registers written, {} were there{}\n", Text(summary, "id"),
                       Text(job, "into"), Grouped(Number(report, "merged")), Grouped(Number(report, "already")),
                       Flag(report, "equal") ? "; equal to the snapshot" : "; it also holds newer ones");
  }
  const bool dry = Flag(job, "dry_run");
  std::string text = fmt::format("{} {} snapshots and {} chunks, {}\n", dry ? "would remove" : "removed",
                                 Texts(report, "snapshots").size(), Grouped(Number(report, "chunks")),
                                 BytesText(Number(report, "bytes")));
  for (const std::string& id : Texts(report, "snapshots")) text += "  " + id + "\n";
  if (dry) text += "nothing was removed; --yes does it\n";
  return text;
}

std::string SnapshotTable(const object& listing) {
  const value* snapshots = listing.if_contains("snapshots");
  std::string table =
      fmt::format("{:<29} {:>14} {:>12} {:>12} {:>7}\n", "SNAPSHOT", "REGISTERS", "SIZE", "NEW", "SHARDS");
  if (snapshots != nullptr && snapshots->is_array()) {
    for (const value& item : snapshots->as_array()) {
      if (!item.is_object()) continue;
      const object& summary = item.as_object();
      table += fmt::format("{:<29} {:>14} {:>12} {:>12} {:>7}\n", Text(summary, "id"),
                           Grouped(Number(summary, "registers")), BytesText(Number(summary, "bytes")),
                           BytesText(Number(summary, "new_bytes")), Number(summary, "shards"));
    }
  }
  for (const std::string& id : Texts(listing, "damaged")) table += fmt::format("{:<29} its manifest is damaged\n", id);
  return table;
}

}  // namespace rhizome::app
