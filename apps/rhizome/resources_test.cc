#include "resources.h"

#include <gtest/gtest.h>

#include "base/cpu_time.h"
#include "base/scratch_testing.h"

namespace rhizome::app {
namespace {

double Shown(const MetricRegistry& metrics, const std::string& name) {
  const std::string text = metrics.Render();
  const size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
}

TEST(Resources, WhatIsUsedIsLessThanThereIs) {
  MetricRegistry metrics;
  const ScratchFolder folder;
  Resources(folder.path(), metrics).Refresh();
  EXPECT_GT(Shown(metrics, "process_cpu_seconds_total"), 0);
  EXPECT_GE(Shown(metrics, "rhizome_cpus"), 1);
  EXPECT_GT(Shown(metrics, "process_resident_memory_bytes"), 1e6);
  EXPECT_LT(Shown(metrics, "process_resident_memory_bytes"), Shown(metrics, "rhizome_memory_bytes"));
  EXPECT_GT(Shown(metrics, "process_open_fds"), 2);
  EXPECT_LT(Shown(metrics, "process_open_fds"), Shown(metrics, "process_max_fds"));
  EXPECT_GT(Shown(metrics, "rhizome_disk_bytes"), 0);
  EXPECT_LE(Shown(metrics, "rhizome_disk_free_bytes"), Shown(metrics, "rhizome_disk_bytes"));
}

TEST(Resources, ProcessorTimeIsThatOfTheProcessAndGrows) {
  MetricRegistry metrics;
  Resources resources("", metrics);
  resources.Refresh();
  const double before = Shown(metrics, "process_cpu_seconds_total");
  while (ProcessCpuSeconds() < before + 0.05) {
  }
  resources.Refresh();
  EXPECT_GE(Shown(metrics, "process_cpu_seconds_total"), before + 0.05);
  EXPECT_LE(Shown(metrics, "process_cpu_seconds_total"), ProcessCpuSeconds());
}

}  // namespace
}  // namespace rhizome::app
