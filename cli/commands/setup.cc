#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <expected>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/doctor/pool_judgement.h"
#include "cli/doctor/system.h"
#include "common/fd.h"
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
        &options.issuer, &options.jwks_uri, &options.ca_file, &options.allow_groups})
    if (!fits_in_the_file(*value))
      return failure(ExitCode::usage, "bad-value",
                     "this value cannot be in the file: " + printable(*value, 256));
  return options;
}

std::string text_of(const SetUpOptions& options) {
  std::string text =
      "# Written by cognitoctl setup. Every key there is:\n"
      "# /usr/share/doc/cognitod/examples/cognitod.conf\n"
      "\n[pool]\n";
  const auto set = [&](const char* key, const std::string& value) {
    if (!value.empty()) text.append(key).append(" = ").append(value).append("\n");
  };
  set("region", options.region);
  set("user_pool_id", options.user_pool_id);
  set("client_id", options.client_id);
  set("endpoint", options.endpoint);
  set("issuer", options.issuer);
  set("jwks_uri", options.jwks_uri);
  set("ca_file", options.ca_file);
  text += "\n[access]\n";
  if (options.allow_groups.empty()) text += "# Nobody may sign in until this names a group:\n#";
  set("allow_groups", options.allow_groups.empty() ? "linux-users" : options.allow_groups);
  return text;
}

Failure cannot_write(const std::string& path, int error) {
  return {ExitCode::failed, "not-written",
          path + " cannot be written: " + std::string(errno_name(error)) +
              (error == EACCES || error == EPERM ? " (run it as root)" : "")};
}

// A file that goes away unless it is renamed.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (written_) (void)::unlink(path_.c_str());
  }

  Result<void> write(const std::string& text) {
    (void)::unlink(path_.c_str());  // of a run that was cut short
    const Fd file(
        ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file) return std::unexpected(cannot_write(path_, errno));
    written_ = true;
    const ssize_t size = ::write(file.get(), text.data(), text.size());
    if (size != static_cast<ssize_t>(text.size()) || ::fchmod(file.get(), 0644) != 0 ||
        ::fsync(file.get()) != 0)
      return std::unexpected(cannot_write(path_, size < 0 ? errno : ENOSPC));
    return {};
  }

  // Takes the place of `path`, which is kept under a name of its own if it was there: the result;
  // empty if it was not. No older copy is touched, so that no run loses a line of the admin's.
  Result<std::string> replace(const std::string& path) {
    const auto backup = keep(path);
    if (!backup) return backup;
    if (::rename(path_.c_str(), path.c_str()) != 0)
      return std::unexpected(cannot_write(path, errno));
    written_ = false;
    const Fd directory(::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_CLOEXEC));
    if (directory) (void)::fsync(directory.get());
    return backup;
  }

 private:
  // A second name of the file that is there: path.bak-1, or the next number that is free.
  static Result<std::string> keep(const std::string& path) {
    constexpr unsigned most = 1000;
    for (unsigned number = 1; number <= most; ++number) {
      std::string backup = path + ".bak-" + std::to_string(number);
      if (::link(path.c_str(), backup.c_str()) == 0) return backup;
      if (errno == ENOENT) return std::string();
      if (errno != EEXIST) return std::unexpected(cannot_write(backup, errno));
    }
    return failure(ExitCode::failed, "not-written",
                   "there are too many copies of " + path + ": move some away");
  }

  std::string path_;
  bool written_ = false;
};

std::vector<std::string> next_steps(const policy::Config& config, const Findings& findings) {
  std::vector<std::string> steps;
  const auto client = std::ranges::find(findings, "pool-client", &Finding::id);
  if (client != findings.end() && client->what.contains("has a secret"))
    steps.push_back(
        "The app client has a secret. It does not belong into the file: "
        "systemd-creds encrypt --name=client_secret - "
        "/etc/credstore.encrypted/cognitod.client_secret, then systemctl restart cognitod");
  if (config.access.allow_groups.empty() && config.access.allow_users.empty())
    steps.push_back("Name the Cognito groups that may sign in: allow_groups in [access].");
  steps.push_back("systemctl reload-or-restart cognitod");
  steps.push_back(
      "The users who sign in with Cognito: group=cognito-users in /etc/pam-cognito/users.conf, "
      "and adduser NAME cognito-users. Keep one local administrator out of it.");
  steps.push_back("cognitoctl login-test NAME shows a whole sign-in, without PAM.");
  steps.push_back("Keep a root shell open, then: pam-auth-update --enable pam-cognito");
  steps.push_back("cognitoctl doctor checks all of it.");
  return steps;
}

void print(const Output& out, const Findings& findings) {
  for (const Finding& finding : findings) {
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

}  // namespace

ExitCode set_up(const Context& context, const SetUpOptions& given) {
  const Output& out = context.out;
  const auto options = complete(context, given);
  if (!options) return out.fail(options.error());

  const std::string path = context.root + policy::kConfigPath;
  NewFile file(path + ".new");
  if (const auto written = file.write(text_of(*options)); !written)
    return out.fail(written.error());
  const auto config = policy::load_config(path + ".new");
  if (!config) return out.fail({ExitCode::failed, "bad-value", config.error()});

  const Findings findings = check_pool(*config);
  print(out, findings);
  const bool faulty = std::ranges::count(findings, State::fault, &Finding::state) > 0;
  if (faulty && !options->unchecked)
    return out.fail({ExitCode::failed, "pool-check",
                     "nothing was written, because the user pool does not take these values; "
                     "--unchecked writes them all the same"});
  const auto backup = file.replace(path);
  if (!backup) return out.fail(backup.error());
  // doctor, the last of the next steps, reports a list that is not current.
  (void)System(context.root).run({"/usr/libexec/pam-cognito-local-users"});

  Json::Value object;
  object["written"] = path;
  if (!backup->empty()) object["backup"] = *backup;
  object["checks"] = to_json(findings);
  object["next"] = Json::arrayValue;
  out.line();
  out.line("Written: " + path + (backup->empty() ? "" : "; the old one is " + *backup));
  if (const std::string chosen = choose_break_glass(context); !chosen.empty()) out.line(chosen);
  out.line("Next:");
  unsigned number = 0;
  for (const std::string& step : next_steps(*config, findings)) {
    object["next"].append(step);
    out.line(" " + std::to_string(++number) + ". " + step);
  }
  out.object(object);
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
