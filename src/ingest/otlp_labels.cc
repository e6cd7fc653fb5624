#include "ingest/otlp_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "base/base64.h"
#include "ingest/otlp_names.h"

namespace rhizome::ingest {
namespace {

std::string Quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

// `value` within a list or map. As deep as protobuf's parser lets it be.
void AppendJson(std::string& out, const otlp::AnyValue& value) {
  const char* separator = "";
  switch (value.value_case()) {
    case otlp::AnyValue::kArrayValue:
      out += '[';
      for (const otlp::AnyValue& element : value.array_value().values()) {
        out += std::exchange(separator, ",");
        AppendJson(out, element);
      }
      out += ']';
      return;
    case otlp::AnyValue::kKvlistValue:
      out += '{';
      for (const otlp::KeyValue& pair : value.kvlist_value().values()) {
        out += std::exchange(separator, ",") + Quoted(pair.key()) + ":";
        AppendJson(out, pair.value());
      }
      out += '}';
      return;
    case otlp::AnyValue::kStringValue:
    case otlp::AnyValue::kBytesValue: out += Quoted(TextOf(value)); return;
    case otlp::AnyValue::VALUE_NOT_SET: out += "null"; return;
    default: out += TextOf(value); return;
  }
}

std::string TextOfKey(const Attributes& attributes, std::string_view key) {
  for (const otlp::KeyValue& pair : attributes) {
    if (pair.key() == key) return TextOf(pair.value());
  }
  return {};
}

}  // namespace

std::string TextOf(const otlp::AnyValue& value) {
  switch (value.value_case()) {
    case otlp::AnyValue::kStringValue: return value.string_value();
    case otlp::AnyValue::kBoolValue: return value.bool_value() ? "true" : "false";
    case otlp::AnyValue::kIntValue: return std::to_string(value.int_value());
    case otlp::AnyValue::kDoubleValue: return fmt::format("{}", value.double_value());
    case otlp::AnyValue::kBytesValue: return EncodeBase64(value.bytes_value());
    case otlp::AnyValue::VALUE_NOT_SET: return {};
    default: break;
  }
  std::string out;
  AppendJson(out, value);
  return out;
}

LabelMap LabelsOfAttributes(const Attributes& attributes) {
  std::vector<const otlp::KeyValue*> sorted;
  for (const otlp::KeyValue& pair : attributes) sorted.push_back(&pair);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->key() < b->key(); });
  LabelMap labels;
  for (const otlp::KeyValue* pair : sorted) {
    const auto [at, added] = labels.try_emplace(OtlpLabelName(pair->key()));
    if (!added) at->second += ';';
    at->second += TextOf(pair->value());
  }
  return labels;
}

ResourceLabels::ResourceLabels(const otlp::Resource& resource, const std::vector<std::string>& promote) {
  const std::string space = TextOfKey(resource.attributes(), "service.namespace");
  job = TextOfKey(resource.attributes(), "service.name");
  if (!job.empty() && !space.empty()) job = space + "/" + job;
  instance = TextOfKey(resource.attributes(), "service.instance.id");
  Attributes others, chosen;
  for (const otlp::KeyValue& pair : resource.attributes()) {
    if (std::find(promote.begin(), promote.end(), pair.key()) != promote.end()) *chosen.Add() = pair;
    if (pair.key() == "service.namespace" || pair.key() == "service.name" || pair.key() == "service.instance.id")
      continue;
    *others.Add() = pair;
  }
  promoted = LabelsOfAttributes(chosen);
  info = LabelsOfAttributes(others);
}

}  // namespace rhizome::ingest
