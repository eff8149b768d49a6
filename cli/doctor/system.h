#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pamcognito::cli {

struct FileStatus {
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;  // permission bits
  bool regular = false;
  bool directory = false;
};

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string shell;
};

struct Group {
  std::string name;
  gid_t gid = 0;
  std::vector<std::string> members;
};

// The reason why a program gave no output.
struct ProgramError {
  enum class Kind : std::uint8_t {
    not_run,    // absent, or not this machine
    timed_out,  // killed at its deadline
    failed,     // ended with another exit status than 0, or by a signal
  };
  Kind kind = Kind::not_run;
  std::string text;
};

// The machine as the doctor sees it: files below a root, the outputs of programs, users. Tests
// plant faults below a root of their own, and answer for the programs.
class System {
 public:
  // root: empty is this machine; else a directory without '/' at its end, whose programs are not
  // run and whose users are those of its etc/passwd and etc/group.
  explicit System(std::string root) : root_(std::move(root)) {}
  System(const System&) = delete;
  System& operator=(const System&) = delete;
  virtual ~System() = default;

  // The path below the root, for what opens files itself.
  [[nodiscard]] std::string path(const std::string& absolute) const { return root_ + absolute; }
  [[nodiscard]] bool is_this_machine() const noexcept { return root_.empty(); }

  // The error is an errno. At most 256 KiB.
  [[nodiscard]] std::expected<std::string, int> read(const std::string& absolute) const;
  // Does not follow a symbolic link in the last place if told so.
  [[nodiscard]] std::expected<FileStatus, int> status(const std::string& absolute) const;
  // Names in a directory, sorted; empty if there is none.
  [[nodiscard]] std::vector<std::string> list(const std::string& absolute) const;

  [[nodiscard]] std::optional<Account> account(const std::string& name) const;
  [[nodiscard]] std::optional<Group> group(const std::string& name) const;
  // All users of etc/passwd (not those of other sources).
  [[nodiscard]] std::vector<Account> local_accounts() const;

  // Runs a program by its absolute path, without a shell, for at most 5 s: its standard output, if
  // it ended with 0. It is not run for a tree that is not this machine.
  [[nodiscard]] virtual std::expected<std::string, ProgramError> run(
      const std::vector<std::string>& arguments) const;

 private:
  std::string root_;
};

// A program in a session of its own gets no Ctrl-C of the caller's terminal.
enum class ProgramSession : std::uint8_t { callers, own };

// Runs the program `file` without a shell and without blocked signals, for at most `time`: its
// standard output, if it ended with 0. arguments[0] is its name in messages.
[[nodiscard]] std::expected<std::string, ProgramError> run_program(
    const std::string& file, const std::vector<std::string>& arguments, std::chrono::seconds time,
    ProgramSession session = ProgramSession::callers);

// The lines of a text, without what follows a '#' at the start of a line, and without empty lines.
std::vector<std::string> lines_of(const std::string& text);
// "a, b".
std::string list_of(const std::vector<std::string>& names);
// The same, with at most ten names: "ann, bob and 3 more".
std::string short_list(std::vector<std::string> names);
// Words separated by blanks.
std::vector<std::string> words_of(const std::string& line);

}  // namespace pamcognito::cli
