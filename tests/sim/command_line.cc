#include "command_line.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <map>

#include "bugs.h"

namespace rhizome::sim {

namespace {

Result<uint64_t> Number(const std::string& flag, std::string_view text, uint64_t max = UINT32_MAX) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) {
    return Status::InvalidArgument(flag, "needs a number up to " + std::to_string(max));
  }
  return value;
}

Status ReadSeeds(CommandLine& line, const std::string& value) {
  const size_t dots = value.find("..");
  ASSIGN_OR_RETURN(line.first_seed, Number("--seeds", value.substr(0, dots), UINT64_MAX));
  line.last_seed = line.first_seed;
  if (dots != std::string::npos) {
    ASSIGN_OR_RETURN(line.last_seed, Number("--seeds", value.substr(dots + 2), UINT64_MAX));
  }
  if (line.last_seed < line.first_seed) return Status::InvalidArgument("--seeds", "the last is below the first");
  return Status::Ok();
}

Status ReadKeep(CommandLine& line, const std::string& value) {
  line.options.keep.emplace();
  if (value == "-") return Status::Ok();
  for (size_t begin = 0; begin <= value.size();) {
    const size_t end = std::min(value.find(',', begin), value.size());
    ASSIGN_OR_RETURN(const uint64_t index, Number("--keep", value.substr(begin, end - begin)));
    line.options.keep->push_back(index);
    begin = end + 1;
  }
  return Status::Ok();
}

Status ReadBug(CommandLine& line, const std::string& value) {
  const auto bug = BugOf(value);
  if (!bug) return Status::InvalidArgument("--planted", "there is no bug " + value);
  line.bug = *bug;
  return Status::Ok();
}

// Flags with a value.
Status ReadValue(CommandLine& line, const std::string& flag, const std::string& value) {
  if (flag == "--seed" || flag == "--seeds") return ReadSeeds(line, value);
  if (flag == "--keep") return ReadKeep(line, value);
  if (flag == "--planted") return ReadBug(line, value);
  if (flag == "--report" || flag == "--commit") {
    (flag == "--report" ? line.report : line.commit) = value;
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const uint64_t number, Number(flag, value));
  if (flag == "--operations") {
    line.options.operations_max = number;
    return Status::Ok();
  }
  if (number == 0) return Status::InvalidArgument(flag, "must be positive");
  if (flag == "--seconds") line.options.profile.load_ms = static_cast<int64_t>(number) * 1000;
  if (flag == "--members") line.options.profile.data_hosts = static_cast<uint32_t>(number);
  if (flag == "--starts") line.starts = static_cast<uint32_t>(number);
  if (flag == "--seeds-max") line.seeds_max = number;
  return Status::Ok();
}

}  // namespace

Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments) {
  CommandLine line;
  const std::map<std::string, bool*> switches = {
      {"--trace", &line.options.trace}, {"--planted-all", &line.all_bugs},
      {"--must-fail", &line.must_fail}, {"--twice", &line.twice},
      {"--json", &line.json},           {"--help", &line.help},
      {"--suite", &line.suite},
  };
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& flag = arguments[i];
    if (const auto found = switches.find(flag); found != switches.end()) {
      *found->second = true;
    } else if (flag == "--calm") {
      line.options.profile.faults = false;
    } else if (flag == "--no-shrink") {
      line.shrink = false;
    } else if (flag == "--seed" || flag == "--seeds" || flag == "--keep" || flag == "--planted" || flag == "--report" ||
               flag == "--commit" || flag == "--operations" || flag == "--seconds" || flag == "--members" ||
               flag == "--starts" || flag == "--seeds-max") {
      if (i + 1 == arguments.size()) return Status::InvalidArgument(flag, "needs a value");
      RETURN_IF_ERROR(ReadValue(line, flag, arguments[++i]));
    } else {
      return Status::InvalidArgument(flag, "is not a flag of sim");
    }
  }
  if (line.suite) {
    if (line.bug == fabric::Bug::kNone) return Status::InvalidArgument("--suite", "needs --planted NAME");
    line.first_seed = SuiteSeed(line.bug);
    line.last_seed = line.first_seed + kSuiteSeedsMax - 1;
  }
  return line;
}

std::string Replay(const SimulationOptions& options, fabric::Bug bug) {
  const SimulationOptions defaults;
  std::string flags = fmt::format("--seed {}", options.seed);
  if (options.profile.load_ms != defaults.profile.load_ms) {
    flags += fmt::format(" --seconds {}", options.profile.load_ms / 1000);
  }
  if (options.profile.data_hosts != defaults.profile.data_hosts) {
    flags += fmt::format(" --members {}", options.profile.data_hosts);
  }
  if (!options.profile.faults) flags += " --calm";
  if (bug != fabric::Bug::kNone) flags += fmt::format(" --planted {}", BugName(bug));
  if (options.keep)
    flags += fmt::format(" --keep {}", options.keep->empty() ? "-" : fmt::format("{}", fmt::join(*options.keep, ",")));
  if (options.operations_max != defaults.operations_max)
    flags += fmt::format(" --operations {}", options.operations_max);
  return flags;
}

}  // namespace rhizome::sim
