#include "common/break_glass.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "cli/commands/commands.h"
#include "cli/doctor/checks.h"
#include "common/fd.h"
#include "common/text.h"
#include "common/user_name.h"

namespace pamcognito::cli {
namespace {

using break_glass::Now;
using break_glass::PolicyInForce;
using break_glass::Window;
using std::chrono::seconds;

Failure cannot_write(const std::string& path, int error) {
  return {ExitCode::failed, "not-written",
          path + " cannot be written: " + describe_errno(error) +
              (error == EACCES || error == EPERM ? " (run it as root)" : "")};
}

// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
bool is_on_ec2(const System& system) {
  const auto vendor = system.read("/sys/class/dmi/id/sys_vendor");
  const auto tag = system.read("/sys/class/dmi/id/board_asset_tag");
  return (vendor && vendor->starts_with("Amazon EC2")) || (tag && tag->starts_with("i-"));
}

// logind's own answer about seat0, which exists on servers too.
bool has_screen(const System& system) {
  const auto seat = system.read("/run/systemd/seats/seat0");
  return seat && seat->contains("CAN_GRAPHICAL=1");
}

// "90s", "30min", "2h".
std::optional<seconds> parse_duration(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // Far more than is permitted, and far less than overflows.
  if (error != std::errc() || value < 0 || value > 1'000'000) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit == "s") return seconds(value);
  if (unit == "m" || unit == "min") return std::chrono::minutes(value);
  if (unit == "h") return std::chrono::hours(value);
  return std::nullopt;
}

// tmpfiles.d makes it at boot; a package that was installed since then may not have.
Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
    return std::unexpected(cannot_write(path, errno));
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return std::unexpected(cannot_write(path, errno));
  if (!S_ISDIR(status.st_mode) || status.st_uid != 0 || (status.st_mode & 022U) != 0)
    return failure(ExitCode::failed, "not-written",
                   path + " is not a directory that only root can write; remove it");
  return {};
}

// Written beside its place and renamed: the module reads the old window or the new one.
Result<void> write_window(const std::string& directory, const Window& window) {
  if (const auto made = make_directory(directory); !made) return made;
  const std::string path = directory + "/" + break_glass::kWindowName;
  const std::string fresh = path + ".new";
  (void)::unlink(fresh.c_str());
  const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) return std::unexpected(cannot_write(fresh, errno));
  const std::string text = break_glass::format_window(window);
  const ssize_t size = ::write(file.get(), text.data(), text.size());
  int error = size < 0 ? errno : 0;
  if (error == 0 && size != static_cast<ssize_t>(text.size())) error = ENOSPC;
  if (error == 0 && ::fchmod(file.get(), 0644) != 0) error = errno;
  if (error == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return {};
  (void)::unlink(fresh.c_str());
  return std::unexpected(cannot_write(path, error));
}

std::string users_text(const Window& window) {
  if (window.all) return "all Cognito users who have a local password";
  std::string text;
  for (const std::string& user : window.users) text += (text.empty() ? "" : ", ") + user;
  return text;
}

std::uint64_t wall_time(seconds from_now) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, ::time(nullptr) + from_now.count()));
}

Json::Value to_json(const Window& window, const Now& now) {
  Json::Value object;
  object["all"] = window.all;
  object["users"] = Json::arrayValue;
  for (const std::string& user : window.users) object["users"].append(user);
  const seconds left = window.end - now.boot_time;
  object["left_s"] = Json::Value::Int64(left.count());
  object["ends_at"] = Json::Value::UInt64(wall_time(left));
  return object;
}

}  // namespace

bool wants_window(const System& system, const UsersConf& conf) {
  if (!is_on_ec2(system) && has_screen(system)) return false;
  return is_administrator_left(check_users_of(system, conf));
}

ExitCode open_break_glass(const Context& context, const BreakGlassOptions& options) {
  const Output& out = context.out;
  const auto length = parse_duration(options.length);
  if (!length || *length < break_glass::kMinWindow || *length > break_glass::kMaxWindow)
    return out.fail(
        {ExitCode::usage, "bad-value",
         "--for takes 1min to 24h, such as 30min or 2h: " + printable(options.length, 64)});
  if (options.all != options.users.empty())
    return out.fail({ExitCode::usage, "bad-value", "name either --user or --all"});
  if (options.users.size() > break_glass::kMaxWindowUsers)
    return out.fail({ExitCode::usage, "bad-value", "too many users; use --all"});
  for (const std::string& user : options.users)
    if (!is_valid_user_name(user))
      return out.fail(
          {ExitCode::usage, "bad-value", "this is no user name: " + printable(user, 64)});
  const PolicyInForce policy =
      break_glass::read_policy((context.root + break_glass::kPolicyPath).c_str());
  if (policy.policy == break_glass::Policy::never)
    return out.fail({ExitCode::failed, "policy-never",
                     policy.fault.empty()
                         ? std::string(break_glass::kPolicyPath) + " says never: set it to window"
                         : policy.fault});
  const Now now = break_glass::now();
  if (now.boot_id.empty())
    return out.fail({ExitCode::failed, "no-boot-id",
                     "/proc/sys/kernel/random/boot_id cannot be read; no window can be opened"});
  const Window window{.boot_id = now.boot_id,
                      .end = now.boot_time + *length,
                      .all = options.all,
                      .users = options.users};
  const auto written = write_window(context.root + break_glass::kWindowDirectory, window);
  if (!written) return out.fail(written.error());
  Json::Value object;
  object["window"] = to_json(window, now);
  out.object(object);
  out.line("Local passwords are accepted until " + time_text(wall_time(*length)) +
           " for: " + out.paint(Style::plain, users_text(window)));
  out.line("Until then Cognito is not asked for users who have a local password.");
  out.line("cognitoctl break-glass close ends it.");
  return ExitCode::ok;
}

ExitCode close_break_glass(const Context& context) {
  const Output& out = context.out;
  const std::string path =
      context.root + break_glass::kWindowDirectory + "/" + break_glass::kWindowName;
  const bool existed = ::unlink(path.c_str()) == 0;
  if (!existed && errno != ENOENT) return out.fail(cannot_write(path, errno));
  Json::Value object;
  object["closed"] = existed;
  out.object(object);
  out.line(existed ? "The window is closed." : "No window was open.");
  return ExitCode::ok;
}

ExitCode show_break_glass(const Context& context) {
  const Output& out = context.out;
  const PolicyInForce policy =
      break_glass::read_policy((context.root + break_glass::kPolicyPath).c_str());
  const Now now = break_glass::now();
  const auto window = break_glass::read_window(now, context.root + break_glass::kWindowDirectory);
  const bool is_open = window && *window;
  const std::string fault = !policy.fault.empty() ? policy.fault : window ? "" : window.error();

  Json::Value object;
  object["local_password"] = std::string(break_glass::to_string(policy.policy));
  object["window"] = is_open ? to_json(**window, now) : Json::Value();
  if (!fault.empty()) object["fault"] = fault;
  out.object(object);
  std::string open = "closed";
  if (is_open)
    open = "open until " + time_text(wall_time((*window)->end - now.boot_time)) + " for " +
           users_text(**window);
  print_pairs(out, {{"local password", std::string(break_glass::to_string(policy.policy)) +
                                           (policy.is_default ? " (the default)" : "")},
                    {"window", open},
                    {"fault", fault}});
  return fault.empty() ? ExitCode::ok : ExitCode::failed;
}

}  // namespace pamcognito::cli
