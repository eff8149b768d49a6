#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "accounts/after_change.h"
#include "accounts/document.h"
#include "accounts/fleet_key.h"
#include "accounts/keeper.h"
#include "accounts/key_files.h"
#include "accounts/message.h"
#include "accounts/settings.h"
#include "cli/auth_client.h"
#include "cli/commands/commands.h"
#include "cli/doctor/checks.h"
#include "cli/doctor/system.h"
#include "cli/json.h"
#include "common/fd.h"
#include "common/stored_account.h"
#include "common/text.h"
#include "common/users_conf.h"
#include "daemon/policy/config.h"
#include "nss/accounts_conf.h"

// The administration of accounts that no local file names. Each command is one call of the keeper,
// which locks, checks and writes, so it works without any service: in an image build, in a chroot.
namespace pamcognito::cli {
namespace {

using accounts::AddOptions;
using accounts::Keeper;
using accounts::Refusal;

constexpr std::size_t kMostShown = 64;  // characters of an argument in a message
constexpr char kSystemctl[] = "/usr/bin/systemctl";
constexpr char kStateDirectory[] = "/var/lib/cognitod";
constexpr char kWindow[] = "/run/pam-cognito/break-glass";
constexpr char kClientSecret[] = "/etc/credstore.encrypted/cognitod.client_secret";
// In plain text, unlike the client secret.
constexpr char kDirectoryCredentials[] = "/etc/credstore/cognitod-directory.aws";
// systemd stops a service after 90 s (systemd-system.conf(5)).
constexpr std::chrono::seconds kStopTime{100};

ExitCode code_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::malformed:
      return ExitCode::usage;
    case Refusal::unknown_account:
      return ExitCode::not_found;
    case Refusal::bad_configuration:
    case Refusal::damaged:
    case Refusal::busy:
    case Refusal::storage:
      return ExitCode::failed;
    default:  // a rule that was applied
      return ExitCode::refused;
  }
}

Failure failure_of(const accounts::Error& error) {
  return {code_of(error.refusal), std::string(to_string(error.refusal)), error.text};
}

Failure needs_root() {
  return {ExitCode::not_permitted, "not-permitted", "only root may see and change accounts."};
}

// Calls work(keeper), as root.
template <class Work>
ExitCode with_keeper(const Context& context, bool create, Work work) {
  if (::geteuid() != 0) return context.out.fail(needs_root());
  auto keeper = Keeper::open(context.root, create);
  if (!keeper) return context.out.fail(failure_of(keeper.error()));
  if (const std::string remark = keeper->take_remark(); !remark.empty()) context.out.warn(remark);
  return work(*keeper);
}

std::string state_text(const accounts::Account& account) {
  return account.state == accounts::State::locked ? "locked" : "active";
}

// Empty, or a remark: the change is stored, and a cache has the former state for a while.
std::string forget_cached(const Context& context) {
  if (!context.root.empty()) return {};
  const auto done = accounts::invalidate_nscd();
  if (done) return {};
  return "nscd may answer from its cache for a while (" + done.error() +
         "): run nscd -i passwd and nscd -i group";
}

void print_remark(const Context& context, const std::string& remark) {
  if (!remark.empty()) context.out.line(context.out.paint(Style::warning, remark));
}

// The end of each command that changes one account. Status 0 whether or not it changed anything.
// `remark`: what is left to do.
ExitCode report(const Context& context, const accounts::Result<accounts::Changed>& changed,
                const std::string& done, std::string remark = {}) {
  if (!changed) return context.out.fail(failure_of(changed.error()));
  if (changed->changed && remark.empty()) remark = forget_cached(context);
  Json::Value object(Json::objectValue);
  object["account"] = to_json(changed->account);
  object["changed"] = changed->changed;
  if (!remark.empty()) object["remark"] = remark;
  context.out.object(object);
  const std::string name = printable(changed->account.name, kMostShown);
  context.out.line(name + ": " +
                   (changed->changed ? done : std::string("unchanged, because it is so already")) +
                   ".");
  print_remark(context, remark);
  return ExitCode::ok;
}

// The pool of the configuration, which the rule of uids needs. Empty: none.
std::string configured_pool(const Context& context) {
  const auto config = policy::load_config(context.root + policy::kConfigPath);
  return config ? config->pool.user_pool_id : std::string();
}

std::string errno_text(const std::string& path, const char* failed) {
  return path + " cannot be " + failed + ": " + describe_errno(errno);
}

// cognitod pins a Linux user to an account of the pool, too. After a change of the keeper's pin the
// next sign-in would be refused by that one. Sets `changed` if there was such a pin. Empty: done,
// or not this machine; else what to do.
std::string forget_identity(const Context& context, const std::string& name, bool& changed) {
  if (!context.root.empty()) return {};
  auto client = AuthClient::connect();
  Result<void> reset = client ? Result<void>() : std::unexpected(client.error());
  if (client) {
    const auto known = client->identities();
    if (!known) {
      reset = std::unexpected(known.error());
    } else if (std::ranges::any_of(
                   *known, [&](const Dictionary& one) { return text_of(one, "user") == name; })) {
      reset = client->reset_identity(name);
      changed = changed || reset.has_value();
    }
  }
  if (reset) return {};
  return "cognitod still pins " + name + " to its former account, because it did not answer (" +
         reset.error().message +
         "). When it runs, run this, or the next sign-in is refused: cognitoctl identity reset " +
         name;
}

// Standard input for "-".
Result<std::string> read_document(const std::string& path) {
  const bool is_input = path == "-";
  const Fd file(is_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                         : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file)
    return failure(ExitCode::failed, "not-read", errno_text(printable(path, 256), "opened"));
  std::string text;
  std::vector<char> buffer(64UL * 1024);
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return failure(ExitCode::failed, "not-read", errno_text(printable(path, 256), "read"));
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > accounts::kMaxDocument)
      return failure(ExitCode::usage, "malformed",
                     printable(path, 256) + " has more than 64 MiB, so it is no export");
  }
}

// Removes the regular files of a directory, not below it.
Result<void> remove_files_in(const Context& context, const std::string& directory,
                             std::vector<std::string>* removed) {
  const System system(context.root);
  for (const std::string& name : system.list(directory)) {
    const std::string path = directory + "/" + name;
    struct stat status{};
    if (::lstat(system.path(path).c_str(), &status) != 0 || S_ISDIR(status.st_mode)) continue;
    if (::unlink(system.path(path).c_str()) != 0 && errno != ENOENT)
      return failure(ExitCode::failed, "not-removed", errno_text(path, "removed"));
    removed->push_back(path);
  }
  return {};
}

Result<void> remove_file(const Context& context, const std::string& path,
                         std::vector<std::string>* removed) {
  if (::unlink((context.root + path).c_str()) == 0) {
    removed->push_back(path);
    return {};
  }
  if (errno == ENOENT) return {};
  return failure(ExitCode::failed, "not-removed", errno_text(path, "removed"));
}

bool is_running(const System& system) {
  return system.is_this_machine() &&
         system.run({kSystemctl, "is-active", "--quiet", "cognitod.service"}).has_value();
}

// How the home directory is made. Empty if it exists, or if its place is unknown.
std::string home_hint(const Context& context, const accounts::Account& account) {
  const auto settings = accounts::read_settings(context.root);
  if (!settings) return {};
  const std::string home = context.root + home_of(settings->home, account.name);
  struct stat status{};
  if (::lstat(home.c_str(), &status) == 0) return {};
  // Another tree's names are unknown here.
  const std::string name = context.root.empty() ? account.name : std::to_string(account.uid);
  return "It has no home directory yet: install -d -m 0700 -o " + name + " -g " + name + " " +
         home + ", or have the first login make it: pam-auth-update --enable pam-cognito-mkhomedir";
}

Json::Value keys_json(const accounts::KeyFile& keys) {
  Json::Value listed(Json::arrayValue);
  for (const accounts::SshKey& key : keys.keys) {
    Json::Value object(Json::objectValue);
    object["type"] = key.line.substr(0, key.line.find(' '));
    object["fingerprint"] = key.fingerprint;
    object["ends_at"] = Json::Int64{keys.until};
    listed.append(std::move(object));
  }
  return listed;
}

}  // namespace

ExitCode add_user(const Context& context, const UserOptions& options) {
  AddOptions add;
  add.shell = options.shell;
  if (!options.uid.empty()) {
    uid_t uid = 0;
    const char* end = options.uid.data() + options.uid.size();
    const auto parsed = std::from_chars(options.uid.data(), end, uid);
    if (parsed.ec != std::errc() || parsed.ptr != end)
      return context.out.fail({ExitCode::usage, "malformed",
                               "--uid takes a number: " + printable(options.uid, kMostShown)});
    add.uid = uid;
  }
  return with_keeper(context, true, [&](Keeper& keeper) {
    add.pool = configured_pool(context);
    if (add.pool.empty() && !add.uid)
      return context.out.fail(
          {ExitCode::failed, "bad-configuration",
           "the uid follows from the user pool, and cognitod.conf has none that is valid: run "
           "cognitoctl setup first, or give --uid"});
    const auto added = keeper.add(options.name, add);
    const ExitCode code =
        report(context, added,
               added ? "added with uid " + std::to_string(added->account.uid) : std::string());
    if (added && added->changed)
      if (const std::string hint = home_hint(context, added->account); !hint.empty())
        context.out.line(hint + ".");
    return code;
  });
}

ExitCode list_users(const Context& context, bool full) {
  return with_keeper(context, false, [&](Keeper& keeper) {
    const auto listed = keeper.list();
    if (!listed) return context.out.fail(failure_of(listed.error()));
    Json::Value object;
    object["accounts"] = Json::arrayValue;
    for (const accounts::Account& account : *listed) object["accounts"].append(to_json(account));
    context.out.object(object);
    if (listed->empty()) {
      context.out.line("No accounts: cognitoctl users add NAME adds one.");
      return ExitCode::ok;
    }
    std::vector<Row> rows;
    for (const accounts::Account& account : *listed)
      rows.push_back({account.name, std::to_string(account.uid), state_text(account),
                      list_of(account.cognito_groups),
                      (full ? time_text : date_text)(static_cast<std::uint64_t>(
                          std::max<std::int64_t>(account.verified_at, 0)))});
    print_table(
        context.out,
        {{"NAME", Fit::cut}, {"UID"}, {"STATE"}, {"COGNITO GROUPS", Fit::cut}, {"VERIFIED"}}, rows,
        full ? 0 : kTableWidth);
    return ExitCode::ok;
  });
}

ExitCode show_user(const Context& context, const std::string& name) {
  return with_keeper(context, false, [&](Keeper& keeper) {
    const auto shown = keeper.show(name);
    if (!shown) return context.out.fail(failure_of(shown.error()));
    const auto keys = keeper.keys(name);
    if (!keys) return context.out.fail(failure_of(keys.error()));
    Json::Value object;
    object["account"] = to_json(*shown);
    object["ssh_keys"] = keys_json(*keys);
    context.out.object(object);
    const auto when = [](std::int64_t at) {
      return time_text(static_cast<std::uint64_t>(std::max<std::int64_t>(at, 0)));
    };
    std::vector<std::string> prints;
    for (const accounts::SshKey& key : keys->keys) prints.push_back(key.fingerprint);
    std::vector<std::pair<std::string, std::string>> pairs = {
        {"name", shown->name},
        {"uid", std::to_string(shown->uid)},
        {"state",
         state_text(*shown) + (shown->locked_by.empty() ? "" : ", by the " + shown->locked_by)},
        {"shell", shown->shell.empty() ? "the first of accounts.conf" : shown->shell},
        {"pool", shown->pool},
        {"sub", shown->sub.empty() ? "none until the first sign-in" : shown->sub},
        {"Cognito groups", list_of(shown->cognito_groups)},
        {"created", when(shown->created_at)},
        {"verified", when(shown->verified_at)},
        {"SSH keys", prints.empty() ? "none" : list_of(prints)}};
    if (!prints.empty()) pairs.emplace_back("keys until", when(keys->until));
    print_pairs(context.out, pairs);
    return ExitCode::ok;
  });
}

ExitCode lock_user(const Context& context, const UserOptions& options) {
  return with_keeper(context, false, [&](Keeper& keeper) {
    const auto locked = keeper.lock(options.name);
    std::string remark;
    // Also if it was locked already: the processes of an earlier login may still run.
    if (locked && options.terminate && context.root.empty())
      if (const auto done = accounts::terminate_user(locked->account.uid); !done)
        remark = "The sessions of the user were not ended (" + done.error() +
                 "): run loginctl terminate-user " + locked->account.name;
    return report(context, locked, "locked", remark);
  });
}

ExitCode unlock_user(const Context& context, const std::string& name) {
  return with_keeper(context, false, [&](Keeper& keeper) {
    return report(context, keeper.unlock(name), "unlocked");
  });
}

ExitCode remove_user(const Context& context, const UserOptions& options) {
  return with_keeper(context, false, [&](Keeper& keeper) {
    if (!options.confirmed && context.terminal.interactive() &&
        !context.terminal.confirm("Remove " + printable(options.name, kMostShown) +
                                      "? The name and the uid are never given to another user.",
                                  false))
      return context.out.fail({ExitCode::failed, "not-confirmed", "nothing was changed"});
    return report(context, keeper.remove(options.name),
                  "removed. The home directory stays, and so do files elsewhere");
  });
}

ExitCode set_users_shell(const Context& context, const UserOptions& options) {
  return with_keeper(context, false, [&](Keeper& keeper) {
    return report(context, keeper.set_shell(options.name, options.shell), "has another shell");
  });
}

ExitCode rebind_user(const Context& context, const std::string& name) {
  return with_keeper(context, false, [&](Keeper& keeper) {
    auto changed = keeper.rebind(name);
    const std::string remark =
        changed ? forget_identity(context, name, changed->changed) : std::string();
    return report(context, changed, "pinned to no account; the next full sign-in pins it", remark);
  });
}

ExitCode rename_user(const Context& context, const UserOptions& options) {
  return with_keeper(context, false, [&](Keeper& keeper) {
    auto changed = keeper.rename(options.name, options.new_name);
    const std::string remark =
        changed ? forget_identity(context, options.name, changed->changed) : std::string();
    return report(context, changed,
                  "the new name of " + printable(options.name, kMostShown) +
                      ". Move its home directory, and correct files that name it",
                  remark);
  });
}

ExitCode migrate_users(const Context& context, const std::string& from, const std::string& to) {
  return with_keeper(context, false, [&](Keeper& keeper) {
    const auto moved = keeper.migrate(from, to);
    if (!moved) return context.out.fail(failure_of(moved.error()));
    Json::Value object;
    object["accounts"] = Json::Value::UInt64(*moved);
    object["changed"] = *moved > 0;
    context.out.object(object);
    context.out.line(*moved == 0
                         ? "Unchanged: no account belongs to " + printable(from, 128) + "."
                         : std::to_string(*moved) + " accounts belong to " + printable(to, 128) +
                               " now. The next full sign-in pins each.");
    return ExitCode::ok;
  });
}

ExitCode export_users(const Context& context) {
  return with_keeper(context, false, [&](Keeper& keeper) {
    const auto document = keeper.export_json();
    if (!document) return context.out.fail(failure_of(document.error()));
    if (!context.out.json()) {
      context.out.line(std::string_view(*document).substr(0, document->find_last_not_of('\n') + 1));
      return ExitCode::ok;
    }
    Json::Value object;
    object["document"] = *document;
    context.out.object(object);
    return ExitCode::ok;
  });
}

ExitCode import_users(const Context& context, const std::string& path) {
  if (::geteuid() != 0) return context.out.fail(needs_root());
  const auto document = read_document(path);
  if (!document) return context.out.fail(document.error());
  return with_keeper(context, true, [&](Keeper& keeper) {
    const auto added = keeper.import_json(*document);
    if (!added) return context.out.fail(failure_of(added.error()));
    const std::string remark = *added > 0 ? forget_cached(context) : std::string();
    Json::Value object;
    if (!remark.empty()) object["remark"] = remark;
    object["accounts"] = Json::Value::UInt64(*added);
    object["changed"] = *added > 0;
    context.out.object(object);
    context.out.line(*added == 0 ? "Unchanged: all of it was here already."
                                 : std::to_string(*added) + " accounts and retired names added.");
    print_remark(context, remark);
    return ExitCode::ok;
  });
}

ExitCode adopt_user(const Context& context, const std::string& name, const std::string& sub) {
  const Output& out = context.out;
  if (::geteuid() != 0) return out.fail(needs_root());
  if (!context.root.empty())
    return out.fail({ExitCode::usage, "usage",
                     "adopt asks cognitod, which keeps the pins of local accounts, so it works on "
                     "a running machine only: leave --root out"});
  const System system(context.root);
  const auto local = system.local_accounts();
  const auto found = std::ranges::find(local, name, &Account::name);
  if (found == local.end())
    return out.fail({ExitCode::not_found, "unknown-account",
                     "/etc/passwd has no " + printable(name, kMostShown) +
                         ": cognitoctl users add adds an account that no local file names"});
  const auto users = read_users_conf(kUsersConfPath);
  if (!users) return out.fail({ExitCode::failed, "users-conf", users.error().reason});
  if (!is_ours(system, users->conf, *found))
    return out.fail({ExitCode::refused, "not-cognito-user",
                     printable(name, kMostShown) +
                         " signs in with a local password, because users.conf does not name it: "
                         "put it into the group of the Cognito users first"});
  auto client = AuthClient::connect();
  if (!client) return out.fail(client.error());
  const auto known = client->identities();
  if (!known) return out.fail(known.error());
  const bool is_pinned = std::ranges::any_of(*known, [&](const Dictionary& one) {
    return text_of(one, "user") == name && text_of(one, "sub") == sub &&
           text_of(one, "by") == "root";
  });
  if (!is_pinned)
    if (const auto pinned = client->pin_identity(name, sub); !pinned)
      return out.fail(pinned.error());
  Json::Value object;
  object["user"] = name;
  object["sub"] = sub;
  object["changed"] = !is_pinned;
  out.object(object);
  out.line(is_pinned ? name + ": unchanged, because it is that account already."
                     : name +
                           " keeps its line in /etc/passwd, its uid and its files, and is the "
                           "account " +
                           printable(sub, 128) + " and no other. Its sessions have ended.");
  return ExitCode::ok;
}

ExitCode prepare_image(const Context& context, const ImageOptions& options) {
  const Output& out = context.out;
  if (::geteuid() != 0)
    return out.fail({ExitCode::not_permitted, "not-permitted", "only root may prepare an image."});
  const System system(context.root);
  if (!options.confirmed && context.terminal.interactive() &&
      !context.terminal.confirm(
          "Stop cognitod, end its sessions and forget which accounts signed in here?", false))
    return out.fail({ExitCode::failed, "not-confirmed", "nothing was changed"});
  const bool was_running = is_running(system);
  // systemd forgets the memory file of the sessions when the service stops. A cognitod that runs
  // would write its files again.
  if (was_running)
    if (const auto stopped =
            run_program(kSystemctl, {kSystemctl, "stop", "cognitod.service"}, kStopTime);
        !stopped)
      return out.fail({ExitCode::failed, "not-stopped",
                       "cognitod did not stop, so nothing was removed: " + stopped.error().text});
  std::vector<std::string> removed;
  Result<void> done = remove_files_in(context, kStateDirectory, &removed);
  // They count because their users gave password and code on this machine.
  if (done) done = remove_files_in(context, accounts::kKeysDirectory, &removed);
  if (done) done = remove_file(context, kWindow, &removed);
  if (done) done = remove_file(context, kDirectoryCredentials, &removed);
  if (done && options.fleet_key) done = remove_file(context, accounts::kFleetKeyPath, &removed);
  if (!done) return out.fail(done.error());
  Json::Value object;
  object["removed"] = cli::to_json(removed);
  object["stopped"] = was_running;
  object["changed"] = was_running || !removed.empty();
  out.object(object);
  if (was_running) out.line("Stopped: cognitod. Its sessions have ended.");
  for (const std::string& path : removed) out.line("Removed: " + path);
  if (!was_running && removed.empty()) out.line("Unchanged: nothing to remove.");
  if (!options.fleet_key && system.status(accounts::kFleetKeyPath))
    out.line(std::string(accounts::kFleetKeyPath) +
             " stays: machines from this image give a user the same uid. A reader of the image "
             "can read the key; --fleet-key removes it.");
  if (system.status(kClientSecret))
    out.line(std::string(kClientSecret) +
             " stays. It is encrypted for this machine: store it on each new machine again.");
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
