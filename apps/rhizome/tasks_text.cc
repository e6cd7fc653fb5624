#include "tasks_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json/value.hpp>

#include "cluster_tables.h"

namespace rhizome::app {
namespace {

using boost::json::object;
using boost::json::value;

constexpr size_t kReasonShown = 100;

std::string Text(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}
int64_t Number(const object& from, std::string_view key) {
  const value* found = from.if_contains(key);
  if (found == nullptr) return 0;
  return found->is_uint64() ? static_cast<int64_t>(found->as_uint64()) : found->is_int64() ? found->as_int64() : 0;
}
std::vector<object> Objects(const object& from, std::string_view key) {
  std::vector<object> objects;
  const value* found = from.if_contains(key);
  if (found == nullptr || !found->is_array()) return objects;
  for (const value& item : found->as_array()) {
    if (item.is_object()) objects.push_back(item.as_object());
  }
  return objects;
}
std::string Reason(const object& from) {
  std::string reason = Text(from, "reason");
  if (reason.size() > kReasonShown) reason = reason.substr(0, kReasonShown) + "…";
  return reason;
}

}  // namespace

std::string TimeText(int64_t ms) {
  if (ms <= 0) return {};
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
}

std::string UrlEncoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return encoded;
}

std::string TasksTable(const object& page) {
  std::vector<std::vector<std::string>> rows = {{"task", "state", "of", "accepted (UTC)", "reason"}};
  for (const object& task : Objects(page, "tasks")) {
    rows.push_back({Text(task, "id"), Text(task, "state"), Text(task, "key"), TimeText(Number(task, "accepted_ms")),
                    Reason(task)});
  }
  if (rows.size() == 1) return "no tasks\n";
  const std::string next = Text(page, "next");
  return Table(rows) + (next.empty() ? "" : "there are more behind " + next + "\n");
}

std::string TaskText(const object& task) {
  std::string text = fmt::format("{}  {}  {}  accepted {}\n", Text(task, "id"), Text(task, "state"), Text(task, "key"),
                                 TimeText(Number(task, "accepted_ms")));
  std::vector<std::vector<std::string>> rows = {{"job", "state", "repetitions", "since (UTC)", "reason"}};
  for (const object& job : Objects(task, "jobs")) {
    rows.push_back({Text(job, "name"), Text(job, "state"), std::to_string(Number(job, "attempt")),
                    TimeText(Number(job, "at_ms")), Text(job, "reason")});
  }
  return text + Table(rows);
}

std::string DeadLettersTable(const object& letters) {
  std::vector<std::vector<std::string>> rows = {{"task", "job", "of", "attempts", "died (UTC)", "reason"}};
  for (const object& letter : Objects(letters, "dead_letters")) {
    rows.push_back({Text(letter, "task"), Text(letter, "job"), Text(letter, "key"),
                    std::to_string(Number(letter, "attempts")), TimeText(Number(letter, "died_ms")), Reason(letter)});
  }
  return rows.size() == 1 ? "no dead letters\n" : Table(rows);
}

}  // namespace rhizome::app
