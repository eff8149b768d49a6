#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "accounts/after_change.h"
#include "accounts/directory_list.h"
#include "accounts/message.h"
#include "accounts/settings.h"
#include "cli/commands/commands.h"
#include "cli/json.h"
#include "common/text.h"

// The lists of cognitod-directory. Both commands work on the database, so they need no service.
namespace pamcognito::cli {
namespace {

constexpr std::size_t kMostNames = 20;

Failure failure_of(const accounts::Error& error) {
  const bool is_bound = error.refusal == accounts::Refusal::malformed;
  return {is_bound ? ExitCode::usage : ExitCode::failed, std::string(to_string(error.refusal)),
          error.text};
}

Failure needs_root() {
  return {ExitCode::not_permitted, "not-permitted", "only root may see and change accounts."};
}

std::string names_text(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kMostNames; ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMostNames)
    text += " and " + std::to_string(names.size() - kMostNames) + " more";
  return text;
}

// Empty, or a remark: the change is stored, and something is left.
std::string finish(const Context& context, const accounts::AcceptResult& result) {
  if (!context.root.empty()) return {};
  std::string remark;
  if (const auto done = accounts::invalidate_nscd(); !done)
    remark = "nscd may answer from its cache for a while (" + done.error() +
             "): run nscd -i passwd and nscd -i group";
  const auto settings = accounts::read_settings("");
  if (!settings || settings->on_disable != accounts::OnDisable::terminate) return remark;
  for (const uid_t uid : result.locked_uids)
    if (const auto done = accounts::terminate_user(uid); !done)
      remark = "sessions of uid " + std::to_string(uid) + " were not ended (" + done.error() +
               "): run loginctl terminate-user";
  return remark;
}

}  // namespace

ExitCode show_directory(const Context& context) {
  if (::geteuid() != 0) return context.out.fail(needs_root());
  const auto status = accounts::directory_status(context.root);
  if (!status) return context.out.fail(failure_of(status.error()));
  Json::Value object(Json::objectValue);
  object["groups"] = to_json(status->groups);
  object["users"] = Json::Value::UInt64(status->users);
  object["list_at"] = Json::Value::Int64(status->at);
  object["held"] = status->held_at != 0;
  object["held_at"] = Json::Value::Int64(status->held_at);
  object["gone"] = to_json(status->gone);
  context.out.object(object);
  const Output& out = context.out;
  const auto time = [](std::int64_t at) { return time_text(static_cast<std::uint64_t>(at)); };
  print_pairs(out, {{"Groups", status->groups.empty() ? "none: the directory is off"
                                                      : names_text(status->groups)},
                    {"Last list", time(status->at)},
                    {"Users", std::to_string(status->users)},
                    {"Held back", status->held_at == 0 ? "no" : "since " + time(status->held_at)}});
  if (status->held_at == 0) return ExitCode::ok;
  out.line();
  out.line(out.paint(Style::warning,
                     std::to_string(status->gone.size()) +
                         " users are not in the present list: " + names_text(status->gone) + "."));
  out.line("cognitoctl directory accept locks their accounts.");
  return ExitCode::ok;
}

ExitCode accept_directory(const Context& context) {
  if (::geteuid() != 0) return context.out.fail(needs_root());
  const auto result = accounts::accept_list(context.root);
  if (!result) return context.out.fail(failure_of(result.error()));
  const std::string remark = result->changed ? finish(context, *result) : std::string();
  Json::Value object(Json::objectValue);
  object["changed"] = result->changed;
  object["locked"] = to_json(result->locked);
  if (!remark.empty()) object["remark"] = remark;
  context.out.object(object);
  if (!result->changed) {
    context.out.line("No list is held back, so nothing was changed.");
    return ExitCode::ok;
  }
  context.out.line("Locked: " + (result->locked.empty() ? "nobody" : names_text(result->locked)) +
                   ".");
  context.out.line("The next list is taken: systemctl start cognitod-directory");
  if (!remark.empty()) context.out.line(context.out.paint(Style::warning, remark));
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
