#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"
#include "cli/failure.h"
#include "common/users_conf.h"

// One function for each command: writes its result to the context's output, and returns
// cognitoctl's exit status.
namespace pamcognito::cli {

class System;

ExitCode show_status(const Context& context);

// A whole sign-in without PAM, of which nothing is kept.
ExitCode test_login(const Context& context, const std::string& user, const std::string& service);

// The caller's own second factors. Each change begins with a sign-in at the terminal.
ExitCode show_mfa(const Context& context, bool bypass_cache);
struct TotpSetUp {
  bool plain = false;  // the otpauth URI instead of QR code and secret
  std::string device_name;
};
ExitCode set_up_totp(const Context& context, const TotpSetUp& options);
// factor: totp, sms, email or none.
ExitCode prefer_mfa(const Context& context, const std::string& factor);
ExitCode disable_mfa(const Context& context, const std::string& factor);

// user: empty means the caller, or all users if the caller is root. full: whole ids and names,
// however wide the table becomes.
ExitCode list_sessions(const Context& context, const std::string& user, bool full);
// An id may be given by its first digits, if they are no fewer than these.
inline constexpr std::size_t kShortestIdPrefix = 4;
inline constexpr char kAmbiguousId[] = "ambiguous-id";  // a Failure's word: more than one
bool has_hex_digits_only(std::string_view text);
// prefix: the first digits of its id.
ExitCode end_session(const Context& context, const std::string& prefix);
// The id of the one session, of those that the caller may see, that begins with these hexadecimal
// digits: the Failure's code is not_found if there is none.
Result<std::string> session_beginning(const std::string& prefix);
// On a terminal it asks root before it ends the sessions of another user, unless `confirmed`.
ExitCode sign_out(const Context& context, const std::string& user, bool confirmed);

// Recent sign-ins, the last one first, from the journal.
struct LogOptions {
  std::string user;     // empty: all users
  bool failed = false;  // only those that did not succeed
  std::string count;    // empty: 10
  std::string since;    // "2h"; empty: as far back as the journal is read
  std::string file;     // empty: this machine's journal
};
ExitCode list_sign_ins(const Context& context, const LogOptions& options);

// One sign-in from the journal. file: empty is this machine's journal.
struct ExplainOptions {
  std::string id;     // a log id, a session's id, which begins with it, or the first digits
  bool last = false;  // the last sign-in, instead of an id
  std::string user;   // with `last`: of this user
  std::string file;
};
ExitCode explain(const Context& context, const ExplainOptions& options);

ExitCode test_policy(const Context& context, const std::string& user, const std::string& service);

ExitCode list_identities(const Context& context, bool full);
ExitCode pin_identity(const Context& context, const std::string& user, const std::string& sub);
ExitCode reset_identity(const Context& context, const std::string& user);

// The window in which local passwords are accepted (root), and the policy.
struct BreakGlassOptions {
  std::string length;  // "2h"
  std::vector<std::string> users;
  bool all = false;
};
ExitCode open_break_glass(const Context& context, const BreakGlassOptions& options);
ExitCode close_break_glass(const Context& context);
ExitCode show_break_glass(const Context& context);
// For setup: the policy `window` fits this machine (EC2, or no screen of its own), and an
// administrator is left who does not need Cognito, by the users.conf that setup writes.
bool wants_window(const System& system, const UsersConf& conf);

struct DoctorOptions {
  bool all = false;               // the passed checks, too
  bool quiet = false;             // no text; --json prints its object all the same
  std::vector<std::string> only;  // the ids of the checks to show; empty: all
};
ExitCode run_doctor(const Context& context, const DoctorOptions& options);

// users.conf and cognitod.conf with its drop-ins, without the daemon. Status 1: not valid.
ExitCode check_configuration(const Context& context);
// Each setting of cognitod.conf with its file and line, or "default".
ExitCode show_configuration(const Context& context);
// section: "mfa", "[mfa]" or "service sshd".
ExitCode get_setting(const Context& context, const std::string& section, const std::string& key);

// Accounts that no local file names (root). A command whose change is made already has status 0,
// too.
struct UserOptions {
  std::string name;
  std::string new_name;    // rename
  std::string uid;         // add; empty: the rule
  std::string shell;       // add, set-shell
  bool terminate = false;  // lock: end the user's processes as well
  bool confirmed = false;  // remove
};
ExitCode add_user(const Context& context, const UserOptions& options);
ExitCode list_users(const Context& context, bool full);
ExitCode show_user(const Context& context, const std::string& name);
ExitCode lock_user(const Context& context, const UserOptions& options);
ExitCode unlock_user(const Context& context, const std::string& name);
ExitCode remove_user(const Context& context, const UserOptions& options);
ExitCode set_users_shell(const Context& context, const UserOptions& options);
// Both forget the pin of cognitod, too. If it does not answer, a remark has the command for that.
ExitCode rebind_user(const Context& context, const std::string& name);
ExitCode rename_user(const Context& context, const UserOptions& options);
ExitCode migrate_users(const Context& context, const std::string& from, const std::string& to);
ExitCode export_users(const Context& context);
// path: "-" is standard input.
ExitCode import_users(const Context& context, const std::string& path);
// Pins a local account that users.conf names to an account of the pool. cognitod keeps that pin.
ExitCode adopt_user(const Context& context, const std::string& name, const std::string& sub);

// The lists of cognitod-directory (root): what the last one was, and whether one is held back;
// accept locks the accounts of the users whom that one lacks.
ExitCode show_directory(const Context& context);
ExitCode accept_directory(const Context& context);

// Removes what a machine image must not contain (root).
struct ImageOptions {
  bool fleet_key = false;  // that, too
  bool confirmed = false;
};
ExitCode prepare_image(const Context& context, const ImageOptions& options);

struct SetUpOptions {
  std::string region;  // those that are empty are asked for
  std::string user_pool_id;
  std::string client_id;
  std::string endpoint;  // only for a pool elsewhere than at AWS; with the two below
  std::string issuer;
  std::string jwks_uri;
  std::string ca_file;
  std::string allow_groups;
  std::string group;  // the Unix group of the Cognito users; empty: users.conf's, or the usual one
  std::string print;  // cloud-init or ansible: print a template instead
  std::string accounts;    // pattern of the users without local accounts; empty: as before
  std::string sudo_group;  // Cognito groups whose members may use sudo
  bool unchecked = false;  // write it although the pool cannot be asked
  bool confirmed = false;  // --yes
  bool dry_run = false;
  bool undo = false;
};
ExitCode set_up(const Context& context, const SetUpOptions& options);

// The caller's own user name; the Failure: it has none.
Result<std::string> own_user_name();

}  // namespace pamcognito::cli
