// What tests, benchmarks and fuzz targets of blocks share.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engines/series/block.h"
#include "engines/series/block_writer.h"
#include "format/labels.h"
#include "io/sim_disk.h"

namespace rhizome::series {

inline format::Labels LabelsOf(std::initializer_list<format::LabelPair> pairs) {
  return format::Labels::FromPairs(std::vector<format::LabelPair>(pairs)).value();
}

inline format::Matcher MatcherOf(std::string name, format::MatchKind kind, std::string value) {
  return format::Matcher::Make(kind, std::move(name), std::move(value)).value();
}

// Series with their samples, in the order of their labels.
using BlockContent = std::map<format::Labels, StoredSamples>;

inline BlockInfo MustWrite(io::Disk& disk, const std::string& path, Partition partition, const BlockContent& content) {
  auto writer = BlockWriter::Create(disk, path, partition, 17).value();
  for (const auto& [labels, samples] : content) CHECK(writer->Add(labels, samples).ok());
  return writer->Finish().value();
}

inline std::string BytesOf(Partition partition, const BlockContent& content) {
  io::SimDisk disk;
  MustWrite(disk, "block", partition, content);
  return io::ReadWholeFile(disk, "block").value();
}

// Small, and with everything a block may have.
inline BlockContent SmallContent() {
  BlockContent content;
  content[LabelsOf({{"__name__", "cpu"}, {"host", "a"}})] = {{{1'000, 2'000, 3'500}, {1, 2, 2.5}}, {}};
  content[LabelsOf({{"__name__", "cpu"}, {"host", "b"}})] = {{{1'001}, {-0.0}},
                                                             {{900, 5, 77}, {1'001, 6, 99}, {1'001, 8, 98}}};
  content[LabelsOf({{"__name__", "up"}, {"host", "a"}, {"zone", "x"}})] = {{}, {{2'000, 1, 12}}};
  return content;
}
inline constexpr Partition kSmallPartition{0, 9'999};

}  // namespace rhizome::series
