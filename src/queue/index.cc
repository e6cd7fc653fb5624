#include "queue/index.h"

#include <algorithm>

namespace rhizome::queue {

constexpr uint32_t kPartitionsMax = 256;

Index::Partition& Index::Touch(PartitionId id) {
  Topic& topic = topics_[id.first];
  if (topic.partitions.size() <= id.second) topic.partitions.resize(id.second + 1);
  return topic.partitions[id.second];
}

Status Index::ApplyRun(const RunHeader& header, wal::Lsn lsn, uint64_t bytes) {
  if (header.partition.second >= kPartitionsMax || (!replaying_ && !Has(header.partition))) {
    return Status::Corruption("queue record " + std::to_string(lsn) + " is of partition " +
                              std::to_string(header.partition.second) + ", which there is not");
  }
  Partition& partition = Touch(header.partition);
  Topic& topic = topics_[header.partition.first];
  // A run that was carried to the log's end stands there twice until its first place is deleted.
  if (const auto before = partition.runs.find(header.first_offset); before != partition.runs.end()) {
    Forget(header.partition, before);
  }
  partition.runs[header.first_offset] = {lsn, header.count, bytes};
  by_lsn_[lsn] = {header.partition, header.first_offset};
  partition.end = std::max(partition.end, header.first_offset + header.count);
  partition.next = std::max(partition.next, partition.end);
  topic.messages += header.count;
  topic.bytes += bytes;
  live_bytes_ += bytes;
  return Status::Ok();
}

Status Index::ApplyControl(const Control& control) {
  for (const Control::Topic& from : control.topics) {
    if (from.next_offsets.empty()) return Status::Corruption("queue topic " + from.name + " without partitions");
    Topic& topic = topics_[from.number];
    topic.name = from.name;
    if (topic.partitions.size() < from.next_offsets.size()) topic.partitions.resize(from.next_offsets.size());
    topic.options.partitions = static_cast<uint32_t>(topic.partitions.size());
    for (size_t i = 0; i < from.next_offsets.size(); ++i) {
      topic.partitions[i].end = std::max(topic.partitions[i].end, from.next_offsets[i]);
      topic.partitions[i].next = std::max(topic.partitions[i].next, topic.partitions[i].end);
    }
  }
  for (const auto& [name, positions] : control.groups) {
    if (control.kind == Control::Kind::kRemoveGroup) {
      groups_.erase(name);
      notes_.erase(name);
      continue;
    }
    const auto notes = control.notes.find(name);
    Control::Positions& group = groups_[name];
    for (const auto& [partition, offset] : positions) {
      uint64_t& at = group[partition];
      // A commit of an earlier place than the group's says nothing any more.
      if (offset < at) continue;
      at = offset;
      notes_[name].erase(partition);
      if (notes != control.notes.end() && notes->second.contains(partition)) {
        notes_[name][partition] = notes->second.at(partition);
      }
      if (!replaying_) DropPassed(partition);
    }
  }
  return Status::Ok();
}

Status Index::FinishReplay() {
  replaying_ = false;
  for (const auto& [number, topic] : topics_) {
    if (topic.name.empty()) return Status::Corruption("queue topic " + std::to_string(number) + " has no name");
  }
  for (const auto& [name, positions] : groups_) {
    for (const auto& [partition, offset] : positions) {
      if (!Has(partition)) return Status::Corruption("queue group " + name + " reads a topic that there is not");
      DropPassed(partition);
    }
  }
  return Status::Ok();
}

void Index::Forget(PartitionId id, std::map<uint64_t, Run>::iterator run) {
  Topic& topic = topics_.at(id.first);
  topic.messages -= run->second.count;
  topic.bytes -= run->second.bytes;
  live_bytes_ -= run->second.bytes;
  by_lsn_.erase(run->second.lsn);
  topic.partitions[id.second].runs.erase(run);
}

void Index::DropPassed(PartitionId id) {
  if (!Has(id)) return;
  const uint64_t low = Low(id);
  auto& runs = partition(id).runs;
  while (!runs.empty() && runs.begin()->first + runs.begin()->second.count <= low) Forget(id, runs.begin());
}

void Index::MoveRun(const RunPlace& place, wal::Lsn from, wal::Lsn to) {
  auto& runs = partition(place.partition).runs;
  const auto run = runs.find(place.first_offset);
  if (run == runs.end() || run->second.lsn != from) return;
  run->second.lsn = to;
  by_lsn_.erase(from);
  by_lsn_[to] = place;
}

std::optional<uint32_t> Index::Find(const std::string& topic) const {
  for (const auto& [number, each] : topics_) {
    if (each.name == topic) return number;
  }
  return std::nullopt;
}

bool Index::Has(PartitionId id) const {
  const auto topic = topics_.find(id.first);
  return topic != topics_.end() && id.second < topic->second.partitions.size();
}

uint64_t Index::Low(PartitionId id) const {
  std::optional<uint64_t> low;
  for (const auto& [name, positions] : groups_) {
    const auto at = positions.find(id);
    if (at != positions.end()) low = std::min(low.value_or(UINT64_MAX), at->second);
  }
  if (low) return *low;
  const auto& runs = topics_.at(id.first).partitions.at(id.second).runs;
  return runs.empty() ? topics_.at(id.first).partitions.at(id.second).end : runs.begin()->first;
}

std::string Index::Slowest(uint32_t topic) const {
  std::string slowest;
  uint64_t most = 0;
  for (const auto& [name, positions] : groups_) {
    uint64_t behind = 0;
    bool reads = false;
    for (uint32_t p = 0; p < topics_.at(topic).partitions.size(); ++p) {
      const auto at = positions.find({topic, p});
      if (at == positions.end()) continue;
      reads = true;
      const uint64_t end = topics_.at(topic).partitions[p].end;
      behind += end > at->second ? end - at->second : 0;
    }
    if (reads && (slowest.empty() || behind > most)) {
      slowest = name;
      most = behind;
    }
  }
  return slowest;
}

Control Index::Checkpoint() const {
  Control control;
  control.kind = Control::Kind::kCheckpoint;
  for (const auto& [number, topic] : topics_) {
    Control::Topic& to = control.topics.emplace_back();
    to.number = number;
    to.name = topic.name;
    for (const Partition& partition : topic.partitions) to.next_offsets.push_back(partition.end);
  }
  control.groups = groups_;
  for (const auto& [name, notes] : notes_) {
    if (!notes.empty()) control.notes[name] = notes;
  }
  return control;
}

std::string Index::Note(const std::string& group, PartitionId id) const {
  const auto notes = notes_.find(group);
  if (notes == notes_.end()) return {};
  const auto note = notes->second.find(id);
  return note == notes->second.end() ? std::string() : note->second;
}

}  // namespace rhizome::queue
