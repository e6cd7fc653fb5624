#include "ingest/remote_write_2.h"

#include <fmt/format.h>

#include <utility>

#include "ingest/prometheus_messages.h"

namespace rhizome::ingest {
namespace {

// Request
constexpr uint32_t kSymbol = BytesTag(4), kTimeSeries = BytesTag(5);
// Of remote write 1.0, whose messages have neither symbols nor series at these numbers.
constexpr uint32_t kTimeSeriesOfV1 = BytesTag(1);
// TimeSeries
constexpr uint32_t kRefs = BytesTag(1), kRef = VarintTag(1), kSample = BytesTag(2), kHistogram = BytesTag(3);
constexpr uint32_t kExemplar = BytesTag(4), kMetadata = BytesTag(5);
// Metadata
constexpr uint32_t kType = VarintTag(1), kHelpRef = VarintTag(3), kUnitRef = VarintTag(4);

constexpr size_t kSymbolsMax = 4'000'000;  // a table of them takes 16 bytes for each

struct MetadataRefs {
  uint64_t type = 0, help = 0, unit = 0;
};

bool ReadMetadata(std::string_view message, MetadataRefs& about) {
  WireReader in(message);
  while (in.Next()) {
    if (in.tag() == kType) {
      if (!in.Varint(about.type)) return false;
    } else if (in.tag() == kHelpRef) {
      if (!in.Varint(about.help)) return false;
    } else if (in.tag() == kUnitRef) {
      if (!in.Varint(about.unit)) return false;
    } else if (!in.Skip()) {
      return false;
    }
  }
  return !in.failed();
}

}  // namespace

// One body.
class RemoteWrite2Decoder::Run {
 public:
  Run(Memory& memory, const Limits& limits, format::SeriesBatchBuilder& out) : m_(memory), limits_(limits), out_(out) {}

  Status Request(std::string_view message) {
    RETURN_IF_ERROR(Symbols(message));
    WireReader in(message);
    std::string_view part;
    while (in.Next()) {
      if (in.tag() != kTimeSeries) {
        if (!in.Skip()) break;
        continue;
      }
      if (!in.Bytes(part)) break;
      if (!Series(part)) return Malformed(Here(), "malformed protobuf TimeSeries");
      RETURN_IF_ERROR(CheckTaken(taken_, out_, limits_));
      ++index_;
    }
    return Status::Ok();
  }

  Taken& taken() { return taken_; }

 private:
  std::string Here() const { return fmt::format("timeseries[{}]", index_); }

  // The whole table first: protobuf promises no order of fields.
  Status Symbols(std::string_view message) {
    m_.symbols.clear();
    bool of_v1 = false;
    WireReader in(message);
    while (in.Next()) {
      of_v1 = of_v1 || in.tag() == kTimeSeriesOfV1;
      if (in.tag() == kSymbol ? !in.Bytes(m_.symbols.emplace_back()) : !in.Skip()) break;
      if (m_.symbols.size() > kSymbolsMax) {
        return Status::TooLarge("symbols", fmt::format("more than {} symbols: send less at a time", kSymbolsMax));
      }
    }
    if (in.failed()) {
      return Malformed("body",
                       fmt::format("not a protobuf Request of remote write 2.0: malformed at byte {}", in.offset()));
    }
    if (of_v1) return Malformed("body", "a message of remote write 1.0, but 2.0 was announced");
    if (!m_.symbols.empty() && !m_.symbols[0].empty())
      return Malformed("symbols[0]", "the first symbol has to be empty");
    return Status::Ok();
  }

  // False when it is malformed.
  bool Series(std::string_view message) {
    m_.refs.clear();
    m_.times.clear();
    m_.values.clear();
    uint64_t histograms = 0;
    MetadataRefs about;
    bool described = false;
    WireReader in(message);
    std::string_view part;
    while (in.Next()) {
      if (in.tag() == kSample) {
        int64_t time = 0;
        double value = 0;
        if (!in.Bytes(part) || !ReadSample(part, time, value)) return false;
        m_.times.push_back(time);
        m_.values.push_back(value);
        if (m_.values.size() > limits_.samples_max) break;  // refused as too many
      } else if (in.tag() == kRefs) {
        if (!in.Bytes(part)) return false;
        for (WireReader refs(part); !refs.AtEnd();) {
          if (!Ref(refs)) return false;
        }
      } else if (in.tag() == kRef) {
        if (!Ref(in)) return false;
      } else if (in.tag() == kMetadata) {
        if (!in.Bytes(part) || !ReadMetadata(part, about)) return false;
        described = true;
      } else {
        if (in.tag() == kExemplar) ++taken_.exemplars;
        if (in.tag() == kHistogram) ++histograms;
        if (!in.Skip()) return false;
      }
    }
    if (in.failed()) return false;
    Keep(histograms, described ? &about : nullptr);
    return true;
  }

  bool Ref(WireReader& in) {
    uint64_t ref = 0;
    if (!in.Varint(ref)) return false;
    if (m_.refs.size() <= 2 * limits_.labels_max) m_.refs.push_back(ref);
    return true;
  }

  Result<format::LabelsView> Labels() {
    if (m_.refs.size() > 2 * limits_.labels_max) {
      return Status::InvalidArgument({}, fmt::format("the series has more than {} labels", limits_.labels_max));
    }
    if (m_.refs.size() % 2 != 0) {
      return Status::InvalidArgument({}, fmt::format("{} label references, which are not pairs", m_.refs.size()));
    }
    m_.set.Clear();
    for (size_t i = 0; i < m_.refs.size(); i += 2) {
      for (const uint64_t ref : {m_.refs[i], m_.refs[i + 1]}) {
        if (ref >= m_.symbols.size()) {
          return Status::InvalidArgument({}, fmt::format("a label refers to symbol {} of {}", ref, m_.symbols.size()));
        }
      }
      m_.set.Add(m_.symbols[m_.refs[i]], m_.symbols[m_.refs[i + 1]]);
    }
    return m_.set.Finish(limits_);
  }

  void Keep(uint64_t histograms, const MetadataRefs* about) {
    if (m_.values.empty() && histograms == 0) return;
    const Result<format::LabelsView> labels = Labels();
    if (!labels.ok()) {
      return taken_.Drop(m_.values.size() + histograms,
                         [&] { return Status::InvalidArgument(Here(), std::string(labels.status().message())); });
    }
    if (about != nullptr) Describe(*about, labels->metric_name());
    if (histograms > 0) {
      taken_.Drop(histograms, [&] {
        return Status::InvalidArgument(Here() + ".histograms", "native histograms are not stored: send classic ones");
      });
    }
    if (m_.values.empty()) return;
    out_.AddRun(out_.AppendSeries(*labels), m_.times, m_.values);
    taken_.samples += m_.values.size();
  }

  // References that lead nowhere mean nothing here: samples are worth more than their description.
  void Describe(const MetadataRefs& about, std::string_view metric) {
    if (about.type == 0 && about.help == 0 && about.unit == 0) return;
    if (!taken_.metadata.empty() && taken_.metadata.back().metric == metric) return;  // neighbours repeat it
    const auto symbol = [&](uint64_t ref) { return ref < m_.symbols.size() ? m_.symbols[ref] : std::string_view(); };
    const auto type = about.type <= static_cast<uint64_t>(MetricType::kStateSet) ? static_cast<MetricType>(about.type)
                                                                                 : MetricType::kUnknown;
    taken_.AddMetadata({std::string(metric), type, std::string(symbol(about.help)), std::string(symbol(about.unit))});
  }

  Memory& m_;
  const Limits& limits_;
  format::SeriesBatchBuilder& out_;
  Taken taken_;
  size_t index_ = 0;
};

Result<Taken> RemoteWrite2Decoder::DecodeMessage(std::string_view message, const Limits& limits,
                                                 format::SeriesBatchBuilder& out) {
  Run run(memory_, limits, out);
  if (Status read = run.Request(message); !read.ok()) {
    out.Clear();
    return read;
  }
  return std::move(run.taken());
}

Result<Taken> RemoteWrite2Decoder::Decode(std::string_view body, const Limits& limits,
                                          format::SeriesBatchBuilder& out) {
  ASSIGN_OR_RETURN(const std::string_view message, snappy_.Undo(body, limits));
  return DecodeMessage(message, limits, out);
}

}  // namespace rhizome::ingest
