#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "accounts/files.h"
#include "accounts/fleet_key.h"
#include "accounts/image.h"
#include "accounts/key_files.h"
#include "accounts/local_files.h"
#include "accounts/names.h"
#include "accounts/settings.h"
#include "cli/doctor/accounts_homes.h"
#include "cli/doctor/checks.h"
#include "cli/setup/nsswitch.h"
#include "common/root_file.h"
#include "common/text.h"
#include "nss/accounts_conf.h"
#include "nss/accounts_format.h"

// Accounts that no local file names: the settings, the service of libc, the file that it reads, and
// rights that a future user would find.
namespace pamcognito::cli {
namespace {

using accounts::Settings;

// The words of a line of nsswitch.conf without actions.
std::vector<std::string> services(const std::vector<std::string>& words) {
  std::vector<std::string> found;
  for (const std::string& word : words)
    if (!word.starts_with('[')) found.push_back(word);
  return found;
}

Finding check_order(const System& system) {
  const Check check{"accounts-nsswitch", "libc asks for these users, behind the local files"};
  const std::string text = system.read(kNsswitch).value_or("");
  for (const char* database : {"passwd", "group"}) {
    const std::vector<std::string> words = nsswitch_words(text, database);
    const std::vector<std::string> order = services(words);
    const auto at = [&](std::string_view service) { return std::ranges::find(order, service); };
    const auto own = at("cognitod");
    const std::string line = std::string("the line ") + database + " of " + kNsswitch;
    if (own == order.end())
      return check.fault(line + " lacks the service cognitod: these users do not exist here",
                         "add it behind `files`: cognitoctl setup --accounts PATTERN");
    const auto local = std::ranges::find_if(
        order, [](const std::string& word) { return word == "files" || word == "compat"; });
    if (local == order.end() || local > own)
      return check.fault(line + " has cognitod before `files`: local users do not come first",
                         "put cognitod behind `files`");
    if (own > local + 1)
      return check.warning(line + " has " + *(own - 1) +
                               " before cognitod: each look-up of these users waits for that "
                               "service, which may have users of the same names",
                           "put cognitod directly behind `files`");
    if (std::string_view(database) == "group" &&
        std::ranges::find(words, "[SUCCESS=merge]") > std::ranges::find(words, "cognitod"))
      return check.warning(
          line +
              " has no [SUCCESS=merge] between `files` and cognitod: programs that read the "
              "list of a group, such as polkit, do not see these users in local groups",
          "write group: files [SUCCESS=merge] cognitod");
  }
  return check.ok();
}

Finding check_range(const System& system, const Settings& settings) {
  const Check check{"accounts-range", "the uids of these users are used by nothing else"};
  const auto local = accounts::LocalFiles::read(system.path(""));
  if (!local) return check.fault(local.error().text, "correct the file");
  if (const auto file = local->meets(settings.first, settings.last))
    return check.fault("the range " + std::to_string(settings.first) + "-" +
                           std::to_string(settings.last) + " of accounts.conf meets " + *file +
                           ": two users would own the same files",
                       "give the local user another id, or change `range` before the first account "
                       "is made");
  return check.ok();
}

// Inside a container with few uids, a process cannot become one of these users.
Finding check_uid_map(const System& system, const Settings& settings) {
  const Check check{"accounts-uid-map", "this container maps the uids of these users"};
  const auto map = system.read("/proc/self/uid_map");
  if (!map) return check.skipped("/proc/self/uid_map cannot be read");
  std::uint64_t next = settings.first;
  std::map<std::uint64_t, std::uint64_t> ranges;
  for (const std::string& line : lines_of(*map)) {
    const std::vector<std::string> words = words_of(line);
    std::array<std::uint64_t, 3> numbers{};
    if (words.size() != numbers.size()) continue;
    for (std::size_t i = 0; i < numbers.size(); ++i)
      std::from_chars(words[i].data(), words[i].data() + words[i].size(), numbers[i]);
    ranges[numbers[0]] = numbers[2];
  }
  for (const auto& [first, count] : ranges)
    if (first <= next && first + count > next) next = first + count;
  if (next > settings.last) return check.ok();
  return check.fault("uid " + std::to_string(next) +
                         " does not exist in this user namespace: processes of these users cannot "
                         "run here",
                     "map the range of accounts.conf into the container");
}

struct Image {
  std::map<std::string, uid_t> users;
};

// The error is a part of a sentence.
std::expected<Image, std::string> parse_image(const std::string& text, const Settings& settings) {
  const auto users = accounts::read_v1(text);
  if (!users) return std::unexpected(users.error());
  Image image;
  for (const accounts::ImageUser& user : *users) {
    if (user.uid < settings.first || user.uid > settings.last)
      return std::unexpected("has " + user.name + " with uid " + std::to_string(user.uid) +
                             ", outside `range` of accounts.conf");
    image.users[user.name] = user.uid;
  }
  return image;
}

// The file that the reader uses, with the reader's conditions.
Finding check_image(const System& system, const Settings& settings, Image* image) {
  const Check check{"accounts-file", "libc can read the file of these users"};
  constexpr char kRemedy[] =
      "cognitoctl users list, as root, writes it again from the database; if that refuses, it "
      "names the reason";
  struct stat directory{};
  if (::lstat(system.path(accounts::kDirectory).c_str(), &directory) != 0)
    return check.fault(
        std::string(accounts::kDirectory) + " does not exist: no user is known to libc",
        "cognitoctl setup --accounts PATTERN");
  if (!S_ISDIR(directory.st_mode) || directory.st_uid != 0 || (directory.st_mode & 022U) != 0)
    return check.fault(std::string(accounts::kDirectory) +
                           " is not a directory that only root can write: the reader refuses it",
                       std::string("chown root:root ") + accounts::kDirectory + "; chmod 0755 " +
                           accounts::kDirectory);
  const auto text = read_root_file(system.path(accounts::kPath).c_str(), accounts::kMaxImage);
  if (!text) return check.fault(text.error() + ": the reader refuses it", kRemedy);
  if (!*text)
    return check.fault(std::string(accounts::kPath) + " does not exist: no user is known to libc",
                       kRemedy);
  auto parsed = parse_image(**text, settings);
  if (!parsed)
    return check.fault(
        std::string(accounts::kPath) + " " + parsed.error() + ": the reader refuses it", kRemedy);
  *image = std::move(*parsed);
  return check.ok(std::to_string(image->users.size()) + " users");
}

// Both are asked after `files`, so the local account counts.
Finding check_shadowed(const System& system, const Image& image) {
  const Check check{"accounts-shadowed", "no local account hides one of these users"};
  std::vector<std::string> hidden;
  for (const Account& local : system.local_accounts()) {
    const bool by_uid = std::ranges::any_of(
        image.users, [&](const auto& user) { return user.second == local.uid; });
    if (image.users.contains(local.name) || by_uid) hidden.push_back(local.name);
  }
  for (const std::string& line : lines_of(system.read("/etc/group").value_or(""))) {
    const std::string name = line.substr(0, line.find(':'));
    if (image.users.contains(name) && std::ranges::find(hidden, name) == hidden.end())
      hidden.push_back(name);
  }
  if (hidden.empty()) return check.ok();
  return check.fault("local users or groups with the name or the uid of an account: " +
                         short_list(hidden) + ". libc answers with the local one",
                     "rename the local one, or remove the account: cognitoctl users remove NAME");
}

Finding check_key(const System& system, const Settings& settings) {
  const Check check{"accounts-fleet-key", "the fleet key gives each user a uid"};
  if (!settings.uid_attribute.empty())
    return check.ok("uids come from " + settings.uid_attribute + ", so it is not used");
  struct stat status{};
  if (::lstat(system.path(accounts::kFleetKeyPath).c_str(), &status) != 0)
    return check.fault(
        std::string(accounts::kFleetKeyPath) + " does not exist: no account can be added",
        "copy it from another machine of the fleet, or make one: cognitoctl setup "
        "--accounts PATTERN");
  if (!S_ISREG(status.st_mode) || status.st_uid != 0 || (status.st_mode & 077U) != 0)
    return check.fault(std::string(accounts::kFleetKeyPath) +
                           " is not a file that only root can read: users can choose a name that "
                           "gets the uid of another one",
                       std::string("chown root:root ") + accounts::kFleetKeyPath + "; chmod 0600 " +
                           accounts::kFleetKeyPath);
  if (::geteuid() != 0) return check.skipped("only root may read the fleet key");
  const auto print = accounts::fleet_key_fingerprint(system.path(""));
  if (!print) return check.fault(print.error().text, "copy it from another machine of the fleet");
  return check.ok("fingerprint " + *print + "; it must be the same on each machine of the fleet");
}

// sshd reads these files if its AuthorizedKeysFile names them. The keeper removes a file whose keys
// do not count, at its next change. The rest here is of others, or its user's sign-in is too old.
Finding check_ssh_keys(const System& system, const Settings& settings, const Image& image) {
  const Check check{"accounts-keys",
                    "the SSH keys of these users are files that only root can write"};
  const std::string directory = accounts::kKeysDirectory;
  struct stat status{};
  if (::lstat(system.path(directory).c_str(), &status) != 0)
    return check.ok(settings.ssh_keys_attribute.empty() ? "none are taken from the user pool"
                                                        : "no user has keys in the user pool yet");
  const std::string remedy =
      "remove what cognitod-accounts did not write; chown root:root and chmod 0755 " + directory;
  if (!S_ISDIR(status.st_mode) || status.st_uid != 0 || (status.st_mode & 022U) != 0)
    return check.fault(directory + " is not a directory that only root can write", remedy);
  std::set<std::string> uids;
  for (const auto& [name, uid] : image.users) uids.insert(std::to_string(uid));
  std::vector<std::string> foreign;
  std::vector<std::string> orphans;
  for (const std::string& name : system.list(directory)) {
    // It is being written, or the next change removes it. sshd never reads it.
    if (name.starts_with(".") && name.ends_with(".new")) continue;
    const std::string path = system.path(directory + "/" + name);
    const bool is_sound = ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
                          status.st_uid == 0 && (status.st_mode & 07777U) == 0644U;
    std::uint32_t number = 0;
    if (!is_sound || !accounts::conf_text::parse_number(name, number))
      foreign.push_back(name);
    else if (settings.ssh_keys_attribute.empty() || !uids.contains(name))
      orphans.push_back(name);
  }
  if (!foreign.empty())
    return check.fault(directory + " has files of another owner, mode or name: " +
                           short_list(foreign) + ". A line of sshd may accept their keys",
                       remedy);
  if (!orphans.empty())
    return check.warning(directory +
                             " has files of uids without an account, or ssh_keys_attribute "
                             "is not set: " +
                             short_list(orphans),
                         "cognitoctl users list, as root, removes them");
  return check.ok();
}

// A cache answers for users who were removed, and denies users who are new.
Finding check_cache(const System& system) {
  const Check check{"accounts-nscd", "no cache answers for libc"};
  for (const char* socket : {"/run/nscd/socket", "/var/run/nscd/socket"})
    if (system.status(socket))
      return check.warning(
          "nscd runs: for up to 10 minutes it answers for users who were removed, and for an hour "
          "with groups that were withdrawn",
          "systemctl disable --now nscd; the file of these users needs no cache");
  return check.ok();
}

// Names in files that give rights, with the file.
using Named = std::map<std::string, std::set<std::string>>;

void take_names(const System& system, const std::string& path, Named& named,
                std::vector<std::string> (*names_of)(const std::string& line)) {
  for (const std::string& line : lines_of(system.read(path).value_or("")))
    for (const std::string& name : names_of(line)) named[name].insert(path);
}

std::vector<std::string> split_at(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (const std::string_view part = trimmed(text.substr(0, end)); !part.empty())
      parts.emplace_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// "alice, bob ALL=(ALL) ALL" and "User_Alias ADMINS = alice, bob".
std::vector<std::string> names_of_sudoers(const std::string& line) {
  std::string_view list = line;
  if (line.starts_with("User_Alias") || line.starts_with("Runas_Alias"))
    list = list.substr(std::min(list.find('=') + 1, list.size()));
  std::vector<std::string> names;
  for (const std::string& part : split_at(list, ',')) {
    const std::vector<std::string> words = words_of(part);
    if (!words.empty()) names.push_back(words.front());
  }
  return names;
}

std::vector<std::string> names_of_colons(const std::string& line) {
  return {line.substr(0, line.find(':'))};
}

// "group:x:27:alice,bob".
std::vector<std::string> names_of_group(const std::string& line) {
  const std::vector<std::string> fields = split_at(line, ':');
  return fields.size() < 4 ? std::vector<std::string>() : split_at(fields[3], ',');
}

// "AllowUsers alice bob@host", "DenyUsers", "Match User alice,bob".
std::vector<std::string> names_of_sshd(const std::string& line) {
  std::vector<std::string> words = words_of(line);
  const auto is = [&](std::size_t i, std::string_view wanted) {
    return i < words.size() &&
           std::ranges::equal(words[i], wanted, [](char a, char b) { return (a | 0x20) == b; });
  };
  const bool is_match = is(0, "match") && is(1, "user");
  if (!is_match && !is(0, "allowusers") && !is(0, "denyusers")) return {};
  words.erase(words.begin(), words.begin() + (is_match ? 2 : 1));
  std::vector<std::string> names;
  for (const std::string& word : words)
    for (const std::string& name : split_at(word, ','))
      names.push_back(name.substr(0, name.find('@')));
  return names;
}

// "+ : alice bob : ALL" of pam_access.
std::vector<std::string> names_of_access(const std::string& line) {
  const std::vector<std::string> fields = split_at(line, ':');
  return fields.size() < 3 ? std::vector<std::string>() : words_of(fields[1]);
}

// The sixth field of a system crontab.
std::vector<std::string> names_of_cron(const std::string& line) {
  const std::vector<std::string> words = words_of(line);
  if (line.starts_with('@'))
    return words.size() > 1 ? std::vector{words[1]} : std::vector<std::string>();
  return words.size() > 6 ? std::vector{words[5]} : std::vector<std::string>();
}

Named names_with_rights(const System& system) {
  Named named;
  const auto take_folder = [&](const std::string& folder, auto names_of) {
    for (const std::string& name : system.list(folder))
      take_names(system, folder + "/" + name, named, names_of);
  };
  take_names(system, "/etc/sudoers", named, &names_of_sudoers);
  take_folder("/etc/sudoers.d", &names_of_sudoers);
  take_names(system, "/etc/group", named, &names_of_group);
  take_names(system, "/etc/subuid", named, &names_of_colons);
  take_names(system, "/etc/subgid", named, &names_of_colons);
  take_names(system, "/etc/ssh/sshd_config", named, &names_of_sshd);
  take_folder("/etc/ssh/sshd_config.d", &names_of_sshd);
  take_names(system, "/etc/security/access.conf", named, &names_of_access);
  take_names(system, "/etc/crontab", named, &names_of_cron);
  take_folder("/etc/cron.d", &names_of_cron);
  // Each file has the name of its user.
  for (const char* folder : {"/var/spool/cron/crontabs", "/var/lib/systemd/linger"})
    for (const std::string& name : system.list(folder)) named[name].insert(folder);
  return named;
}

// A removed local user's rights would be the first user's who signs in with that name.
Finding check_orphans(const System& system, const Settings& settings, const Image& image) {
  const Check check{"accounts-orphans", "no right waits for a user who does not exist"};
  std::vector<std::string> found;
  for (const auto& [name, files] : names_with_rights(system)) {
    if (!accounts::is_name(name) || image.users.contains(name) || system.account(name)) continue;
    if (std::ranges::none_of(settings.names, [&](const std::string& glob) {
          return accounts::conf_text::matches(glob, name);
        }))
      continue;
    found.push_back(name + " (" + list_of({files.begin(), files.end()}) + ")");
  }
  if (found.empty()) return check.ok();
  return check.warning(
      "names without an account that may get one by a first sign-in, and the "
      "files that give them rights: " +
          short_list(found),
      "take the names out of the files, or make sure who has them in the user "
      "pool and run cognitoctl users add NAME");
}

}  // namespace

Findings check_accounts(const System& system) {
  const Check check{"accounts-conf", "accounts.conf is valid"};
  if (!system.status(accounts::kConfPath))
    return {check.ok("there is none: each user needs a local account")};
  const auto settings = accounts::read_settings(system.path(""));
  if (!settings)
    return {check.fault(settings.error().text + ". None of these users is known to libc",
                        "correct it; chown root, chmod 0644")};
  Image image;
  Findings findings = {check.ok(), check_order(system), check_range(system, *settings),
                       check_uid_map(system, *settings), check_image(system, *settings, &image)};
  const bool is_readable = findings.back().state == State::ok;
  findings.push_back(check_shadowed(system, image));
  findings.push_back(check_orphans(system, *settings, image));
  findings.push_back(check_key(system, *settings));
  if (is_readable) findings.push_back(check_ssh_keys(system, *settings, image));
  findings.push_back(check_cache(system));
  for (Finding& finding :
       check_accounts_homes(system, *settings, is_readable ? &image.users : nullptr))
    findings.push_back(std::move(finding));
  return findings;
}

}  // namespace pamcognito::cli
