#include "ingest/remote_write.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "ingest/prometheus_messages.h"
#include "ingest/short_bytes.h"

namespace rhizome::ingest {
namespace {

// WriteRequest
constexpr uint32_t kTimeSeries = BytesTag(1), kMetadata = BytesTag(3);
// TimeSeries
constexpr uint32_t kLabel = BytesTag(1), kSample = BytesTag(2), kExemplar = BytesTag(3), kHistogram = BytesTag(4);
// Label
constexpr uint32_t kName = BytesTag(1), kValue = BytesTag(2);
// MetricMetadata
constexpr uint32_t kType = VarintTag(1), kFamily = BytesTag(2), kHelp = BytesTag(4), kUnit = BytesTag(5);

bool ReadLabel(std::string_view message, std::string_view& name, std::string_view& value) {
  WireReader in(message);
  while (in.Next()) {
    if (in.tag() == kName) {
      if (!in.Bytes(name)) return false;
    } else if (in.tag() == kValue) {
      if (!in.Bytes(value)) return false;
    } else if (!in.Skip()) {
      return false;
    }
  }
  return !in.failed();
}

bool ReadMetadata(std::string_view message, MetricMetadata& about) {
  WireReader in(message);
  std::string_view text;
  while (in.Next()) {
    uint64_t type = 0;
    if (in.tag() == kType) {
      if (!in.Varint(type)) return false;
      about.type =
          type <= static_cast<uint64_t>(MetricType::kStateSet) ? static_cast<MetricType>(type) : MetricType::kUnknown;
    } else if (in.tag() == kFamily || in.tag() == kHelp || in.tag() == kUnit) {
      if (!in.Bytes(text)) return false;
      (in.tag() == kFamily ? about.metric : in.tag() == kHelp ? about.help : about.unit) = text;
    } else if (!in.Skip()) {
      return false;
    }
  }
  return !in.failed();
}

}  // namespace

// One body.
class RemoteWriteDecoder::Run {
 public:
  Run(Memory& memory, const Limits& limits, std::string_view message, format::SeriesBatchBuilder& out)
      : m_(memory), limits_(limits), end_(message.data() + message.size()), out_(out) {
    m_.known.clear();  // of another body
  }

  Status Request(std::string_view message) {
    WireReader in(message);
    std::string_view part;
    while (in.Next()) {
      if (in.tag() == kTimeSeries) {
        if (!in.Bytes(part)) break;
        if (!Series(part)) return Malformed(Here(), "malformed protobuf TimeSeries");
        RETURN_IF_ERROR(CheckTaken(taken_, out_, limits_));
        ++index_;
      } else if (in.tag() == kMetadata) {
        MetricMetadata about;
        if (!in.Bytes(part)) break;
        if (!ReadMetadata(part, about)) return Malformed("metadata", "malformed protobuf MetricMetadata");
        taken_.AddMetadata(std::move(about));
      } else if (!in.Skip()) {
        break;
      }
    }
    if (!in.failed()) return Status::Ok();
    return Malformed("body", fmt::format("not a protobuf WriteRequest: malformed at byte {}", in.offset()));
  }

  Taken& taken() { return taken_; }

 private:
  std::string Here() const { return fmt::format("timeseries[{}]", index_); }

  enum class Outcome { kRead, kMoreLabels, kMalformed };

  // False when it is malformed.
  bool Series(std::string_view message) {
    size_t labels_end = 0;
    if (const size_t labels = KnownLabels(message, labels_end); labels > 0) {
      const Outcome read = Fields(message.substr(labels_end), false);
      if (read == Outcome::kMalformed) return false;
      if (read == Outcome::kRead) {
        RefuseHistograms();
        if (!m_.values.empty()) AddRows(out_.AppendWritten(labels));
        return true;
      }
    }
    m_.labels.clear();
    m_.raw.clear();
    if (Fields(message, true) != Outcome::kRead) return false;
    KeepIfSound();
    return true;
  }

  // Reads the fields of a TimeSeries into memory; at a label it stops unless labels are to be read.
  Outcome Fields(std::string_view message, bool labels);

  // Writes the canonical labels at the front of `message`, which ends at `end` there, into the builder's room, if they
  // have the names of an earlier series in its order and sound values, and gives their bytes. 0 means that nothing is
  // known.
  size_t KnownLabels(std::string_view message, size_t& end) {
    constexpr size_t kRawMax = 0x80;
    const char* at = message.data();
    const char* const message_end = at + message.size();
    char* const room = out_.LabelRoom(m_.known.size() * kRawMax + kShortSlack);
    char* to = room;
    for (Known& known : m_.known) {
      if (message_end - at < 2 || static_cast<uint8_t>(at[0]) != kLabel) return 0;
      const auto size = static_cast<uint8_t>(at[1]);
      const char* const raw = at + 2;
      if (size >= kRawMax || size > message_end - raw) return 0;
      if (size != known.size || !SameBytes(raw, known.raw, size)) {
        if (!SoundValue(known, raw, size)) return 0;
        known.raw = raw;
        known.size = size;
      }
      const auto readable = static_cast<size_t>(end_ - raw);
      to = CopyShort(to, raw + 1, known.head - 1, readable - 1);
      to = CopyShort(to, raw + known.head + 1, size - known.head - 1, readable - known.head - 1);
      at = raw + size;
    }
    end = static_cast<size_t>(at - message.data());
    if (end > limits_.series_bytes_max) return 0;
    return static_cast<size_t>(to - room);
  }

  // Whether a label is `known` with another value, and that value is sound.
  bool SoundValue(const Known& known, const char* raw, size_t size) const {
    if (size < known.head + 3 || !SameBytes(raw, known.raw, known.head)) return false;
    const size_t length = size - known.head - 2;
    if (static_cast<uint8_t>(raw[known.head]) != kValue || static_cast<uint8_t>(raw[known.head + 1]) != length ||
        length > limits_.value_bytes_max) {
      return false;
    }
    const std::string_view value(raw + known.head + 2, length);
    if (known.names_metric) return format::IsMetricName(value);
    return IsAscii(value.data(), length) || IsUtf8(value);
  }

  void KeepIfSound() {
    if (m_.values.empty() && histograms_ == 0) return;
    m_.set.Clear();
    for (const format::LabelPair& label : m_.labels) m_.set.Add(label.name, label.value);
    const Result<format::LabelsView> made = m_.set.Finish(limits_);
    if (!made.ok()) {
      return taken_.Drop(m_.values.size() + histograms_,
                         [&] { return Status::InvalidArgument(Here(), std::string(made.status().message())); });
    }
    Learn();
    RefuseHistograms();
    if (!m_.values.empty()) AddRows(out_.AppendSeries(*made));
  }

  // The labels just read were sound: if they were in order and encoded as everybody does, later ones may be compared.
  void Learn() {
    m_.known.clear();
    for (size_t i = 0; i < m_.labels.size(); ++i) {
      const auto& [name, value] = m_.labels[i];
      const std::string_view raw = m_.raw[i];
      const bool usual =
          raw.size() < 0x80 && raw.size() == name.size() + value.size() + 4 && name.data() == raw.data() + 2;
      if (!usual || value.empty() || (i > 0 && name <= m_.labels[i - 1].name)) return m_.known.clear();
      m_.known.push_back({raw.data(), raw.size(), name.size() + 2, name == format::kMetricNameLabel});
    }
  }

  void RefuseHistograms() {
    if (histograms_ == 0) return;
    taken_.Drop(histograms_, [&] {
      return Status::InvalidArgument(Here() + ".histograms", "native histograms are not stored: send classic ones");
    });
  }

  void AddRows(uint32_t series) {
    if (m_.values.size() == 1) {
      out_.Add(series, m_.times[0], m_.values[0]);
    } else {
      out_.AddRun(series, m_.times, m_.values);
    }
    taken_.samples += m_.values.size();
  }

  Memory& m_;
  const Limits& limits_;
  const char* const end_;  // of the message
  format::SeriesBatchBuilder& out_;
  Taken taken_;
  size_t index_ = 0;
  uint64_t histograms_ = 0;  // of the series that is read
};

RemoteWriteDecoder::Run::Outcome RemoteWriteDecoder::Run::Fields(std::string_view message, bool labels) {
  m_.times.clear();
  m_.values.clear();
  histograms_ = 0;
  uint64_t exemplars = 0;
  WireReader in(message);
  std::string_view part;
  while (in.Next()) {
    if (in.tag() == kSample) {
      int64_t time = 0;
      double value = 0;
      if (!in.Bytes(part) || !ReadSample(part, time, value)) return Outcome::kMalformed;
      m_.times.push_back(time);
      m_.values.push_back(value);
      if (m_.times.size() > limits_.samples_max) return Outcome::kRead;  // refused as too many
    } else if (in.tag() == kLabel) {
      if (!labels) return Outcome::kMoreLabels;
      format::LabelPair label;
      if (!in.Bytes(part) || !ReadLabel(part, label.name, label.value)) return Outcome::kMalformed;
      if (m_.labels.size() > limits_.labels_max) continue;  // refused below, without a memory of all of them
      m_.labels.push_back(label);
      m_.raw.push_back(part);
    } else {
      if (in.tag() == kExemplar) ++exemplars;
      if (in.tag() == kHistogram) ++histograms_;
      if (!in.Skip()) return Outcome::kMalformed;
    }
  }
  if (in.failed()) return Outcome::kMalformed;
  taken_.exemplars += exemplars;
  return Outcome::kRead;
}

Result<Taken> RemoteWriteDecoder::DecodeMessage(std::string_view message, const Limits& limits,
                                                format::SeriesBatchBuilder& out) {
  Run run(memory_, limits, message, out);
  if (Status read = run.Request(message); !read.ok()) {
    out.Clear();
    return read;
  }
  return std::move(run.taken());
}

Result<Taken> RemoteWriteDecoder::Decode(std::string_view body, const Limits& limits, format::SeriesBatchBuilder& out) {
  ASSIGN_OR_RETURN(const std::string_view message, snappy_.Undo(body, limits));
  return DecodeMessage(message, limits, out);
}

}  // namespace rhizome::ingest
