#include "ingest/otlp.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

#include "ingest/otlp_labels.h"
#include "ingest/otlp_names.h"
#include "ingest/prometheus_messages.h"

namespace rhizome::ingest {
namespace {

// The messages around metrics, which are walked and not parsed, so that no more than a metric is in memory at once.
constexpr uint32_t kResourceMetrics = BytesTag(1);
constexpr uint32_t kResource = BytesTag(1), kScopeMetrics = BytesTag(2);
constexpr uint32_t kScope = BytesTag(1), kMetric = BytesTag(2);

constexpr size_t kPartBytesMax = 4 << 20;  // of one metric or resource; parsed it may take 50 times as much
constexpr int kBucketsMax = 4096;          // of one histogram point
constexpr uint32_t kNoRecordedValue = 1;   // in the flags of a point
const double kStaleMarker = std::bit_cast<double>(uint64_t{0x7ff0000000000002});

std::string NumberText(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[512];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed).ptr;
  return std::string(buffer, end);
}

Status Refusal(std::string why) { return Status::InvalidArgument({}, std::move(why)); }

Status CheckTemporality(otlp::AggregationTemporality temporality) {
  if (temporality == otlp::AGGREGATION_TEMPORALITY_CUMULATIVE) return Status::Ok();
  return Refusal(temporality == otlp::AGGREGATION_TEMPORALITY_DELTA
                     ? "delta temporality is not stored: configure the sender for cumulative"
                     : "it does not say its aggregation temporality, which has to be cumulative");
}

class Run {
 public:
  Run(const OtlpOptions& options, const Limits& limits, format::SeriesBatchBuilder& out)
      : options_(options), limits_(limits), out_(out) {}

  Result<Taken> Request(std::string_view message) {
    RETURN_IF_ERROR(EachPart(message, kResourceMetrics, "ExportMetricsServiceRequest", [this](std::string_view part) {
      RETURN_IF_ERROR(ResourceMetrics(part));
      ++resource_index_;
      return Status::Ok();
    }));
    return std::move(taken_);
  }

 private:
  std::string Here() const {
    return fmt::format("resource_metrics[{}].scope_metrics[{}].metrics[{}]", resource_index_, scope_index_,
                       metric_index_);
  }

  // each(bytes) for the fields of a message that have `tag`.
  template <typename Each>
  Status EachPart(std::string_view message, uint32_t tag, std::string_view what, Each&& each) {
    WireReader in(message);
    std::string_view part;
    while (in.Next()) {
      if (in.tag() == tag) {
        if (!in.Bytes(part)) break;
        RETURN_IF_ERROR(each(part));
      } else if (!in.Skip()) {
        break;
      }
    }
    if (!in.failed()) return Status::Ok();
    return Malformed("body", fmt::format("not a protobuf {}: malformed at byte {}", what, in.offset()));
  }

  template <typename Message>
  Status Parse(std::string_view bytes, Message& message, const std::string& where) {
    if (bytes.size() > kPartBytesMax) {
      return Status::TooLarge(where,
                              fmt::format("{} bytes, more than {}: send less at a time", bytes.size(), kPartBytesMax));
    }
    if (message.MergeFromString(std::string(bytes))) return Status::Ok();
    return Malformed(where, "malformed protobuf, or a string that is not UTF-8");
  }

  Status ResourceMetrics(std::string_view message) {
    otlp::Resource resource;
    RETURN_IF_ERROR(EachPart(message, kResource, "ResourceMetrics", [&](std::string_view part) {
      return Parse(part, resource, fmt::format("resource_metrics[{}].resource", resource_index_));
    }));
    resource_ = ResourceLabels(resource, options_.promoted);
    scope_index_ = 0;
    latest_ms_ = INT64_MIN;
    RETURN_IF_ERROR(EachPart(message, kScopeMetrics, "ResourceMetrics", [this](std::string_view part) {
      RETURN_IF_ERROR(ScopeMetrics(part));
      ++scope_index_;
      return Status::Ok();
    }));
    AddTargetInfo();
    return Status::Ok();
  }

  Status ScopeMetrics(std::string_view message) {
    scope_.Clear();
    RETURN_IF_ERROR(EachPart(message, kScope, "ScopeMetrics", [this](std::string_view part) {
      return Parse(part, scope_,
                   fmt::format("resource_metrics[{}].scope_metrics[{}].scope", resource_index_, scope_index_));
    }));
    metric_index_ = 0;
    return EachPart(message, kMetric, "ScopeMetrics", [this](std::string_view part) {
      metric_.Clear();
      RETURN_IF_ERROR(Parse(part, metric_, Here()));
      RETURN_IF_ERROR(TakeMetric());
      ++metric_index_;
      return Status::Ok();
    });
  }

  Status TakeMetric() {
    switch (metric_.data_case()) {
      case otlp::Metric::kGauge:
        Describe(OtlpKind::kGauge, MetricType::kGauge);
        return EachPoint(metric_.gauge().data_points(), Status::Ok(), [this](const auto& p) { return Number(p); });
      case otlp::Metric::kSum: {
        const bool counter = metric_.sum().is_monotonic();
        Describe(counter ? OtlpKind::kCounter : OtlpKind::kOther, counter ? MetricType::kCounter : MetricType::kGauge);
        return EachPoint(metric_.sum().data_points(), CheckTemporality(metric_.sum().aggregation_temporality()),
                         [this](const auto& p) { return Number(p); });
      }
      case otlp::Metric::kHistogram:
        Describe(OtlpKind::kOther, MetricType::kHistogram);
        return EachPoint(metric_.histogram().data_points(),
                         CheckTemporality(metric_.histogram().aggregation_temporality()),
                         [this](const auto& p) { return Histogram(p); });
      case otlp::Metric::kSummary:
        Describe(OtlpKind::kOther, MetricType::kSummary);
        return EachPoint(metric_.summary().data_points(), Status::Ok(), [this](const auto& p) { return Summary(p); });
      case otlp::Metric::kExponentialHistogram:
        for (int i = 0; i < metric_.exponential_histogram().data_points_size(); ++i) {
          Drop(i, Refusal("exponential histograms are not stored: configure explicit buckets"));
        }
        return CheckTaken(taken_, out_, limits_);
      case otlp::Metric::DATA_NOT_SET: return Status::Ok();
    }
    return Status::Ok();
  }

  void Describe(OtlpKind kind, MetricType type) {
    name_ = OtlpMetricName(metric_.name(), metric_.unit(), kind);
    if (format::IsMetricName(name_) && name_.size() <= limits_.name_bytes_max) {
      taken_.AddMetadata({name_, type, metric_.description(), OtlpUnitName(metric_.unit())});
    }
  }

  void Drop(int point, const Status& why) {
    taken_.Drop(1, [&] {
      return Status::InvalidArgument(fmt::format("{}.data_points[{}]", Here(), point),
                                     fmt::format("metric {}: {}", Shown(metric_.name()), why.message()));
    });
  }

  // take(point) for each, unless `all` is a reason to refuse all of them.
  template <typename Points, typename Take>
  Status EachPoint(const Points& points, const Status& all, Take&& take) {
    for (int i = 0; i < points.size(); ++i) {
      const auto& point = points[i];
      if constexpr (requires { point.exemplars_size(); }) {
        taken_.exemplars += static_cast<uint64_t>(point.exemplars_size());
      }
      Status taken = all.ok() ? Begin(point) : all;
      if (taken.ok()) taken = take(point);
      if (!taken.ok()) Drop(i, taken);
      RETURN_IF_ERROR(CheckTaken(taken_, out_, limits_));
    }
    return Status::Ok();
  }

  // What all samples of a point have in common.
  template <typename Point>
  Status Begin(const Point& point) {
    if (point.time_unix_nano() == 0) return Refusal("it has no time_unix_nano");
    if (static_cast<size_t>(point.attributes_size()) > limits_.labels_max) {
      return Refusal(fmt::format("it has more than {} attributes", limits_.labels_max));
    }
    time_ms_ = static_cast<int64_t>(point.time_unix_nano() / 1'000'000);
    stale_ = (point.flags() & kNoRecordedValue) != 0;
    labels_ = LabelsOfAttributes(point.attributes());
    for (const auto& [name, value] : resource_.promoted) labels_.try_emplace(name, value);
    if (!scope_.name().empty()) labels_["otel_scope_name"] = scope_.name();
    if (!scope_.version().empty()) labels_["otel_scope_version"] = scope_.version();
    if (!resource_.job.empty()) labels_["job"] = resource_.job;
    if (!resource_.instance.empty()) labels_["instance"] = resource_.instance;
    return Status::Ok();
  }

  // A sample of `name_` with `suffix`; the label `extra`, if there is one, is in place of an attribute of that name.
  Status Add(std::string_view suffix, double value, std::string_view extra = {}, std::string_view extra_value = {}) {
    full_name_.assign(name_).append(suffix);
    set_.Clear();
    set_.Add(format::kMetricNameLabel, full_name_);
    for (const auto& [name, text] : labels_) {
      if (name != extra && name != format::kMetricNameLabel) set_.Add(name, text);
    }
    if (!extra.empty()) set_.Add(extra, extra_value);
    ASSIGN_OR_RETURN(const format::LabelsView labels, set_.Finish(limits_));
    out_.Add(out_.SeriesOf(labels), time_ms_, stale_ ? kStaleMarker : value);
    ++taken_.samples;
    latest_ms_ = std::max(latest_ms_, time_ms_);
    return Status::Ok();
  }

  Status Number(const otlp::NumberDataPoint& point) {
    if (point.value_case() == otlp::NumberDataPoint::kAsInt) return Add({}, static_cast<double>(point.as_int()));
    if (point.value_case() == otlp::NumberDataPoint::kAsDouble || stale_) return Add({}, point.as_double());
    return Refusal("it has neither as_double nor as_int");
  }

  // The buckets come first: their names are the longest, so what refuses one refuses all.
  Status Histogram(const otlp::HistogramDataPoint& point) {
    const int bounds = point.explicit_bounds_size(), counts = point.bucket_counts_size();
    if (bounds > kBucketsMax) return Refusal(fmt::format("it has more than {} buckets", kBucketsMax));
    if (counts != bounds + 1 && !(counts == 0 && bounds == 0)) {
      return Refusal(fmt::format("{} bucket_counts for {} explicit_bounds, which have to be one less", counts, bounds));
    }
    for (int i = 0; i < bounds; ++i) {
      const double bound = point.explicit_bounds(i);
      if (std::isnan(bound) || (i > 0 && bound <= point.explicit_bounds(i - 1))) {
        return Refusal("its explicit_bounds do not ascend");
      }
    }
    uint64_t below = 0;
    for (int i = 0; i < bounds; ++i) {
      below += point.bucket_counts(i);
      if (point.explicit_bounds(i) == INFINITY) continue;
      RETURN_IF_ERROR(Add("_bucket", static_cast<double>(below), "le", NumberText(point.explicit_bounds(i))));
    }
    RETURN_IF_ERROR(Add("_bucket", static_cast<double>(point.count()), "le", "+Inf"));
    RETURN_IF_ERROR(Add("_count", static_cast<double>(point.count())));
    return point.has_sum() ? Add("_sum", point.sum()) : Status::Ok();
  }

  Status Summary(const otlp::SummaryDataPoint& point) {
    if (point.quantile_values_size() > kBucketsMax)
      return Refusal(fmt::format("it has more than {} quantiles", kBucketsMax));
    RETURN_IF_ERROR(Add("_count", static_cast<double>(point.count())));
    RETURN_IF_ERROR(Add("_sum", point.sum()));
    for (const otlp::ValueAtQuantile& at : point.quantile_values()) {
      RETURN_IF_ERROR(Add({}, at.value(), "quantile", NumberText(at.quantile())));
    }
    return Status::Ok();
  }

  // The resource as a series of its own, as of its latest point; nothing when there is nothing to join it by.
  void AddTargetInfo() {
    if (latest_ms_ == INT64_MIN || resource_.info.empty() || (resource_.job.empty() && resource_.instance.empty()))
      return;
    name_ = "target_info";
    time_ms_ = latest_ms_;
    stale_ = false;
    labels_ = resource_.info;
    if (!resource_.job.empty()) labels_["job"] = resource_.job;
    if (!resource_.instance.empty()) labels_["instance"] = resource_.instance;
    if (const Status added = Add({}, 1); !added.ok()) {
      taken_.Drop(0, [&] {
        return Status::InvalidArgument(fmt::format("resource_metrics[{}].resource", resource_index_),
                                       std::string(added.message()));
      });
    }
  }

  const OtlpOptions& options_;
  const Limits& limits_;
  format::SeriesBatchBuilder& out_;
  Taken taken_;
  LabelSet set_;
  size_t resource_index_ = 0, scope_index_ = 0, metric_index_ = 0;
  ResourceLabels resource_{otlp::Resource(), {}};
  otlp::InstrumentationScope scope_;
  otlp::Metric metric_;
  std::string name_, full_name_;
  LabelMap labels_;  // of the point
  int64_t time_ms_ = 0, latest_ms_ = INT64_MIN;
  bool stale_ = false;
};

// The same message in the binary encoding.
Result<std::string> BinaryOfJson(std::string_view body) {
  using google::protobuf::DescriptorPool;
  otlp::ExportMetricsServiceRequest::descriptor();  // so that the pool knows it
  static google::protobuf::util::TypeResolver* const kResolver =
      google::protobuf::util::NewTypeResolverForDescriptorPool("type.googleapis.com", DescriptorPool::generated_pool());
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  std::string binary;
  const auto converted = google::protobuf::util::JsonToBinaryString(
      kResolver, "type.googleapis.com/rhizome.otlp.ExportMetricsServiceRequest",
      google::protobuf::StringPiece(body.data(), body.size()), &binary, options);
  if (converted.ok()) return binary;
  return Malformed("body", "not an ExportMetricsServiceRequest in JSON: " + converted.message().ToString());
}

}  // namespace

Result<Taken> DecodeOtlp(std::string_view body, const OtlpOptions& options, const Limits& limits,
                         format::SeriesBatchBuilder& out) {
  RETURN_IF_ERROR(CheckBodySize(body, limits));
  // The library tells standard error about malformed input; the sender is who should hear of it.
  static const auto kNoHandler = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(kNoHandler);
  std::string converted;
  if (options.encoding == OtlpEncoding::kJson) {
    ASSIGN_OR_RETURN(converted, BinaryOfJson(body));
    body = converted;
  }
  Result<Taken> taken = Run(options, limits, out).Request(body);
  if (!taken.ok()) out.Clear();
  return taken;
}

}  // namespace rhizome::ingest
