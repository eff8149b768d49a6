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
  std::string line =
      out.paint(style_of(finding.state), word) + out.paint(Style::plain, finding.title);
  if (finding.state == State::skipped) line += out.paint(Style::faint, " (" + finding.what + ")");
  out.line(line);
  if (finding.state == State::ok || finding.state == State::skipped) return;
  const std::string indent(kWidth, ' ');
  out.line(indent + out.paint(Style::plain, finding.what) + "  " +
           out.paint(Style::faint, "[" + finding.id + "]"));
  out.line(indent + "To do: " + out.paint(Style::plain, finding.remedy));
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

ExitCode run_doctor(const Context& context) {
  const Output& out = context.out;
  const System system(context.root);
  const Findings findings = check_all(system);
  const auto count = [&](State state) {
    return std::ranges::count(findings, state, &Finding::state);
  };

  Json::Value object;
  object["checks"] = Json::arrayValue;
  for (const Finding& finding : findings) {
    object["checks"].append(to_json(finding));
    print(out, finding);
  }
  const auto faults = count(State::fault);
  const auto warnings = count(State::warning);
  object["faults"] = Json::Value::Int64(faults);
  object["warnings"] = Json::Value::Int64(warnings);
  out.object(object);
  out.line();
  out.line(out.paint(faults > 0 ? Style::bad : Style::good,
                     std::to_string(findings.size()) + " checks: " + std::to_string(faults) +
                         " faults, " + std::to_string(warnings) + " warnings, " +
                         std::to_string(count(State::skipped)) + " skipped."));
  return faults > 0 ? ExitCode::faults_found : ExitCode::ok;
}

}  // namespace pamcognito::cli
