#include <algorithm>
#include <cstddef>
#include <string>

#include "cli/commands/commands.h"
#include "cli/doctor/checks.h"

namespace pamcognito::cli {
namespace {

Style style_of(State state) {
  switch (state) {
    case State::ok:
      return Style::good;
    case State::warning:
      return Style::warning;
    case State::fault:
      return Style::bad;
    case State::skipped:
      return Style::faint;
  }
  return Style::bad;
}

void print(const Output& out, const Finding& finding) {
  constexpr std::size_t kWidth = 9;
  std::string word(to_string(finding.state));
  word.resize(kWidth, ' ');
  std::string line = out.paint(style_of(finding.state), word) +
                     out.paint(Style::plain, finding.title) + "  " +
                     out.paint(Style::faint, "[" + finding.id + "]");
  const bool is_short = finding.state == State::ok || finding.state == State::skipped;
  if (is_short && !finding.what.empty()) line += out.paint(Style::faint, " (" + finding.what + ")");
  out.line(line);
  if (is_short) return;
  const std::string indent(kWidth, ' ');
  out.line(indent + out.paint(Style::plain, finding.what));
  out.line(indent + "Fix: " + out.paint(Style::plain, finding.remedy));
}

Json::Value to_json(const Finding& finding) {
  Json::Value object;
  object["id"] = finding.id;
  object["title"] = finding.title;
  object["state"] = std::string(to_string(finding.state));
  if (!finding.what.empty()) object["what"] = finding.what;
  if (!finding.remedy.empty()) object["remedy"] = finding.remedy;
  return object;
}

}  // namespace

ExitCode run_doctor(const Context& context, const DoctorOptions& options) {
  const Output& out = context.out;
  const System system(context.root);
  Findings findings = check_all(system);
  for (const std::string& id : options.only)
    if (std::ranges::find(findings, id, &Finding::id) == findings.end())
      return out.fail({ExitCode::usage, "no-such-check",
                       "there is no check " + id + ": cognitoctl doctor --all shows the ids"});
  if (!options.only.empty())
    std::erase_if(findings, [&](const Finding& finding) {
      return std::ranges::find(options.only, finding.id) == options.only.end();
    });
  const auto count = [&](State state) {
    return std::ranges::count(findings, state, &Finding::state);
  };
  const auto faults = count(State::fault);
  const auto warnings = count(State::warning);
  const ExitCode code = faults > 0 ? ExitCode::faults_found : ExitCode::ok;
  Json::Value object;
  object["checks"] = Json::arrayValue;
  for (const Finding& finding : findings) object["checks"].append(to_json(finding));
  object["faults"] = Json::Value::Int64(faults);
  object["warnings"] = Json::Value::Int64(warnings);
  out.object(object);
  if (options.quiet) return code;

  out.line(out.paint(faults > 0 ? Style::bad : Style::good,
                     std::to_string(findings.size()) + " checks: " + std::to_string(faults) +
                         " faults, " + std::to_string(warnings) + " warnings, " +
                         std::to_string(count(State::skipped)) + " skipped."));
  for (const State state : {State::fault, State::warning, State::skipped, State::ok}) {
    // A check that was asked for by its id is shown whatever it found.
    if (state == State::ok && !options.all && options.only.empty()) continue;
    for (const Finding& finding : findings)
      if (finding.state == state) print(out, finding);
  }
  return code;
}

}  // namespace pamcognito::cli
