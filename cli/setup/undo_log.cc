#include "cli/setup/undo_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <expected>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "common/fd.h"
#include "common/text.h"

// The log: a line for each change, with the fields separated by blanks and the path last.
//   run                               a run begins
//   absent PATH                       the file was not there
//   file NUMBER MODE UID GID PATH     it was; its content is in the file NUMBER beside the log
//   group NAME                        setup created this group
//   service NAME                      it was started again
//   left SIZE-CHECKSUM PATH           the content of a file at the end of the run
//   finished                          the run reached its end
namespace pamcognito::cli {
namespace {

constexpr char kDirectory[] = "/var/lib/pam-cognito-setup";
constexpr char kLog[] = "/log";
constexpr std::size_t kLargestFile = 256UL * 1024;

Failure cannot(const std::string& action, const std::string& path, int error) {
  return {ExitCode::failed, "not-written",
          path + " cannot be " + action + ": " + describe_errno(error)};
}

std::string directory_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

Result<void> sync_directory(const std::string& path) {
  const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0)
    return std::unexpected(cannot("written", path, errno));
  return {};
}

Result<void> write_all(const Fd& file, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return std::unexpected(cannot("written", path, written < 0 ? errno : ENOSPC));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) return std::unexpected(cannot("written", path, errno));
  return {};
}

Result<std::string> read_all(const Fd& file, const std::string& path) {
  std::string text;
  char buffer[4096];
  while (text.size() <= kLargestFile) {
    const ssize_t got = ::read(file.get(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(cannot("read", path, errno));
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return std::unexpected(cannot("read", path, EFBIG));
}

// Takes the next field off a line.
std::string take_field(std::string_view& line) {
  const std::size_t blank = line.find(' ');
  std::string field(line.substr(0, blank));
  line = blank == std::string_view::npos ? std::string_view{} : line.substr(blank + 1);
  return field;
}

unsigned number_of(const std::string& field, int base) {
  return static_cast<unsigned>(std::strtoul(field.c_str(), nullptr, base));
}

std::string octal(unsigned mode) {
  char digits[16];
  const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), mode, 8);
  return {digits, end};
}

// The path of a line about a kept file; else empty.
std::string path_in(const std::string& line) {
  std::string_view rest = line;
  const std::string kind = take_field(rest);
  if (kind != "absent" && kind != "file") return {};
  for (int field = kind == "file" ? 4 : 0; field > 0; --field) (void)take_field(rest);
  return std::string(rest);
}

// The content of each file at the end of the last run that changed it: path -> print.
std::map<std::string, std::string> left_by(const std::vector<std::string>& lines) {
  std::map<std::string, std::string> left;
  for (const std::string& line : lines) {
    std::string_view rest = line;
    if (take_field(rest) != "left") continue;
    std::string print = take_field(rest);
    left[std::string(rest)] = std::move(print);
  }
  return left;
}

// The lines of the last run, or all.
std::vector<std::string> lines_in(const std::vector<std::string>& all, UndoLog::Scope scope) {
  if (scope == UndoLog::Scope::everything) return all;
  const auto last = std::ranges::find(all.rbegin(), all.rend(), "run");
  return {last == all.rend() ? all.begin() : last.base(), all.end()};
}

}  // namespace

Result<void> replace_file(const std::string& path, const std::string& text, unsigned mode,
                          unsigned owner, unsigned group) {
  const std::string fresh = path + ".setup-new";
  (void)::unlink(fresh.c_str());  // of a run that was cut short
  const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return std::unexpected(cannot("written", fresh, errno));
  Result<void> done = write_all(file, fresh, text);
  if (done && (::fchown(file.get(), owner, group) != 0 || ::fchmod(file.get(), mode) != 0 ||
               ::fsync(file.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0))
    done = std::unexpected(cannot("written", path, errno));
  if (!done) {
    (void)::unlink(fresh.c_str());
    return done;
  }
  return sync_directory(directory_of(path));
}

UndoLog::UndoLog(std::string root) : root_(std::move(root)), directory_(root_ + kDirectory) {}

// A line without its newline was being written when the machine stopped: its change was not made.
std::vector<std::string> UndoLog::lines() const {
  std::vector<std::string> found;
  const std::string path = directory_ + kLog;
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return found;
  const auto text = read_all(file, path);
  if (!text) return found;
  std::size_t start = 0;
  for (std::size_t end = text->find('\n'); end != std::string::npos;
       end = text->find('\n', start)) {
    found.push_back(text->substr(start, end - start));
    start = end + 1;
  }
  return found;
}

UndoLog::State UndoLog::state() const {
  const std::vector<std::string> all = lines();
  if (all.empty()) return State::none;
  return all.back() == "finished" ? State::finished : State::unfinished;
}

bool UndoLog::has_finished() const {
  const std::vector<std::string> all = lines();
  return std::ranges::find(all, "finished") != all.end();
}

Result<void> UndoLog::append(const std::string& line) const {
  const std::string path = directory_ + kLog;
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return std::unexpected(cannot("written", path, errno));
  return write_all(file, path, line + "\n");
}

Result<void> UndoLog::begin() const {
  if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST)
    return std::unexpected(cannot("made", directory_, errno));
  struct stat status{};
  if (::lstat(directory_.c_str(), &status) != 0)
    return std::unexpected(cannot("read", directory_, errno));
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077U) != 0)
    return failure(ExitCode::failed, "not-written",
                   directory_ + " is not a directory of root alone: remove it");
  // Without a line that was cut off, which the next one would continue.
  std::string text;
  for (const std::string& line : lines()) text += line + "\n";
  return replace_file(directory_ + kLog, text + "run\n", 0600, 0, 0);
}

Result<void> UndoLog::keep_file(const std::string& path) const {
  const std::string whole = root_ + path;
  const Fd file(::open(whole.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) return append("absent " + path);
  if (!file)
    return std::unexpected(errno == ELOOP
                               ? Failure{ExitCode::failed, "not-written",
                                         whole + " is a symbolic link, which setup does not change"}
                               : cannot("read", whole, errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return std::unexpected(cannot("read", whole, errno));
  if (!S_ISREG(status.st_mode))
    return failure(ExitCode::failed, "not-written", whole + " is not a regular file");
  const auto text = read_all(file, whole);
  if (!text) return std::unexpected(text.error());
  const std::string number = std::to_string(lines().size());
  if (const auto kept = replace_file(directory_ + "/" + number, *text, 0600, 0, 0); !kept)
    return kept;
  return append("file " + number + " " + octal(status.st_mode & 07777U) + " " +
                std::to_string(status.st_uid) + " " + std::to_string(status.st_gid) + " " + path);
}

Result<void> UndoLog::note_group(const std::string& name) const {
  return append("group " + name);
}

Result<void> UndoLog::note_service(const std::string& name) const {
  return append("service " + name);
}

// FNV-1a with 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): it notices a change, and guards
// against nobody, because only root can write these files.
std::string UndoLog::print_of(const std::string& path) const {
  const Fd file(::open((root_ + path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  const auto text = file ? read_all(file, path) : Result<std::string>();
  if (!file || !text) return "absent";
  std::uint64_t sum = 0xcbf29ce484222325U;
  for (const char byte : *text) sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  return std::to_string(text->size()) + "-" + std::to_string(sum);
}

Result<void> UndoLog::finish() const {
  std::vector<std::string> paths;
  for (const std::string& line : lines_in(lines(), Scope::last_run))
    if (std::string path = path_in(line);
        !path.empty() && std::ranges::find(paths, path) == paths.end())
      paths.push_back(std::move(path));
  for (const std::string& path : paths)
    if (const auto left = append("left " + print_of(path) + " " + path); !left) return left;
  return append("finished");
}

Result<void> UndoLog::bring_back(const std::string& line) const {
  std::string_view rest = line;
  const std::string kind = take_field(rest);
  if (kind == "absent") {
    const std::string path = root_ + std::string(rest);
    struct stat status{};
    // Also on a read-only file system, which refuses to remove what is not there.
    if (::lstat(path.c_str(), &status) != 0 && errno == ENOENT) return {};
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      return std::unexpected(cannot("removed", path, errno));
    return {};
  }
  if (kind != "file") return {};
  const std::string copy = directory_ + "/" + take_field(rest);
  const unsigned mode = number_of(take_field(rest), 8);
  const unsigned owner = number_of(take_field(rest), 10);
  const unsigned group = number_of(take_field(rest), 10);
  const Fd file(::open(copy.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return std::unexpected(cannot("read", copy, errno));
  const auto text = read_all(file, copy);
  if (!text) return std::unexpected(text.error());
  const std::string path = root_ + std::string(rest);
  const Fd present(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  const auto now = present ? read_all(present, path) : Result<std::string>();
  struct stat status{};
  if (present && now && *now == *text && ::fstat(present.get(), &status) == 0 &&
      S_ISREG(status.st_mode) && (status.st_mode & 07777U) == mode && status.st_uid == owner &&
      status.st_gid == group)
    return {};  // the change was not made, maybe because the file system is read-only
  return replace_file(path, *text, mode, owner, group);
}

Result<UndoLog::Undone> UndoLog::undo(Scope scope) const {
  Undone undone;
  const std::vector<std::string> changes = lines_in(lines(), scope);
  const auto add = [](std::vector<std::string>* names, std::string name) {
    if (std::ranges::find(*names, name) == names->end()) names->push_back(std::move(name));
  };
  if (state() == State::finished)
    for (const auto& [path, print] : left_by(changes))
      if (print_of(path) != print)
        return failure(ExitCode::failed, "changed-since",
                       root_ + path +
                           " was changed after setup, so nothing was undone. Copies of the "
                           "former files, and a log that names them, are in " +
                           directory_);
  for (auto line = changes.rbegin(); line != changes.rend(); ++line) {
    if (const auto back = bring_back(*line); !back) return std::unexpected(back.error());
    std::string_view rest = *line;
    const std::string kind = take_field(rest);
    if (kind == "group") add(&undone.groups, std::string(rest));
    if (kind == "service") add(&undone.services, std::string(rest));
    if (std::string path = path_in(*line); !path.empty()) add(&undone.files, std::move(path));
  }
  return undone;
}

Result<void> UndoLog::forget(Scope scope) const {
  std::vector<std::string> left = lines();
  left.resize(left.size() - lines_in(left, scope).size());
  if (scope == Scope::last_run && !left.empty() && left.back() == "run") left.pop_back();
  std::string text;
  for (const std::string& line : left) text += line + "\n";
  if (!text.empty()) return replace_file(directory_ + kLog, text, 0600, 0, 0);
  // The log goes last: its lines name the copies.
  for (std::size_t number = 0; number <= lines().size(); ++number)
    (void)::unlink((directory_ + "/" + std::to_string(number)).c_str());
  if (::unlink((directory_ + kLog).c_str()) != 0 && errno != ENOENT)
    return std::unexpected(cannot("removed", directory_ + kLog, errno));
  (void)::rmdir(directory_.c_str());
  return {};
}

}  // namespace pamcognito::cli
