// SeriesDictionary: the label sets that a sender names again and again, kept once, and rows that come without them.
//
// Rows (kind 0x11, docs/formats/series_batch.md) are the columns of a batch without its dictionary, which they name by
// 16 bytes. What a name means is settled between who writes rows and who reads them: on the native route it is the
// server's word for a dictionary it was sent, in a log the version of the record that holds it. Whoever reads rows
// finds the dictionary first and opens them with SeriesBatch::DecodeRows; from there on they are a batch like any
// other.
//
// DictionarySplit is where the series of one dictionary belong, found once; every batch of it is then taken apart by
// copying columns.
//
// Immutable; thread-safe.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/version.h"
#include "format/series_batch.h"

namespace rhizome::format {

// By which the native route tells a dictionary's name.
inline constexpr std::string_view kDictionaryHeader = "X-Rhizome-Dictionary";

struct DictionaryName {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const DictionaryName&) const = default;

  // 32 hexadecimal digits, as the native route says it; nothing for other text.
  std::string ToString() const;
  static std::optional<DictionaryName> Parse(std::string_view text);
  // Of the record of a log that has this version.
  static DictionaryName Of(Version version) { return {version.time, version.node}; }
};

class SeriesDictionary {
 public:
  // A copy of the batch's.
  static std::shared_ptr<const SeriesDictionary> Of(const SeriesBatch& batch);
  SeriesDictionary(const SeriesDictionary&) = delete;
  SeriesDictionary& operator=(const SeriesDictionary&) = delete;

  // The label sets, without rows.
  const SeriesBatch& batch() const { return batch_; }
  std::string_view bytes() const { return bytes_; }  // of that
  // No other object of this process has it, now or later.
  uint64_t number() const { return number_; }

 private:
  explicit SeriesDictionary(std::string bytes);

  const std::string bytes_;
  const SeriesBatch batch_;
  const uint64_t number_;
};

// The batch's rows; its version is not theirs.
std::string RowsOf(const SeriesBatch& batch, DictionaryName name);
// The batch with its dictionary in it, which rows are without.
std::string WholeOf(const SeriesBatch& batch);
// Of rows, checked in no way; nothing for other bytes.
std::optional<DictionaryName> DictionaryNameOf(std::string_view rows);
// Gives sound rows another name.
void NameDictionary(std::string& rows, DictionaryName name);

class DictionarySplit {
 public:
  // Parts are below `parts`, as many as there are series.
  DictionarySplit(const SeriesDictionary& whole, std::span<const uint32_t> part_of_series, size_t parts);

  size_t parts() const { return parts_.size(); }
  // What the part's rows refer to; null where no series belongs to it.
  const std::shared_ptr<const SeriesDictionary>& dictionary(size_t part) const { return parts_[part].dictionary; }
  // The rows of a batch with this dictionary by part; "" where there are none. Names and versions are the caller's.
  std::vector<std::string> Split(const SeriesBatch& batch) const;
  size_t bytes() const;  // of memory, about

 private:
  struct Part {
    std::vector<uint32_t> series;  // of the whole, ascending
    std::shared_ptr<const SeriesDictionary> dictionary;
  };
  std::string Encode(const SeriesBatch& batch, const Part& part, std::span<const uint32_t> rows) const;
  // By part, the rows of its series.
  std::vector<std::vector<uint32_t>> FindRows(const SeriesBatch& batch) const;

  std::vector<uint32_t> part_of_series_;
  std::vector<uint32_t> place_;  // of a series in its part
  std::vector<Part> parts_;
};

}  // namespace rhizome::format
