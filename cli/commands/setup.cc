#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/doctor/pool_judgement.h"
#include "cli/doctor/system.h"
#include "cli/setup/plan.h"
#include "cli/setup/undo_log.h"
#include "common/text.h"

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
    return failure(ExitCode::failed, "no-answer-given", "nothing more was typed: cancelled");
  std::string text(answer->reveal());
  text.erase(0, std::min(text.size(), text.find_first_not_of(" \t")));
  text.erase(text.find_last_not_of(" \t\r") + 1);
  *value = text.empty() ? proposal : text;
  return {};
}

// "eu-west-1" of "eu-west-1_Example".
std::string region_of(const std::string& user_pool_id) {
  return user_pool_id.substr(0, std::min(user_pool_id.find('_'), user_pool_id.size()));
}

Result<SetUpOptions> complete(const Context& context, SetUpOptions options) {
  const bool elsewhere = !options.endpoint.empty();
  if (options.region.empty() && options.user_pool_id.contains('_'))
    options.region = region_of(options.user_pool_id);
  const bool ask_groups = options.client_id.empty() && options.allow_groups.empty();
  Result<void> asked;
  if (!elsewhere) asked = ask_for(context.terminal, "Region, such as eu-west-1", &options.region);
  if (asked)
    asked =
        ask_for(context.terminal, "User pool id, such as eu-west-1_Example", &options.user_pool_id);
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
      return failure(ExitCode::usage, "bad-value",
                     "this value cannot be in the file: " + printable(*value, 256));
  return options;
}

// The pool, judged with these values. load_config() reads files, so they are in one for a moment,
// in a directory of root alone. The error: the values are no configuration.
Result<Findings> check_values(const std::string& root, const SetUpOptions& options) {
  std::string directory = root + "/run/pam-cognito-setup-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr)
    return failure(ExitCode::failed, "not-written",
                   directory + " cannot be made: " + describe_errno(errno));
  const std::string path = directory + "/cognitod.conf";
  Result<Findings> found;
  if (const auto written =
          replace_file(path, pool_file(options, -1), 0600, ::geteuid(), ::getegid());
      !written) {
    found = std::unexpected(written.error());
  } else if (const auto config = policy::load_config(path); !config) {
    found = failure(ExitCode::failed, "bad-value", config.error());
  } else {
    found = check_pool(*config);
  }
  (void)::unlink(path.c_str());
  (void)::rmdir(directory.c_str());
  return found;
}

void print(const Output& out, const Findings& findings) {
  for (const Finding& finding : findings) {
    if (finding.state == State::ok) continue;
    const bool good = finding.state == State::ok;
    out.line(out.paint(good ? Style::good : Style::warning, std::string(to_string(finding.state))) +
             "  " +
             out.paint(Style::plain,
                       finding.title + (finding.what.empty() || good ? "" : ": " + finding.what)));
    if (!finding.remedy.empty()) out.line("    Fix: " + out.paint(Style::plain, finding.remedy));
  }
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

// Setup takes a signal between two steps, so that no step is cut short and all are taken back.
class HeldSignals {
 public:
  HeldSignals() {
    (void)::sigemptyset(&signals_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) (void)::sigaddset(&signals_, number);
    (void)::sigprocmask(SIG_BLOCK, &signals_, &before_);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals() { (void)::sigprocmask(SIG_SETMASK, &before_, nullptr); }

  [[nodiscard]] bool came() const {
    const timespec no_time{};
    return ::sigtimedwait(&signals_, nullptr, &no_time) > 0;
  }

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

Result<UndoLog::Undone> take_back(const System& system, const UndoLog& log, UndoLog::Scope scope) {
  auto undone = log.undo(scope);
  if (!undone) return undone;
  end_undoing(system, *undone);
  if (const auto forgotten = log.forget(scope); !forgotten)
    return std::unexpected(forgotten.error());
  return undone;
}

// Takes all steps, or none: the error says which one failed.
Result<void> take_steps(const Context& context, const UndoLog& log,
                        const std::vector<Step>& steps) {
  const HeldSignals signals;
  Result<void> done = log.begin();
  const auto check_signals = [&] {
    if (done && signals.came())
      done = failure(ExitCode::failed, "interrupted", "interrupted by a signal");
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
                               (options.accounts.empty() ? "" : ", libnss-cognitod");
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

void print_end(const Context& context) {
  const Output& out = context.out;
  Findings findings = check_all(System(context.root));
  // Rights that wait for a name are easily overlooked later.
  std::erase_if(findings, [](const Finding& each) {
    return each.state != State::fault &&
           (each.state != State::warning || each.id != "accounts-orphans");
  });
  if (!findings.empty()) out.line("cognitoctl doctor finds:");
  print(out, findings);
  out.line();
  out.line(out.paint(Style::warning, "Keep this shell open until a login has worked."));
  out.line("Next: adduser NAME cognito-users, then ssh NAME@this-machine from another one.");
}

}  // namespace

ExitCode set_up(const Context& context, const SetUpOptions& given) {
  const Output& out = context.out;
  if (!given.print.empty()) return print_template(context, given);
  if (::geteuid() != 0)
    return out.fail({ExitCode::not_permitted, "not-permitted", "only root may set a machine up."});
  const UndoLog log(context.root);
  if (given.undo) return undo_setup(context, log);
  if (log.state() == UndoLog::State::unfinished) {
    out.line("An earlier run did not reach its end. Its steps are taken back first.");
    if (!given.dry_run)
      if (const auto undone = take_back(System(context.root), log, UndoLog::Scope::last_run);
          !undone)
        return out.fail(undone.error());
  }
  const auto options = complete(context, given);
  if (!options) return out.fail(options.error());
  const auto findings = check_values(context.root, *options);
  if (!findings) return out.fail(findings.error());
  print(out, *findings);
  if (std::ranges::count(*findings, State::fault, &Finding::state) > 0 && !options->unchecked)
    return out.fail({ExitCode::failed, "pool-check",
                     "nothing was changed, because the user pool does not take these values; "
                     "--unchecked writes them all the same"});
  const auto plan = plan_setup(context, *options);
  if (!plan) return out.fail(plan.error());

  Json::Value object;
  object["checks"] = to_json(*findings);
  object["steps"] = Json::arrayValue;
  for (const Step& step : plan->steps) object["steps"].append(step.text);
  object["changed"] = !plan->steps.empty() && !options->dry_run;
  const auto client = std::ranges::find(*findings, "pool-client", &Finding::id);
  if (client != findings->end() && client->what.contains("has a secret"))
    out.line(
        "The app client has a secret. Store it: systemd-creds encrypt --name=client_secret - "
        "/etc/credstore.encrypted/cognitod.client_secret, then systemctl restart cognitod");
  for (const std::string& remark : plan->remarks) out.line(remark + ".");
  if (plan->steps.empty()) {
    out.line("Nothing to change: this machine is set up.");
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
                     "standard input is no terminal, so setup cannot ask: give --yes. Nothing was "
                     "changed"});
  if (!options->confirmed && !context.terminal.confirm("Take these steps?", true))
    return out.fail({ExitCode::failed, "not-confirmed", "nothing was changed"});
  if (const auto taken = take_steps(context, log, plan->steps); !taken)
    return out.fail(taken.error());
  out.object(object);
  if (!out.json()) print_end(context);
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
