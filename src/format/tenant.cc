#include "format/tenant.h"

#include <cstring>

#include "format/coding.h"

namespace rhizome::format {

std::string_view TenantOf(LabelsView labels) {
  const auto first = labels.begin();
  return !labels.empty() && first->name == kTenantLabel ? first->value : std::string_view();
}

LabelsView WithoutTenant(LabelsView labels) {
  const std::string_view tenant = TenantOf(labels);
  if (tenant.empty()) return labels;
  const std::string_view bytes = labels.bytes();
  return LabelsView::Trusted(bytes.substr(static_cast<size_t>(tenant.data() + tenant.size() - bytes.data())));
}

std::string BatchOfTenant(const SeriesBatch& batch, std::string_view tenant) {
  std::string label;
  PutBytes(label, kTenantLabel);
  PutBytes(label, tenant);
  SeriesBatchBuilder builder;
  for (uint32_t i = 0; i < batch.series_count(); ++i) {
    const std::string_view labels = batch.LabelsOf(i).bytes();
    char* const room = builder.LabelRoom(label.size() + labels.size());
    std::memcpy(room, label.data(), label.size());
    std::memcpy(room + label.size(), labels.data(), labels.size());
    (void)builder.AppendWritten(label.size() + labels.size());
  }
  batch.ForEachRow([&](uint32_t series, int64_t time_ms, double value) { builder.Add(series, time_ms, value); });
  return builder.Encode();
}

}  // namespace rhizome::format
