#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/doctor/system.h"
#include "cli/failure.h"
#include "cli/setup/undo_log.h"

// The steps by which `cognitoctl setup` configures a machine. Each step is planned from the state
// of the machine, and a step that would change nothing is not planned: a second run has no steps.
namespace pamcognito::cli {

struct Step {
  std::string text;  // for the person, before it is taken: "Write /etc/…"
  // Takes it. Every change is in the log before it is made.
  std::function<Result<void>(const UndoLog& log)> take;
};

// Runs a program of this machine, or of the tree below the root if the tree has it. A program that
// a tree lacks has nothing to do there.
Result<std::string> run_for_setup(const System& system, const std::vector<std::string>& arguments);

// Starts the services again that read the files, and removes the groups. For undoing.
void end_undoing(const System& system, const UndoLog::Undone& undone);

// The content of cognitod.conf.d/10-pool.conf. grace: sshd's LoginGraceTime in seconds, 0 for none;
// negative: there is no sshd.
std::string pool_file(const SetUpOptions& options, long grace);

// The content of users.conf with a line for the group, and with these users excluded besides those
// that are. All other lines stay.
std::string users_file(const std::string& present, const std::string& group,
                       const std::vector<std::string>& excluded);

inline constexpr char kPoolFile[] = "/etc/pam-cognito/cognitod.conf.d/10-pool.conf";

struct Plan {
  std::vector<Step> steps;
  std::vector<std::string> remarks;  // what the person should know, such as who is excluded
};

// is_first: no earlier run has reached its end. Only then users are excluded, so that a name which
// the administrator takes out of exclude= stays out.
// The error: setup cannot be done here; nothing was changed.
Result<Plan> plan_setup(const Context& context, const SetUpOptions& options, bool is_first);

// The users of this machine who have an account, by the group and the exclude= line of users.conf.
struct Members {
  std::string group;
  std::vector<std::string> names;  // in the group, and not excluded
  std::vector<std::string> excluded;
};
Members cognito_members(const System& system);

}  // namespace pamcognito::cli
