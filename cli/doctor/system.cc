#include "cli/doctor/system.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <sstream>

#include "common/fd.h"
#include "common/text.h"

namespace pamcognito::cli {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kLargestFile = 256UL * 1024;
constexpr auto kProgramTime = 5s;

// Up to the end, `kLargestFile` or the deadline. False: not the whole.
bool read_until(int fd, SteadyClock::time_point deadline, std::string* text) {
  char buffer[4096];
  while (text->size() < kLargestFile) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    pollfd poll{.fd = fd, .events = POLLIN, .revents = 0};
    if (left <= 0ms || ::poll(&poll, 1, static_cast<int>(left.count())) == 0) return false;
    const ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;
    text->append(buffer, static_cast<std::size_t>(got));
  }
  return false;
}

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, ':');) fields.push_back(field);
  return fields;
}

unsigned number_in(const std::vector<std::string>& fields, std::size_t index) {
  unsigned number = static_cast<unsigned>(-1);
  if (index < fields.size())
    std::from_chars(fields[index].data(), fields[index].data() + fields[index].size(), number);
  return number;
}

}  // namespace

std::expected<std::string, int> System::read(const std::string& absolute) const {
  const Fd file(::open(path(absolute).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return std::unexpected(errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return std::unexpected(errno);
  if (!S_ISREG(status.st_mode)) return std::unexpected(EINVAL);
  std::string text;
  if (!read_until(file.get(), SteadyClock::now() + kProgramTime, &text))
    return std::unexpected(EFBIG);
  return text;
}

std::expected<FileStatus, int> System::status(const std::string& absolute) const {
  struct stat status{};
  if (::stat(path(absolute).c_str(), &status) != 0) return std::unexpected(errno);
  return FileStatus{.owner = status.st_uid,
                    .group = status.st_gid,
                    .mode = status.st_mode & 07777U,
                    .regular = S_ISREG(status.st_mode),
                    .directory = S_ISDIR(status.st_mode)};
}

std::vector<std::string> System::list(const std::string& absolute) const {
  struct CloseDirectory {
    void operator()(DIR* handle) const noexcept { (void)::closedir(handle); }
  };
  const std::unique_ptr<DIR, CloseDirectory> handle(::opendir(path(absolute).c_str()));
  std::vector<std::string> names;
  if (!handle) return names;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream
  while (const dirent* entry = ::readdir(handle.get())) {
    const std::string name(entry->d_name);
    if (name != "." && name != "..") names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

std::optional<Account> System::account(const std::string& name) const {
  if (is_this_machine()) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) return std::nullopt;
    return Account{entry->pw_name, entry->pw_uid, entry->pw_gid, entry->pw_shell};
  }
  const auto accounts = local_accounts();
  const auto found = std::ranges::find(accounts, name, &Account::name);
  return found == accounts.end() ? std::nullopt : std::optional(*found);
}

std::vector<Account> System::local_accounts() const {
  std::vector<Account> accounts;
  for (const std::string& line : lines_of(read("/etc/passwd").value_or(""))) {
    const auto fields = fields_of(line);
    if (fields.size() >= 4)
      accounts.push_back({fields[0], number_in(fields, 2), number_in(fields, 3),
                          fields.size() > 6 ? fields[6] : std::string()});
  }
  return accounts;
}

std::optional<Group> System::group(const std::string& name) const {
  if (is_this_machine()) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    const ::group* entry = ::getgrnam(name.c_str());
    if (entry == nullptr) return std::nullopt;
    Group group{entry->gr_name, entry->gr_gid, {}};
    for (char** member = entry->gr_mem; member != nullptr && *member != nullptr; ++member)
      group.members.emplace_back(*member);
    return group;
  }
  for (const std::string& line : lines_of(read("/etc/group").value_or(""))) {
    const auto fields = fields_of(line);
    if (fields.size() < 3 || fields[0] != name) continue;
    Group group{fields[0], number_in(fields, 2), {}};
    std::istringstream members(fields.size() > 3 ? fields[3] : "");
    for (std::string member; std::getline(members, member, ',');) group.members.push_back(member);
    return group;
  }
  return std::nullopt;
}

std::expected<std::string, ProgramError> System::run(
    const std::vector<std::string>& arguments) const {
  if (!is_this_machine())
    return std::unexpected(ProgramError(ProgramError::Kind::not_run,
                                        arguments.front() + " is not run for another tree"));
  return run_program(arguments.front(), arguments, kProgramTime);
}

std::expected<std::string, ProgramError> run_program(const std::string& file,
                                                     const std::vector<std::string>& arguments,
                                                     std::chrono::seconds time,
                                                     ProgramSession session) {
  const auto error_of = [&](ProgramError::Kind kind, const std::string& text) {
    return std::unexpected(ProgramError(kind, arguments.front() + text));
  };
  using enum ProgramError::Kind;
  if (::access(file.c_str(), X_OK) != 0) return error_of(not_run, " is not installed");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return error_of(not_run, ": no pipe");
  const Fd from_child(ends[0]);
  Fd to_us(ends[1]);
  posix_spawn_file_actions_t actions;
  (void)::posix_spawn_file_actions_init(&actions);
  (void)::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  (void)::posix_spawn_file_actions_adddup2(&actions, to_us.get(), STDOUT_FILENO);
  (void)::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  (void)::posix_spawnattr_init(&attributes);
  sigset_t none;
  (void)::sigemptyset(&none);
  (void)::posix_spawnattr_setsigmask(&attributes, &none);
  const int own_session = session == ProgramSession::own ? POSIX_SPAWN_SETSID : 0;
  (void)::posix_spawnattr_setflags(&attributes,
                                   static_cast<short>(POSIX_SPAWN_SETSIGMASK | own_session));
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = -1;
  const int error =
      ::posix_spawn(&child, file.c_str(), &actions, &attributes, argv.data(), environ);
  (void)::posix_spawnattr_destroy(&attributes);
  (void)::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return error_of(not_run, ": " + std::string(errno_name(error)));
  to_us.reset();
  std::string text;
  const bool whole = read_until(from_child.get(), SteadyClock::now() + time, &text);
  if (!whole) (void)::kill(child, SIGKILL);
  int result = 0;
  while (::waitpid(child, &result, 0) < 0 && errno == EINTR) {
  }
  if (!whole)
    return error_of(timed_out, " did not end within " + std::to_string(time.count()) + " s");
  if (!WIFEXITED(result) || WEXITSTATUS(result) != 0) return error_of(failed, " failed");
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    lines.push_back(line.substr(first));
  }
  return lines;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::string short_list(std::vector<std::string> names) {
  constexpr std::size_t most = 10;
  const std::size_t count = names.size();
  if (count <= most) return list_of(names);
  names.resize(most);
  return list_of(names) + " and " + std::to_string(count - most) + " more";
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

}  // namespace pamcognito::cli
