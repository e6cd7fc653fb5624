#include "ruler/builtin_alerts.h"

namespace rhizome::ruler {

// Documents are embedded and snapshots written within requests, which takes its time: they are not what is slow.
std::string BuiltinAlerts() {
  return R"(groups:
- name: rhizome
  interval: 30s
  rules:
  - alert: RhizomeErrors
    expr: |
      sum by (instance) (rate(http_requests_total{job="rhizome-self", status=~"5.."}[5m]))
        / sum by (instance) (rate(http_requests_total{job="rhizome-self"}[5m])) > 0.01
    for: 5m
    labels: {severity: warning}
    annotations: {summary: "{{ $value | humanizePercentage }} of the requests to {{ $labels.instance }} fail"}
  - alert: RhizomeSlow
    expr: |
      histogram_quantile(0.95, sum by (instance, le) (
        rate(http_request_seconds_bucket{job="rhizome-self", route!~"/documents|.*/(snapshots|restore).*"}[5m]))) > 0.1
    for: 5m
    labels: {severity: warning}
    annotations: {summary: "5 % of the requests to {{ $labels.instance }} take longer than {{ $value | humanizeDuration }}"}
  - alert: RhizomeProcessorBusy
    expr: rate(process_cpu_seconds_total{job="rhizome-self"}[5m]) / rhizome_cpus{job="rhizome-self"} > 0.9
    for: 10m
    labels: {severity: warning}
    annotations: {summary: "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its processors"}
  - alert: RhizomeMemoryShort
    expr: process_resident_memory_bytes{job="rhizome-self"} / rhizome_memory_bytes{job="rhizome-self"} > 0.9
    for: 5m
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} holds {{ $value | humanizePercentage }} of the memory"}
  - alert: RhizomeDiskFull
    expr: 1 - rhizome_disk_free_bytes{job="rhizome-self"} / rhizome_disk_bytes{job="rhizome-self"} > 0.9
    for: 5m
    labels: {severity: critical}
    annotations: {summary: "The disk of {{ $labels.instance }} is {{ $value | humanizePercentage }} full"}
  - alert: RhizomeFilesShort
    expr: process_open_fds{job="rhizome-self"} / process_max_fds{job="rhizome-self"} > 0.9
    for: 5m
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} has {{ $value | humanizePercentage }} of its files and connections open"}
)";
}

}  // namespace rhizome::ruler
