#include "metrics_load/bodies.h"

#include <fmt/format.h>
#include <snappy.h>

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "format/coding.h"

namespace rhizome::metrics_load {
namespace {

using format::LabelPair;

// Label sets in encoded form, one after another.
class Fragments {
 public:
  void Add(std::string_view fragment) {
    bytes_.append(fragment);
    ends_.push_back(bytes_.size());
  }
  std::string_view At(uint64_t i) const {
    const size_t from = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(from, ends_[i] - from);
  }

 private:
  std::string bytes_;
  std::vector<size_t> ends_;
};

// A field of a protobuf message that is bytes, or a message itself.
void PutField(std::string& out, int number, std::string_view bytes) {
  out += static_cast<char>(number << 3 | 2);
  format::PutBytes(out, bytes);
}

}  // namespace

Result<Protocol> ProtocolOf(std::string_view word) {
  if (word == "native") return Protocol::kNative;
  if (word == "remote_write") return Protocol::kRemoteWrite;
  if (word == "influx") return Protocol::kInflux;
  return Status::InvalidArgument("protocol", "must be native, remote_write or influx");
}

std::string TargetOf(Protocol protocol) {
  switch (protocol) {
    case Protocol::kNative: return "/api/v1/import/native";
    case Protocol::kRemoteWrite: return "/api/v1/write";
    case Protocol::kInflux: return "/write?precision=ms";
  }
  return "";
}

std::vector<std::string> HeadersOf(Protocol protocol) {
  switch (protocol) {
    case Protocol::kNative: return {"Content-Type: application/octet-stream"};
    case Protocol::kRemoteWrite:
      return {"Content-Type: application/x-protobuf", "Content-Encoding: snappy",
              "X-Prometheus-Remote-Write-Version: 0.1.0"};
    case Protocol::kInflux: return {"Content-Type: text/plain; charset=utf-8"};
  }
  return {};
}

class BodySource::Encoder {  // virtual: three implementations
 public:
  virtual ~Encoder() = default;
  // Each series once, in their order, before anything else.
  virtual void Know(const LabelList& labels) = 0;
  virtual void Add(uint64_t series, std::span<const Sample> samples) = 0;
  // What was added since the last body, in place of what `out` held.
  virtual void Finish(std::string& out) = 0;
};

class BodySource::Native final : public Encoder {
 public:
  void Know(const LabelList& labels) override {
    std::vector<LabelPair> pairs;
    for (const auto& [name, value] : labels) pairs.push_back({name, value});
    const auto series = batch_.Series(pairs);
    CHECK(series.ok());
    known_.push_back(*series);
  }
  void Add(uint64_t series, std::span<const Sample> samples) override {
    for (const Sample& sample : samples) CHECK(batch_.Add(known_[series], sample.time_ms, sample.value));
  }
  void Finish(std::string& out) override { out = batch_.Take().bytes; }

 private:
  metrics_client::Batch batch_{SIZE_MAX};
  std::vector<metrics_client::SeriesId> known_;
};

// prometheus.WriteRequest, in a snappy block.
class BodySource::RemoteWrite final : public Encoder {
 public:
  void Know(const LabelList& labels) override {
    std::string fragment;
    for (const auto& [name, value] : labels) {
      std::string label;
      PutField(label, 1, name);
      PutField(label, 2, value);
      PutField(fragment, 1, label);
    }
    labels_.Add(fragment);
  }
  void Add(uint64_t series, std::span<const Sample> samples) override {
    series_.assign(labels_.At(series));
    for (const Sample& sample : samples) {
      sample_ = '\x09';  // field 1, eight bytes
      format::PutU64(sample_, std::bit_cast<uint64_t>(sample.value));
      sample_ += '\x10';  // field 2, varint
      format::PutVarint(sample_, static_cast<uint64_t>(sample.time_ms));
      PutField(series_, 2, sample_);
    }
    PutField(message_, 1, series_);
  }
  void Finish(std::string& out) override {
    snappy::Compress(message_.data(), message_.size(), &out);
    message_.clear();
  }

 private:
  Fragments labels_;
  std::string message_, series_, sample_;
};

// A line per sample, whose one field is "value".
class BodySource::Influx final : public Encoder {
 public:
  void Know(const LabelList& labels) override {
    std::string line;
    for (const auto& [name, value] : labels) {
      if (name == "__name__") {
        line.insert(0, value);
      } else {
        line += ',' + name + '=' + value;
      }
    }
    labels_.Add(line + " value=");
  }
  void Add(uint64_t series, std::span<const Sample> samples) override {
    for (const Sample& sample : samples) {
      body_ += labels_.At(series);
      fmt::format_to(std::back_inserter(body_), "{} {}\n", sample.value, sample.time_ms);
    }
  }
  void Finish(std::string& out) override {
    out.swap(body_);
    body_.clear();
  }

 private:
  Fragments labels_;
  std::string body_;
};

std::unique_ptr<BodySource::Encoder> BodySource::EncoderOf(Protocol protocol) {
  if (protocol == Protocol::kNative) return std::make_unique<Native>();
  if (protocol == Protocol::kRemoteWrite) return std::make_unique<RemoteWrite>();
  return std::make_unique<Influx>();
}

BodySource::BodySource(const BodyOptions& options, const WorkloadOptions& workload, uint64_t first_series,
                       uint64_t count)
    : options_(options),
      workload_(workload, first_series, count),
      encoder_(EncoderOf(options.protocol)),
      samples_(options.samples_per_series) {
  CHECK(count > 0 && options.samples_per_series > 0 && options.samples_per_body >= options.samples_per_series);
  for (uint64_t i = 0; i < count; ++i) encoder_->Know(LabelsOf(first_series + i));
}

BodySource::~BodySource() = default;

uint64_t BodySource::Next(std::string& out) {
  const uint64_t series_max = options_.samples_per_body / options_.samples_per_series;
  const uint64_t end = std::min(next_ + series_max, workload_.count());
  const uint64_t samples = (end - next_) * options_.samples_per_series;
  for (; next_ < end; ++next_) {
    for (Sample& sample : samples_) sample = workload_.Next(next_);
    encoder_->Add(next_, samples_);
    newest_ms_ = std::max(newest_ms_, samples_.back().time_ms);
  }
  if (next_ == workload_.count()) {
    next_ = 0;
    ++rounds_;
  }
  encoder_->Finish(out);
  return samples;
}

}  // namespace rhizome::metrics_load
