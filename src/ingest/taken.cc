#include "ingest/taken.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace rhizome::ingest {

std::string_view MetricTypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter: return "counter";
    case MetricType::kGauge: return "gauge";
    case MetricType::kHistogram: return "histogram";
    case MetricType::kGaugeHistogram: return "gaugehistogram";
    case MetricType::kSummary: return "summary";
    case MetricType::kInfo: return "info";
    case MetricType::kStateSet: return "stateset";
    case MetricType::kUnknown: break;
  }
  return "unknown";
}

std::string Taken::Complaint() const {
  if (dropped == 0) return {};
  std::string out = fmt::format("{} of {} samples were refused", dropped, samples + dropped);
  if (samples > 0) out += ", the others are kept";
  for (const Status& reason : reasons) {
    out += "; ";
    if (!reason.field().empty()) out.append(reason.field()).append(": ");
    out += reason.message();
  }
  if (dropped > reasons.size() && reasons.size() == kReasonsMax) out += "; …";
  return out;
}

std::string Shown(std::string_view text) {
  constexpr size_t kShownMax = 64;
  std::string out = "\"";
  for (const char c : text.substr(0, kShownMax)) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  out += text.size() > kShownMax ? "…\"" : "\"";
  return out;
}

Status CheckLabel(std::string_view name, std::string_view value, const Limits& limits) {
  if (name.size() > limits.name_bytes_max) {
    return Status::InvalidArgument(
        {}, fmt::format("label name {} has {} bytes, more than {}", Shown(name), name.size(), limits.name_bytes_max));
  }
  if (value.size() > limits.value_bytes_max) {
    return Status::InvalidArgument({}, fmt::format("the value of label {} has {} bytes, more than {}", Shown(name),
                                                   value.size(), limits.value_bytes_max));
  }
  if (!format::IsLabelName(name)) {
    return Status::InvalidArgument(
        {}, fmt::format("{} is no label name: letters, digits and _, not beginning with a digit", Shown(name)));
  }
  if (name == format::kMetricNameLabel && !format::IsMetricName(value)) {
    return Status::InvalidArgument(
        {}, fmt::format("{} is no metric name: letters, digits, _ and :, not beginning with a digit", Shown(value)));
  }
  if (!IsUtf8(value)) {
    return Status::InvalidArgument({},
                                   fmt::format("the value of label {} is not UTF-8: {}", Shown(name), Shown(value)));
  }
  return Status::Ok();
}

Status CheckSeries(format::LabelsView labels, const Limits& limits) {
  if (labels.bytes().size() > limits.series_bytes_max) {
    return Status::InvalidArgument({}, fmt::format("its labels take more than {} bytes", limits.series_bytes_max));
  }
  size_t count = 0;
  bool named = false;
  for (const format::LabelPair& pair : labels) {
    RETURN_IF_ERROR(CheckLabel(pair.name, pair.value, limits));
    named = named || pair.name == format::kMetricNameLabel;
    ++count;
  }
  if (count > limits.labels_max) {
    return Status::InvalidArgument({}, fmt::format("the series has more than {} labels", limits.labels_max));
  }
  if (!named) return Status::InvalidArgument({}, "the series has no metric name, which is the label \"__name__\"");
  return Status::Ok();
}

Status Malformed(std::string where, std::string_view why) {
  return Status::InvalidArgument(std::move(where), std::string(why));
}

Status CheckTaken(const Taken& taken, const format::SeriesBatchBuilder& out, const Limits& limits) {
  if (taken.samples + taken.dropped > limits.samples_max) {
    return Status::TooLarge("body", fmt::format("more than {} samples: send less at a time", limits.samples_max));
  }
  if (out.dictionary_bytes() > limits.dictionary_bytes_max) {
    return Status::TooLarge(
        "body", fmt::format("labels of more than {} bytes: send less at a time", limits.dictionary_bytes_max));
  }
  return Status::Ok();
}

Status CheckBodySize(std::string_view body, const Limits& limits) {
  if (body.size() <= limits.body_bytes_max) return Status::Ok();
  return Status::TooLarge(
      "body", fmt::format("{} bytes, more than {}: send less at a time", body.size(), limits.body_bytes_max));
}

}  // namespace rhizome::ingest
