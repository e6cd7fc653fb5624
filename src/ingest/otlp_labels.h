// The labels of OTLP's attributes: names by otlp_names.h, values as text; attributes whose names become the same share
// a label, their values joined by semicolons in the order of their keys.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ingest/label_set.h"
#include "otlp_metrics.pb.h"

namespace rhizome::ingest {

using Attributes = google::protobuf::RepeatedPtrField<otlp::KeyValue>;
using LabelMap = std::map<std::string, std::string, std::less<>>;

// A value as a label has it: lists and maps as JSON, bytes in base64.
std::string TextOf(const otlp::AnyValue& value);

LabelMap LabelsOfAttributes(const Attributes& attributes);

// What a resource gives to the series of its metrics.
struct ResourceLabels {
  std::string job;
  std::string instance;
  LabelMap promoted;
  LabelMap info;  // of target_info, without job and instance

  ResourceLabels(const otlp::Resource& resource, const std::vector<std::string>& promote);
};

}  // namespace rhizome::ingest
