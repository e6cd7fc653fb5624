#include "metrics_api/rule_routes.h"

#include <array>
#include <charconv>
#include <cmath>

#include "gateway/problem.h"
#include "metrics/tenancy.h"
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

// Routes under /api/v1/, and questions from one process of a cluster to another; of rules those of one kind, too.
const std::string kRules = "rules", kAlerts = "alerts", kAlertmanagers = "alertmanagers";
const std::string kAlertingOnly = ":alert", kRecordingOnly = ":record";

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

// What there is to tell.
struct Known {
  std::vector<std::shared_ptr<const GroupView>> groups;
  std::vector<std::string> alertmanagers;
};

void AppendRules(const Known& known, std::string_view type, std::string& out) {
  Object object(out);
  object.Array("groups", known.groups, [&](const auto& group, std::string& to) { AppendGroup(*group, type, to); });
}

void AppendAlerts(const Known& known, std::string& out) {
  std::vector<rules::Alert> alerts;
  for (const auto& group : known.groups) {
    for (const RuleView& rule : group->rules) alerts.insert(alerts.end(), rule.alerts.begin(), rule.alerts.end());
  }
  Object object(out);
  object.Array("alerts", alerts, AppendAlert);
}

void AppendAlertmanagers(const Known& known, std::string& out) {
  Object object(out);
  object.Array("activeAlertmanagers", known.alertmanagers, [](const std::string& address, std::string& to) {
    Object one(to);
    one.Text("url", address);
  });
  object.Array("droppedAlertmanagers", std::vector<std::string>(), [](const std::string&, std::string&) {});
}

Result<std::string> Told(const Known& known, const std::string& question) {
  std::string out;
  if (question == kRules || question == kRules + kAlertingOnly || question == kRules + kRecordingOnly) {
    AppendRules(known, std::string_view(question).substr(std::min(question.size(), kRules.size() + 1)), out);
  } else if (question == kAlerts) {
    AppendAlerts(known, out);
  } else if (question == kAlertmanagers) {
    AppendAlertmanagers(known, out);
  } else {
    return Status::InvalidArgument("question", "is none about rules");
  }
  return out;
}

Known KnownOf(const Ruler& ruler) { return {ruler.View(), ruler.notifier().addresses()}; }

Result<std::string> QuestionOf(const std::string& what, const Request& request) {
  const std::string* const type = gateway::FindValue(request.query, "type");
  if (what != kRules || type == nullptr || type->empty()) return what;
  if (*type != "alert" && *type != "record") {
    return Status::InvalidArgument("", "invalid parameter \"type\": not supported value " + promql::Quote(*type));
  }
  return what + ":" + *type;
}

Result<std::string> Find(const std::string& what, ruler::RulerSlot& slot, const Request& request) {
  const std::string tenant = request.tenant.empty() ? std::string(metrics::kTenant) : request.tenant;
  RETURN_IF_ERROR(metrics::Tenancy::Of(tenant).status());
  ASSIGN_OR_RETURN(const std::string question, QuestionOf(what, request));
  if (tenant != metrics::kTenant && what != kAlertmanagers) return Told({}, question);
  const auto ruler = slot.Get();
  if (ruler.ok()) return Told(KnownOf(**ruler), question);
  const ruler::RulerSlot::Elsewhere elsewhere = slot.elsewhere();
  if (!elsewhere) return ruler.status();
  return elsewhere(question);
}

Response Answer(const std::string& what, ruler::RulerSlot& slot, const Request& request) {
  const auto found = Find(what, slot, request);
  return found.ok() ? Success(std::string(kSuccess) + *found, {}) : Failure(found.status());
}

Result<Response> Reload(ruler::RulerSlot& slot) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Ruler> ruler, slot.Get());
  RETURN_IF_ERROR(ruler->Reload());
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  return response;
}

}  // namespace

Result<std::string> TellOfRules(const ruler::RulerSlot& slot, const std::string& question) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Ruler> ruler, slot.Get());
  return Told(KnownOf(*ruler), question);
}

std::vector<gateway::Route> RuleRoutes(ruler::RulerSlot& slot) {
  std::vector<gateway::Route> routes;
  const auto add = [&](const std::string& what, const char* summary) {
    const gateway::Handler handler = [what, &slot](const Request& request) -> Result<Response> {
      return Answer(what, slot, request);
    };
    routes.push_back({"GET", "/api/v1/" + what, Lane::kAdmin, false, summary, handler, BodyKind::kForm});
  };
  add(kRules, "Lists rules, their health and their alerts");
  add(kAlerts, "Lists pending and firing alerts");
  add(kAlertmanagers, "Lists who is told of alerts");
  const gateway::Handler reload = [&slot](const Request&) { return Reload(slot); };
  routes.push_back({"POST", "/-/reload", Lane::kAdmin, false, "Reads the rule files now", reload, BodyKind::kAny});
  return routes;
}

}  // namespace rhizome::metrics_api
