#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/settings.h"
#include "cli/commands/commands.h"
#include "cli/doctor/checks.h"
#include "cli/doctor/system.h"
#include "cli/setup/plan.h"
#include "cli/setup/signals.h"
#include "cli/setup/undo_log.h"
#include "cli/setup/values.h"
#include "common/text.h"
#include "daemon/cognito/pool_config.h"
#include "nss/accounts_conf.h"

namespace pamcognito::cli {
namespace {

// A value that the INI file preserves: no line break, and nothing that begins a comment.
bool fits_in_the_file(const std::string& value) {
  return std::ranges::none_of(
      value, [](char c) { return c == '#' || c == ';' || static_cast<unsigned char>(c) < 0x20; });
}

Result<void> ask_for(const Terminal& terminal, const std::string& question, std::string* value,
                     const std::string& proposal = {}) {
  if (!value->empty()) return {};
  const std::string prompt = question + (proposal.empty() ? ": " : " [" + proposal + "]: ");
  const auto answer = terminal.ask(prompt, /*echo=*/true);
  if (!answer)
    return failure(ExitCode::failed, "no-answer-given",
                   "no answer to \"" + question + "\": nothing was changed");
  std::string text(answer->reveal());
  text.erase(0, std::min(text.size(), text.find_first_not_of(" \t")));
  text.erase(text.find_last_not_of(" \t\r") + 1);
  *value = text.empty() ? proposal : text;
  return {};
}

Result<SetUpOptions> complete(const Context& context, SetUpOptions options) {
  const bool ask_groups = options.client_id.empty() && options.allow_groups.empty();
  Result<void> asked =
      ask_for(context.terminal, "User pool id, such as eu-west-1_Example", &options.user_pool_id);
  if (asked && !cognito::is_user_pool_id(options.user_pool_id))
    return failure(ExitCode::usage, "bad-value",
                   "--pool " + printable(options.user_pool_id, 64) +
                       " is not a user pool id such as eu-west-1_Example: copy it from the pool's "
                       "overview page. Nothing was changed");
  if (options.region.empty()) options.region = cognito::region_of_pool_id(options.user_pool_id);
  if (asked) asked = ask_for(context.terminal, "App client id", &options.client_id);
  if (asked && ask_groups)
    asked =
        ask_for(context.terminal, "Cognito groups whose members may sign in (nothing: nobody yet)",
                &options.allow_groups);
  if (!asked) return std::unexpected(asked.error());
  for (const std::string* value :
       {&options.region, &options.user_pool_id, &options.client_id, &options.endpoint,
        &options.issuer, &options.jwks_uri, &options.ca_file, &options.allow_groups,
        &options.accounts, &options.sudo_group})
    if (!fits_in_the_file(*value))
      return failure(
          ExitCode::usage, "bad-value",
          "this value cannot be in the file: " + printable(*value, 256) + ". Nothing was changed");
  return options;
}

void print(const Output& out, const Findings& findings) {
  for (const Finding& finding : findings) {
    if (finding.state == State::ok) continue;
    out.line(out.paint(Style::warning, std::string(to_string(finding.state))) + "  " +
             out.paint(Style::plain, finding.title + "  [" + finding.id + "]"));
    if (!finding.what.empty()) out.line("    Found: " + out.paint(Style::plain, finding.what));
    if (!finding.remedy.empty()) out.line("    Fix: " + out.paint(Style::plain, finding.remedy));
  }
}

// The faults in one sentence each, for the message of a program.
std::string text_of_faults(const Findings& findings) {
  std::string text;
  for (const Finding& finding : findings)
    if (finding.state == State::fault)
      text += finding.id + ": " + finding.what + (finding.what.ends_with('.') ? "" : ".") +
              " Fix: " + finding.remedy + ". ";
  return text;
}

Json::Value to_json(const Findings& findings) {
  Json::Value array(Json::arrayValue);
  for (const Finding& finding : findings) {
    Json::Value one;
    one["id"] = finding.id;
    one["state"] = std::string(to_string(finding.state));
    if (!finding.what.empty()) one["what"] = finding.what;
    array.append(std::move(one));
  }
  return array;
}

Result<UndoLog::Undone> take_back(const System& system, const UndoLog& log, UndoLog::Scope scope) {
  const HeldSignals signals;
  auto undone = log.undo(scope);
  if (!undone) return undone;
  end_undoing(system, *undone);
  if (const auto forgotten = log.forget(scope); !forgotten)
    return std::unexpected(forgotten.error());
  return undone;
}

// Takes all steps, or none: the error names the one that failed. A signal is noticed between two
// steps, so that no step is cut short.
Result<void> take_steps(const Context& context, const UndoLog& log,
                        const std::vector<Step>& steps) {
  const HeldSignals signals;
  Result<void> done = log.begin();
  // Also after a failure, because a program of the step may have been sent the same signal.
  const auto check_signals = [&] {
    if (signals.came()) done = failure(ExitCode::failed, "interrupted", "interrupted by a signal");
  };
  for (const Step& step : steps) {
    check_signals();
    if (!done) break;
    context.out.line("  " + step.text + " …");
    done = step.take(log);
  }
  check_signals();
  if (done) done = log.finish();
  if (done) return done;
  Failure why = done.error();
  const auto undone = take_back(System(context.root), log, UndoLog::Scope::last_run);
  why.message += undone ? ". Every step was taken back; the machine is as before"
                        : ". Taking the steps back failed, too: " + undone.error().message +
                              ". Repeat that: cognitoctl setup --undo";
  return std::unexpected(why);
}

ExitCode undo_setup(const Context& context, const UndoLog& log) {
  const Output& out = context.out;
  Json::Value object;
  object["undone"] = Json::arrayValue;
  if (log.state() == UndoLog::State::none) {
    out.object(object);
    out.line("Nothing to undo: setup has changed nothing on this machine.");
    return ExitCode::ok;
  }
  // A run that did not reach its end goes first. Then the files must be as the finished runs left
  // them, so that no later change of the administrator's is lost.
  while (log.state() != UndoLog::State::none) {
    const bool is_finished = log.state() == UndoLog::State::finished;
    const auto undone =
        take_back(System(context.root), log,
                  is_finished ? UndoLog::Scope::everything : UndoLog::Scope::last_run);
    if (!undone) return out.fail(undone.error());
    for (const std::string& path : undone->files) {
      object["undone"].append(path);
      out.line("As before: " + path);
    }
    for (const std::string& group : undone->groups) out.line("Removed: group " + group);
  }
  out.object(object);
  return ExitCode::ok;
}

// The options for a command line in a template. The error: a value that a shell or YAML would read
// in another way.
Result<std::string> arguments_of(const SetUpOptions& options) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@,+=*? ";
  std::string text;
  for (const auto& [name, value] :
       {std::pair<const char*, const std::string&>{" --region ", options.region},
        {" --pool ", options.user_pool_id},
        {" --client ", options.client_id},
        {" --allow-groups ", options.allow_groups},
        {" --group ", options.group},
        {" --accounts ", options.accounts},
        {" --sudo-group ", options.sudo_group},
        {" --endpoint ", options.endpoint},
        {" --issuer ", options.issuer},
        {" --jwks-uri ", options.jwks_uri},
        {" --ca-file ", options.ca_file}}) {
    if (value.find_first_not_of(kPlain) != std::string::npos || value.contains(": "))
      return failure(ExitCode::usage, "bad-value",
                     "this value cannot be in a template: " + printable(value, 256));
    if (!value.empty()) text += name + ("'" + value + "'");
  }
  return text + " --yes";
}

ExitCode print_template(const Context& context, const SetUpOptions& options) {
  if (context.out.json())
    return context.out.fail({ExitCode::usage, "no-json", "a template is no JSON object"});
  if (options.user_pool_id.empty() || options.client_id.empty())
    return context.out.fail({ExitCode::usage, "usage", "--print needs --pool and --client"});
  const auto arguments = arguments_of(options);
  if (!arguments) return context.out.fail(arguments.error());
  const std::string command = "cognitoctl setup" + *arguments;
  const std::string packages = std::string("cognitod, libpam-cognito, cognitoctl") +
                               (options.accounts.empty() ? "" : ", cognitod-accounts");
  if (options.print == "cloud-init") {
    context.out.line("#cloud-config");
    context.out.line("# The packages are in an APT repository of your own, or on the image.");
    context.out.line("packages: [" + packages + "]");
    context.out.line("runcmd:");
    context.out.line("  - " + command);
    return ExitCode::ok;
  }
  if (options.print == "ansible") {
    context.out.line("- name: Install pam-cognito");
    context.out.line("  ansible.builtin.apt:");
    context.out.line("    name: [" + packages + "]");
    context.out.line("- name: Connect the machine to the user pool");
    context.out.line("  ansible.builtin.command: " + command);
    context.out.line("  register: pam_cognito_setup");
    context.out.line("  changed_when: \"'Nothing to change' not in pam_cognito_setup.stdout\"");
    return ExitCode::ok;
  }
  return context.out.fail({ExitCode::usage, "usage", "--print takes cloud-init or ansible"});
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 && name[0] != '\0' ? name : "this-machine";
}

// The way from here to a login.
void print_next(const Context& context, const System& system) {
  const Output& out = context.out;
  const Members members = cognito_members(system);
  if (members.group.empty()) return;
  if (!members.excluded.empty())
    out.line("Keep their local passwords and keys (exclude= in users.conf): " +
             list_of(members.excluded) + ".");
  const std::string login = "@" + printable(host_name(), 64);
  if (!members.names.empty()) {
    out.line("Sign in with Cognito (group " + members.group + "): " + list_of(members.names) + ".");
    out.line("Next, from another machine: ssh " + members.names.front() + login);
    return;
  }
  if (const auto text = system.read(accounts::kConfPath)) {
    const auto settings = accounts::parse_settings(*text);
    if (settings && !settings->pool.empty() && !settings->names.empty()) {
      out.line("Sign in with Cognito: each user of the pool with a name like " +
               list_of(settings->names) + ". The first login makes the account.");
      out.line("Next, from another machine: ssh NAME" + login);
      return;
    }
  }
  out.line("Sign in with Cognito (group " + members.group + "): nobody yet.");
  out.line("Next, for each user, with the name of the user in the pool:");
  if (system.status(accounts::kConfPath))
    out.line(
        "  cognitoctl users add NAME, and a home directory: install -d -m 0700 -o NAME -g NAME "
        "/home/NAME");
  else
    out.line("  useradd --create-home --shell /bin/bash --groups " + members.group + " NAME");
  out.line("Then, from another machine: ssh NAME" + login);
}

void print_end(const Context& context) {
  const Output& out = context.out;
  const System system(context.root);
  Findings findings = check_all(system);
  // Rights that wait for a name are easily overlooked later.
  std::erase_if(findings, [](const Finding& each) {
    if (each.state == State::fault) return false;
    return each.state == State::ok || (each.id != "users-admin" && each.id != "accounts-orphans");
  });
  if (!findings.empty()) out.line("cognitoctl doctor finds:");
  print(out, findings);
  out.line();
  out.line(out.paint(Style::warning, "Keep this shell open until a login has worked."));
  print_next(context, system);
}

// The first of these places that is on a read-only file system; empty: none.
std::string read_only_place(const std::string& root) {
  for (const char* place : {"/etc/pam-cognito", "/etc/ssh", "/etc/pam.d", "/etc", "/var/lib"})
    if (::access((root + place).c_str(), W_OK) != 0 && errno == EROFS) return root + place;
  return {};
}

}  // namespace

ExitCode set_up(const Context& context, const SetUpOptions& given) {
  const Output& out = context.out;
  if (!given.print.empty()) return print_template(context, given);
  if (::geteuid() != 0)
    return out.fail({ExitCode::not_permitted, "not-permitted", "only root may set a machine up."});
  const UndoLog log(context.root);
  if (given.undo) return undo_setup(context, log);
  const auto options = complete(context, given);
  if (!options) return out.fail(options.error());
  if (const std::string place = read_only_place(context.root); !place.empty())
    return out.fail({ExitCode::failed, "read-only",
                     place + " is on a read-only file system. Nothing was changed. Mount it "
                             "writable, then run the same command again"});
  if (log.state() == UndoLog::State::unfinished) {
    out.line("An earlier run did not reach its end. Its steps are taken back first.");
    if (!given.dry_run)
      if (const auto undone = take_back(System(context.root), log, UndoLog::Scope::last_run);
          !undone)
        return out.fail(undone.error());
  }
  auto findings = check_values(context.root, *options);
  if (!findings) return out.fail(findings.error());
  for (Finding& finding : *findings) finding.remedy = with_option_names(finding.remedy);
  const bool needs_secret = lacks_secret(context.root, *findings);
  if (needs_secret && !options->unchecked)
    return out.fail({ExitCode::failed, "no-secret",
                     "the app client has a secret, and this machine has none, so nobody could sign "
                     "in. Nothing was changed. Store the secret (type it, Enter, Ctrl-D), then run "
                     "the same command again: systemd-creds encrypt --name=client_secret - "
                     "/etc/credstore.encrypted/cognitod.client_secret"});
  Findings shown = *findings;
  if (!needs_secret)  // it is stored, and only cognitod can tell whether it is the right one
    std::erase_if(shown, [](const Finding& each) {
      return each.id == "pool-client" && each.what.contains("has a secret");
    });
  print(out, shown);
  if (std::ranges::count(*findings, State::fault, &Finding::state) > 0 && !options->unchecked)
    return out.fail({ExitCode::failed, "pool-check",
                     (out.json() ? text_of_faults(*findings) : std::string()) +
                         "The check of the user pool failed. Nothing was changed. Fix that, then "
                         "run the same command again (--unchecked: set up all the same)"});
  if (std::ranges::all_of(*findings, [](const Finding& each) { return each.state == State::ok; }))
    out.line("Checked: user pool, certificate, clock and app client.");
  const auto plan = plan_setup(context, *options, !log.has_finished());
  if (!plan) return out.fail(plan.error());

  Json::Value object;
  object["checks"] = to_json(*findings);
  object["steps"] = Json::arrayValue;
  for (const Step& step : plan->steps) object["steps"].append(step.text);
  object["changed"] = !plan->steps.empty() && !options->dry_run;
  for (const std::string& remark : plan->remarks) out.line(remark + ".");
  if (plan->steps.empty()) {
    out.line("Nothing to change: this machine is set up.");
    print_next(context, System(context.root));
    out.object(object);
    return ExitCode::ok;
  }
  out.line(options->dry_run ? "Setup would take these steps:" : "Steps:");
  unsigned number = 0;
  for (const Step& step : plan->steps) out.line("  " + std::to_string(++number) + ". " + step.text);
  if (options->dry_run) {
    out.object(object);
    return ExitCode::ok;
  }
  if (!options->confirmed && !context.terminal.interactive())
    return out.fail({ExitCode::usage, "not-confirmed",
                     "standard input is not a terminal, so setup cannot ask: give --yes. Nothing "
                     "was changed"});
  if (!options->confirmed && !context.terminal.confirm("Take these steps?", true))
    return out.fail({ExitCode::failed, "not-confirmed", "nothing was changed"});
  if (const auto taken = take_steps(context, log, plan->steps); !taken)
    return out.fail(taken.error());
  out.object(object);
  if (!out.json()) print_end(context);
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
