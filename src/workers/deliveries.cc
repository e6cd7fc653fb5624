#include "workers/deliveries.h"

#include <algorithm>
#include <charconv>

namespace rhizome::workers {
namespace {

// Only those that were alone in hand have a count: one, mostly. More than this says nothing more.
constexpr size_t kCountsMax = 64;

bool ReadNumber(std::string_view& text, char end, uint64_t& number) {
  const size_t at = text.find(end);
  if (at == std::string_view::npos) return false;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + at, number);
  const bool whole = error == std::errc() && stop == text.data() + at;
  text.remove_prefix(at + 1);
  return whole;
}

}  // namespace

// "begun 120;117:2;": up to 120, and 117 was alone twice.
std::string Deliveries::NoteOf(const Partition& partition) {
  if (partition.suspects_end <= partition.next) return {};
  std::string note = "begun " + std::to_string(partition.suspects_end) + ";";
  size_t written = 0;
  for (const auto& [offset, count] : partition.counts) {
    if (offset < partition.next || written++ == kCountsMax) continue;
    note += std::to_string(offset) + ":" + std::to_string(count) + ";";
  }
  return note;
}

bool Deliveries::ReadNote(std::string_view note, Partition& partition) {
  constexpr std::string_view kBegun = "begun ";
  if (!note.starts_with(kBegun)) return false;
  note.remove_prefix(kBegun.size());
  if (!ReadNumber(note, ';', partition.suspects_end)) return false;
  while (!note.empty()) {
    uint64_t offset = 0, count = 0;
    if (!ReadNumber(note, ':', offset) || !ReadNumber(note, ';', count) || count > UINT32_MAX) return false;
    partition.counts[offset] = static_cast<uint32_t>(count);
  }
  return true;
}

Deliveries::Partition Deliveries::Of(uint32_t number) const {
  const auto found = partitions_.find(number);
  return found == partitions_.end() ? Partition() : found->second;
}

bool Deliveries::Follows(const queue::Message& message) const {
  const auto found = partitions_.find(message.partition);
  return found != partitions_.end() && found->second.next == message.offset;
}

void Deliveries::Learn(std::span<const queue::Position> committed) {
  for (const queue::Position& position : committed) {
    Partition partition;
    if (!ReadNote(position.note, partition)) partition = {};
    partition.next = position.offset;
    partitions_[position.partition] = std::move(partition);
  }
}

bool Deliveries::IsSuspect(const queue::Message& message) const {
  return message.offset < Of(message.partition).suspects_end;
}

uint32_t Deliveries::CountOf(const queue::Message& message) const {
  const Partition partition = Of(message.partition);
  const auto found = partition.counts.find(message.offset);
  return found == partition.counts.end() ? 0 : found->second;
}

std::vector<queue::Position> Deliveries::Before(std::span<const queue::Message> run) const {
  std::map<uint32_t, Partition> changed;
  std::vector<queue::Position> positions;
  for (const queue::Message& message : run) {
    const auto [at, first] = changed.try_emplace(message.partition, Of(message.partition));
    Partition& partition = at->second;
    if (first) partition.next = message.offset;
    if (IsSuspect(message)) ++partition.counts[message.offset];
    partition.suspects_end = std::max(partition.suspects_end, message.offset + 1);
  }
  for (const auto& [number, partition] : changed) {
    positions.push_back({run.front().topic, number, partition.next, NoteOf(partition)});
  }
  return positions;
}

std::vector<queue::Position> Deliveries::After(std::span<const queue::Message> run) const {
  std::vector<queue::Position> positions = queue::PositionsAfter(run);
  for (queue::Position& position : positions) {
    Partition partition = Of(position.partition);
    partition.next = position.offset;
    position.note = NoteOf(partition);
  }
  return positions;
}

void Deliveries::Done(std::span<const queue::Message> run) {
  for (const queue::Message& message : run) {
    Partition& partition = partitions_[message.partition];
    partition.next = message.offset + 1;
    partition.counts.erase(message.offset);
  }
}

}  // namespace rhizome::workers
