#include "metrics_api/rule_routes.h"

#include <array>
#include <charconv>
#include <cmath>

#include "gateway/problem.h"
#include "metrics_api/answers.h"
#include "promql/parser.h"
#include "promql/printer.h"
#include "promql/text.h"

namespace rhizome::metrics_api {

using gateway::BodyKind;
using gateway::Lane;
using gateway::Request;
using gateway::Response;
using ruler::GroupView;
using ruler::Ruler;
using ruler::RuleView;

namespace {

constexpr std::string_view kNever = "0001-01-01T00:00:00Z";

// One JSON object under way.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  ~Object() { out_ += '}'; }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  // What is written behind is the value.
  std::string& Key(std::string_view name) {
    if (!out_.ends_with('{')) out_ += ',';
    AppendJsonString(name, out_);
    out_ += ':';
    return out_;
  }
  void Text(std::string_view name, std::string_view value) { AppendJsonString(value, Key(name)); }
  void Number(std::string_view name, double value) { Key(name) += promql::FormatPlain(value); }
  void Labels(std::string_view name, format::LabelsView labels) { AppendMetric(labels, Key(name)); }
  void Texts(std::string_view name, const rules::NamedTexts& texts) {
    Object object(Key(name));
    for (const auto& [key, value] : texts) object.Text(key, value);
  }
  template <typename Items, typename Append>
  void Array(std::string_view name, const Items& items, const Append& append) {
    Key(name) += '[';
    for (const auto& item : items) {
      if (!out_.ends_with('[')) out_ += ',';
      append(item, out_);
    }
    out_ += ']';
  }

 private:
  std::string& out_;
};

std::string Exponential(double value) {
  if (!std::isfinite(value)) return promql::FormatNumber(value);
  std::array<char, 40> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific).ptr;
  return {text.data(), end};
}

std::string Printed(const std::string& expr) {
  const auto parsed = promql::Parse(expr);
  return parsed.ok() ? promql::Print(**parsed) : expr;
}

std::string TimeText(int64_t time_ms) { return time_ms == 0 ? std::string(kNever) : promql::FormatInstant(time_ms); }

void AppendAlert(const rules::Alert& alert, std::string& out) {
  Object object(out);
  object.Labels("labels", alert.labels);
  object.Labels("annotations", alert.annotations);
  object.Text("state", rules::NameOf(alert.state));
  object.Text("activeAt", promql::FormatInstant(alert.active_at_ms));
  if (alert.keep_firing_since_ms) object.Text("keepFiringSince", promql::FormatInstant(*alert.keep_firing_since_ms));
  object.Text("value", Exponential(alert.value));
}

void AppendRule(const RuleView& rule, std::string& out) {
  const bool alerting = rule.spec.kind == rules::RuleSpec::Kind::kAlerting;
  Object object(out);
  if (alerting) object.Text("state", rules::NameOf(rule.state));
  object.Text("name", rule.spec.name);
  object.Text("query", Printed(rule.spec.expr));
  if (alerting) {
    object.Number("duration", static_cast<double>(rule.spec.for_ms) / 1e3);
    object.Number("keepFiringFor", static_cast<double>(rule.spec.keep_firing_for_ms) / 1e3);
    object.Texts("labels", rule.spec.labels);
    object.Texts("annotations", rule.spec.annotations);
    object.Array("alerts", rule.alerts, AppendAlert);
  } else if (!rule.spec.labels.empty()) {
    object.Texts("labels", rule.spec.labels);
  }
  const bool evaluated = rule.health.evaluated_at_ms > 0;
  object.Text("health", !evaluated ? "unknown" : rule.health.status.ok() ? "ok" : "err");
  if (!rule.health.status.ok()) object.Text("lastError", rule.health.status.message());
  object.Number("evaluationTime", static_cast<double>(rule.health.took_ns) / 1e9);
  object.Text("lastEvaluation", TimeText(rule.health.evaluated_at_ms));
  object.Text("type", alerting ? "alerting" : "recording");
}

void AppendGroup(const GroupView& group, std::string_view type, std::string& out) {
  std::vector<const RuleView*> chosen;
  for (const RuleView& rule : group.rules) {
    const bool alerting = rule.spec.kind == rules::RuleSpec::Kind::kAlerting;
    if (type.empty() || (type == "alert") == alerting) chosen.push_back(&rule);
  }
  Object object(out);
  object.Text("name", group.name);
  object.Text("file", group.file);
  object.Array("rules", chosen, [](const RuleView* rule, std::string& to) { AppendRule(*rule, to); });
  object.Number("interval", static_cast<double>(group.interval_ms) / 1e3);
  object.Number("limit", static_cast<double>(group.limit));
  object.Number("evaluationTime", static_cast<double>(group.took_ns) / 1e9);
  object.Text("lastEvaluation", TimeText(group.evaluated_at_ms));
}

Status AppendRules(const Ruler& ruler, const Request& request, std::string& out) {
  const std::string* const asked = gateway::FindValue(request.query, "type");
  const std::string type = asked == nullptr ? "" : *asked;
  if (!type.empty() && type != "alert" && type != "record") {
    return Status::InvalidArgument("", "invalid parameter \"type\": not supported value " + promql::Quote(type));
  }
  Object object(out);
  object.Array("groups", ruler.View(), [&](const auto& group, std::string& to) { AppendGroup(*group, type, to); });
  return Status::Ok();
}

Status AppendAlerts(const Ruler& ruler, const Request&, std::string& out) {
  std::vector<rules::Alert> alerts;
  for (const auto& group : ruler.View()) {
    for (const RuleView& rule : group->rules) alerts.insert(alerts.end(), rule.alerts.begin(), rule.alerts.end());
  }
  Object object(out);
  object.Array("alerts", alerts, AppendAlert);
  return Status::Ok();
}

Status AppendAlertmanagers(const Ruler& ruler, const Request&, std::string& out) {
  Object object(out);
  object.Array("activeAlertmanagers", ruler.notifier().addresses(), [](const std::string& address, std::string& to) {
    Object one(to);
    one.Text("url", address);
  });
  object.Array("droppedAlertmanagers", std::vector<std::string>(), [](const std::string&, std::string&) {});
  return Status::Ok();
}

using Append = Status (*)(const Ruler& ruler, const Request& request, std::string& out);

Response Answer(Append append, const std::string& tenant, ruler::RulerSlot& slot, const Request& request) {
  if (!request.tenant.empty() && request.tenant != tenant) {
    return Failure(Status::InvalidArgument("", "X-Scope-OrgID: the rules here are those of \"" + tenant + "\""));
  }
  const auto ruler = slot.Get();
  if (!ruler.ok()) return Failure(ruler.status());
  std::string body(kSuccess);
  if (const Status status = append(**ruler, request, body); !status.ok()) return Failure(status);
  return Success(std::move(body), {});
}

Result<Response> Reload(ruler::RulerSlot& slot) {
  ASSIGN_OR_RETURN(Ruler* const ruler, slot.Get());
  RETURN_IF_ERROR(ruler->Reload());
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  return response;
}

}  // namespace

std::vector<gateway::Route> RuleRoutes(const std::string& tenant, ruler::RulerSlot& slot) {
  std::vector<gateway::Route> routes;
  const auto add = [&](const char* path, const char* summary, Append append) {
    const gateway::Handler handler = [append, tenant, &slot](const Request& request) -> Result<Response> {
      return Answer(append, tenant, slot, request);
    };
    routes.push_back({"GET", path, Lane::kAdmin, false, summary, handler, BodyKind::kForm});
  };
  add("/api/v1/rules", "Lists rules, their health and their alerts", AppendRules);
  add("/api/v1/alerts", "Lists pending and firing alerts", AppendAlerts);
  add("/api/v1/alertmanagers", "Lists who is told of alerts", AppendAlertmanagers);
  const gateway::Handler reload = [&slot](const Request&) { return Reload(slot); };
  routes.push_back({"POST", "/-/reload", Lane::kAdmin, false, "Reads the rule files now", reload, BodyKind::kAny});
  return routes;
}

}  // namespace rhizome::metrics_api
