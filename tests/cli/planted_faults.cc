#include "tests/cli/planted_faults.h"

#include <filesystem>
#include <string>

namespace pamcognito::test {
namespace {

using cli::State;

constexpr char kAuth[] = "/etc/pam.d/common-auth";
constexpr char kAccount[] = "/etc/pam.d/common-account";
constexpr char kUsers[] = "/etc/pam-cognito/users.conf";
constexpr char kAccountsConf[] = "/etc/pam-cognito/accounts.conf";
constexpr char kAccountsFile[] = "/var/lib/pam-cognito-accounts/accounts.v1";
constexpr char kConfig[] = "/etc/pam-cognito/cognitod.conf";

// The profile's line for users who are certainly no Cognito users, and one that a missing module
// passes, too.
constexpr char kCertainlyNot[] = "[ignore=ignore default=die]\tpam_cognito.so route";
constexpr char kCertainlyNotOrMissing[] =
    "[ignore=ignore module_unknown=ignore default=die]\tpam_cognito.so route";

// Puts `line` before everything else of the file.
void put_first(Machine& machine, const std::string& path, const std::string& line) {
  machine.write(path, line + machine.text(path));
}

// A stack of one's own instead of the profile's.
void set_auth(Machine& machine, const std::string& text) {
  machine.write(kAuth, text);
}

// A directory, and those above it.
void add_home(Machine& machine, const std::string& path, uid_t uid, mode_t mode) {
  std::filesystem::create_directories(machine.root() + path);
  machine.chown(path, uid);
  machine.chmod(path, mode);
}

// SSH keys of the user pool are on.
void add_key_file(Machine& machine, const std::string& name) {
  machine.write(kAccountsConf, "[accounts]\nnames = *.*\nssh_keys_attribute = custom:ssh_keys\n");
  machine.write("/var/lib/pam-cognito-accounts/keys/" + name, "");
}

}  // namespace

const std::vector<Planted>& all_planted() {
  static const std::vector<Planted> planted = {
      {"the configuration has a key that is none",
       [](Machine& m) { m.write(kConfig, m.text(kConfig) + "allow_everybody = yes\n"); },
       "config-valid", State::fault},
      {"the configuration is missing", [](Machine& m) { m.remove(kConfig); }, "config-valid",
       State::fault},
      {"the pool is open to all",
       [](Machine& m) { m.write(kConfig, m.text(kConfig) + "allow_users = *\n"); }, "config-advice",
       State::warning},
      {"no bus policy",
       [](Machine& m) { m.remove("/usr/share/dbus-1/system.d/org.pamcognito.Auth1.conf"); },
       "dbus-policy", State::fault},
      {"a local bus policy without the deny",
       [](Machine& m) {
         m.write("/etc/dbus-1/system.d/org.pamcognito.Auth1.conf",
                 "<busconfig><policy user=\"cognitod\"><allow own=\"org.pamcognito.Auth1\"/>"
                 "</policy></busconfig>");
       },
       "dbus-policy", State::fault},
      {"another policy lets everybody own the name",
       [](Machine& m) {
         m.write("/etc/dbus-1/system.d/zz-lax.conf",
                 "<busconfig><policy context='default'><allow own_prefix='org.pamcognito'/>"
                 "</policy></busconfig>");
       },
       "dbus-policy-lax", State::fault},
      {"another policy lets everybody call what is root's",
       [](Machine& m) {
         m.write("/etc/dbus-1/system.d/zz-calls.conf",
                 "<busconfig><policy context='default'><allow send_type='method_call'/>"
                 "</policy></busconfig>");
       },
       "dbus-policy-lax", State::fault},
      {"a bus policy of before there were hosts",
       [](Machine& m) {
         m.write(
             "/etc/dbus-1/system.d/org.pamcognito.Auth1.conf",
             "<busconfig><policy context='default'><deny own=\"org.pamcognito.Auth1\"/></policy>"
             "<policy user=\"cognitod\"><allow own=\"org.pamcognito.Auth1\"/></policy>"
             "</busconfig>");
       },
       "dbus-policy", State::fault},
      {"no activation file",
       [](Machine& m) {
         m.remove("/usr/share/dbus-1/system-services/org.pamcognito.Auth1.service");
       },
       "dbus-activation", State::fault},
      {"users.conf can be written by its group", [](Machine& m) { m.chmod(kUsers, 0664); },
       "users-conf", State::fault},
      {"users.conf says nothing", [](Machine& m) { m.write(kUsers, "#group=cognito-users\n"); },
       "users-conf", State::warning},
      {"exclude= names a user in the range of accounts.conf",
       [](Machine& m) {
         m.write("/etc/pam-cognito/accounts.conf", "[accounts]\nrange = 65536-70000\n");
         m.write("/etc/passwd", m.text("/etc/passwd") + "wide:x:65600:65600::/home/wide:/bin/sh\n");
         m.write(kUsers, "group=cognito-users\nexclude=admin wide\n");
       },
       "users-excluded", State::fault},
      {"the only sudoer is ours",
       [](Machine& m) { m.write(kUsers, "group=cognito-users\nusers=admin\n"); }, "users-admin",
       State::fault},
      {"all whom sudo permits everything are Cognito users",
       [](Machine& m) {
         m.set_sudoers({"root", "alice", "bob"});
         m.write(kUsers, "users=alice bob\n");
       },
       "users-admin", State::fault},
      {"only a window opens, and no administrator is left",
       [](Machine& m) {
         m.write("/etc/pam-cognito/break-glass.conf", "local_password = window\n");
         m.write(kUsers, "users=alice bob admin\n");
       },
       "break-glass-policy", State::fault},
      {"local passwords never count, and no administrator is left",
       [](Machine& m) {
         m.write("/etc/pam-cognito/break-glass.conf", "local_password = never\n");
         m.write(kUsers, "users=alice bob admin\n");
       },
       "break-glass-policy", State::fault},
      {"the break glass's policy has a fault",
       [](Machine& m) { m.write("/etc/pam-cognito/break-glass.conf", "local_password = yes\n"); },
       "break-glass-policy", State::fault},
      {"a window of another boot",
       [](Machine& m) {
         m.write("/run/pam-cognito/break-glass",
                 "boot_id=00000000-0000-0000-0000-000000000000\nend=9\nusers=*\n");
       },
       "break-glass-window", State::warning},
      {"a user of ours has no account",
       [](Machine& m) { m.write(kUsers, "users=alice zoe\nexclude=admin\n"); }, "users-resolve",
       State::fault},
      {"the group is missing",
       [](Machine& m) { m.write(kUsers, "group=cloud-users\nexclude=admin\n"); }, "users-group",
       State::fault},
      {"a users.conf that relies on the group of 0.2.0",
       [](Machine& m) { m.write(kUsers, "exclude=admin\n"); }, "users-group", State::warning},
      {"a member of the group is excluded",
       [](Machine& m) { m.write(kUsers, "group=cognito-users\nexclude=admin alice\n"); },
       "users-excluded", State::warning},
      {"an old name of a setting",
       [](Machine& m) { m.write(kConfig, m.text(kConfig) + "[mfa]\nissuer = Example\n"); },
       "config-names", State::warning},
      {"nsswitch without files",
       [](Machine& m) { m.write("/etc/nsswitch.conf", "passwd: ldap\ngroup: files\n"); },
       "nsswitch-passwd", State::fault},
      {"accounts.conf has a fault",
       [](Machine& m) { m.write(kAccountsConf, "[accounts]\nrange = 5\n"); }, "accounts-conf",
       State::fault},
      {"nsswitch.conf lacks the service of accounts",
       [](Machine& m) { m.replace("/etc/nsswitch.conf", "files cognitod", "files"); },
       "accounts-nsswitch", State::fault},
      {"accounts come before local users",
       [](Machine& m) {
         m.replace("/etc/nsswitch.conf", "passwd: files cognitod", "passwd: cognitod files");
       },
       "accounts-nsswitch", State::fault},
      {"a service that may wait comes before accounts",
       [](Machine& m) {
         m.replace("/etc/nsswitch.conf", "files cognitod systemd", "files systemd cognitod");
       },
       "accounts-nsswitch", State::warning},
      {"groups are not merged",
       [](Machine& m) { m.replace("/etc/nsswitch.conf", " [SUCCESS=merge]", ""); },
       "accounts-nsswitch", State::warning},
      {"subordinate ids meet the range",
       [](Machine& m) { m.write("/etc/subuid", "bob:1900000000:65536\n"); }, "accounts-range",
       State::fault},
      {"a local group is in the range",
       [](Machine& m) { m.write("/etc/group", m.text("/etc/group") + "big:x:1900000000:\n"); },
       "accounts-range", State::fault},
      {"a container without the uids",
       [](Machine& m) { m.write("/proc/self/uid_map", "0 100000 65536\n"); }, "accounts-uid-map",
       State::fault},
      {"the accounts file is damaged",
       [](Machine& m) {
         std::string text = m.text(kAccountsFile);
         text[140] = static_cast<char>(text[140] ^ 1);
         m.write(kAccountsFile, text);
       },
       "accounts-file", State::fault},
      {"the accounts file is cut",
       [](Machine& m) { m.write(kAccountsFile, m.text(kAccountsFile).substr(0, 150)); },
       "accounts-file", State::fault},
      {"others can write the accounts file", [](Machine& m) { m.chmod(kAccountsFile, 0666); },
       "accounts-file", State::fault},
      {"others can write its directory",
       [](Machine& m) { m.chmod("/var/lib/pam-cognito-accounts", 0777); }, "accounts-file",
       State::fault},
      {"the accounts file is missing", [](Machine& m) { m.remove(kAccountsFile); }, "accounts-file",
       State::fault},
      {"a local user hides an account",
       [](Machine& m) {
         m.write("/etc/passwd", m.text("/etc/passwd") + "ann.lee:x:1009:1009::/:/bin/sh\n");
       },
       "accounts-shadowed", State::fault},
      {"a local user has an account's uid",
       [](Machine& m) {
         m.write("/etc/passwd", m.text("/etc/passwd") + "eve:x:1900000001:1009::/:/bin/sh\n");
       },
       "accounts-shadowed", State::fault},
      {"sudoers names a user who may get an account",
       [](Machine& m) { m.write("/etc/sudoers.d/old", "gone.user ALL=(ALL) ALL\n", 0440); },
       "accounts-orphans", State::warning},
      {"a local group has a user who may get an account",
       [](Machine& m) {
         m.write("/etc/group", m.text("/etc/group") + "docker:x:1234:alice,gone.user\n");
       },
       "accounts-orphans", State::warning},
      {"a crontab waits for a user",
       [](Machine& m) { m.write("/var/spool/cron/crontabs/gone.user", "@daily true\n"); },
       "accounts-orphans", State::warning},
      {"sshd_config names a user who may get an account",
       [](Machine& m) { m.write("/etc/ssh/sshd_config", "AllowUsers alice gone.user@10.0.0.1\n"); },
       "accounts-orphans", State::warning},
      {"the fleet key is missing", [](Machine& m) { m.remove("/etc/pam-cognito/fleet.key"); },
       "accounts-fleet-key", State::fault},
      {"others can read the fleet key",
       [](Machine& m) { m.chmod("/etc/pam-cognito/fleet.key", 0640); }, "accounts-fleet-key",
       State::fault},
      {"a key file is another user's",
       [](Machine& m) {
         add_key_file(m, "1900000001");
         m.chown("/var/lib/pam-cognito-accounts/keys/1900000001", 1000);
       },
       "accounts-keys", State::fault},
      {"others can write a key file",
       [](Machine& m) {
         add_key_file(m, "1900000001");
         m.chmod("/var/lib/pam-cognito-accounts/keys/1900000001", 0666);
       },
       "accounts-keys", State::fault},
      {"a key file of another name", [](Machine& m) { add_key_file(m, "ann.lee"); },
       "accounts-keys", State::fault},
      {"others can write the directory of key files",
       [](Machine& m) {
         add_key_file(m, "1900000001");
         m.chmod("/var/lib/pam-cognito-accounts/keys", 0777);
       },
       "accounts-keys", State::fault},
      {"a key file without an account", [](Machine& m) { add_key_file(m, "1900000009"); },
       "accounts-keys", State::warning},
      {"a key file although no attribute is set",
       [](Machine& m) {
         add_key_file(m, "1900000001");
         m.write(kAccountsConf, "[accounts]\nnames = *.*\n");
       },
       "accounts-keys", State::warning},
      {"nscd runs", [](Machine& m) { m.write("/run/nscd/socket", ""); }, "accounts-nscd",
       State::warning},
      {"a home belongs to another user",
       [](Machine& m) { add_home(m, "/home/ann.lee", 1000, 0700); }, "accounts-homes",
       State::fault},
      {"a group can write a home",
       [](Machine& m) { add_home(m, "/home/ann.lee", 1900000001, 0770); }, "accounts-homes",
       State::fault},
      {"a home is a file",
       [](Machine& m) {
         m.write("/home/ann.lee", "");
         m.chown("/home/ann.lee", 1900000001);
       },
       "accounts-homes", State::fault},
      {"a home is a link of its user",
       [](Machine& m) {
         add_home(m, "/srv/ann.lee", 1900000001, 0700);
         add_home(m, "/home", 0, 0755);
         std::filesystem::create_symlink(m.root() + "/srv/ann.lee", m.root() + "/home/ann.lee");
       },
       "accounts-homes", State::fault},
      {"others can make homes", [](Machine& m) { add_home(m, "/home", 0, 01777); },
       "accounts-homes", State::fault},
      {"the directory of homes is not root's", [](Machine& m) { add_home(m, "/home", 1000, 0755); },
       "accounts-homes", State::fault},
      {"others can write above the directory of homes",
       [](Machine& m) {
         m.write(kAccountsConf, "[accounts]\nnames = *.*\nhome = /srv/people/%u/files\n");
         add_home(m, "/srv/people", 0, 0755);
         m.chmod("/srv", 0777);
       },
       "accounts-homes", State::fault},
      {"a home by another template",
       [](Machine& m) {
         m.write(kAccountsConf, "[accounts]\nnames = *.*\nhome = /srv/people/%u/files\n");
         add_home(m, "/srv/people/ann.lee/files", 1000, 0700);
       },
       "accounts-homes", State::fault},
      {"a home without an account",
       [](Machine& m) { add_home(m, "/home/gone.user", 1900000002, 0700); }, "accounts-homes",
       State::warning},
      {"the file of last logins was copied without its holes",
       [](Machine& m) {
         m.write("/var/log/lastlog", std::string(20UL << 20, 'x'));
         std::filesystem::resize_file(m.root() + "/var/log/lastlog", 1UL << 30);
       },
       "accounts-lastlog", State::warning},
      {"the module is missing",
       [](Machine& m) { m.remove("/usr/lib/x86_64-linux-gnu/security/pam_cognito.so"); },
       "pam-module-file", State::fault},
      {"the module belongs to a user",
       [](Machine& m) { m.chown("/usr/lib/x86_64-linux-gnu/security/pam_cognito.so", 1001); },
       "pam-module-file", State::fault},
      {"no service asks the module", [](Machine& m) { set_auth(m, "auth required pam_unix.so\n"); },
       "pam-lines", State::fault},
      {"the account lines are missing",
       [](Machine& m) { m.write(kAccount, "account required pam_unix.so\n"); }, "pam-lines",
       State::fault},
      {"pam_unix is sufficient before us",
       [](Machine& m) { put_first(m, kAuth, "auth sufficient pam_unix.so nullok\n"); },
       "pam-auth-fail-open", State::fault},
      {"a refusal is ignored",
       [](Machine& m) { m.replace(kAuth, "authinfo_unavail=ignore default=die", "default=2"); },
       "pam-auth-fail-open", State::fault},
      {"a refusal with maxtries only is ignored",
       [](Machine& m) {
         m.replace(kAuth, "authinfo_unavail=ignore", "authinfo_unavail=ignore maxtries=2");
       },
       "pam-auth-fail-open", State::fault},
      {"a jump lands behind pam_deny",
       [](Machine& m) { put_first(m, kAuth, "auth [success=10 default=ignore] pam_permit.so\n"); },
       "pam-auth-fail-open", State::fault},
      {"an absent daemon is a success",
       [](Machine& m) {
         set_auth(m,
                  "auth [success=2 authinfo_unavail=2 ignore=ignore default=die] pam_cognito.so\n"
                  "auth [success=1 default=ignore] pam_unix.so\n"
                  "auth requisite pam_deny.so\nauth required pam_permit.so\n");
       },
       "pam-auth-unavailable", State::fault},
      {"no jump over root",
       [](Machine& m) {
         set_auth(m,
                  "auth [success=2 ignore=ignore authinfo_unavail=ignore default=die] "
                  "pam_cognito.so\nauth [success=1 default=ignore] pam_unix.so\n"
                  "auth requisite pam_deny.so\nauth required pam_permit.so\n");
       },
       "pam-auth-root", State::fault},
      {"the module is required beside pam_unix",
       [](Machine& m) { set_auth(m, "auth required pam_unix.so\nauth required pam_cognito.so\n"); },
       "pam-auth-accepted", State::fault},
      {"no break glass", [](Machine& m) { m.replace(kAuth, " authinfo_unavail=ignore", ""); },
       "pam-auth-break-glass", State::warning},
      {"cron's jobs need the module",
       [](Machine& m) { m.replace(kAuth, " module_unknown=ignore", ""); }, "pam-auth-jobs",
       State::warning},
      {"a line that libpam does not understand",
       [](Machine& m) { put_first(m, kAuth, "auth perhaps pam_unix.so\n"); }, "pam-syntax",
       State::fault},
      {"the account line is sufficient",
       [](Machine& m) {
         m.write(kAccount, "account sufficient pam_cognito.so\naccount required pam_unix.so\n");
       },
       "pam-account-fail-open", State::fault},
      {"the account line skips pam_unix",
       [](Machine& m) {
         m.write(kAccount,
                 "account [default=1 success=ignore] pam_succeed_if.so uid >= 1000\n"
                 "account required pam_permit.so\n"
                 "account [success=done ignore=ignore default=die] pam_cognito.so\n"
                 "account required pam_unix.so\n");
       },
       "pam-account-local", State::fault},
      {"no jump over root's account",
       [](Machine& m) {
         m.write(kAccount, "account required pam_unix.so\naccount required pam_cognito.so\n");
       },
       "pam-account-root", State::fault},
      {"every account needs the module",
       [](Machine& m) { m.replace(kAccount, " module_unknown=ignore", ""); },
       "pam-account-others-module", State::warning},
      {"no break glass in the account lines",
       [](Machine& m) { m.replace(kAccount, " authinfo_unavail=ignore", ""); },
       "pam-account-break-glass", State::warning},
      {"Cognito users' accounts do without the module",
       [](Machine& m) { m.replace(kAccount, kCertainlyNot, kCertainlyNotOrMissing); },
       "pam-account-module-missing", State::fault},
      {"Cognito users sign in without the module",
       [](Machine& m) { m.replace(kAuth, kCertainlyNot, kCertainlyNotOrMissing); },
       "pam-auth-module-missing", State::fault},
      {"a route that cannot tell is ignored",
       [](Machine& m) {
         m.replace(kAuth, "module_unknown=ignore default=die", "default=ignore");
         m.replace(kAuth, kCertainlyNot, "[default=ignore]\tpam_cognito.so route");
       },
       "pam-auth-unknown", State::fault},
      {"the account's route that cannot tell is ignored",
       [](Machine& m) {
         m.replace(kAccount, "module_unknown=ignore default=die", "default=ignore");
         m.replace(kAccount, kCertainlyNot, "[default=ignore]\tpam_cognito.so route");
       },
       "pam-account-unknown", State::fault},
      {"the list of local users comes before the module",
       [](Machine& m) {
         put_first(m, kAuth,
                   "auth [success=8 default=ignore] pam_listfile.so item=user sense=allow "
                   "onerr=fail file=/etc/pam-cognito/local-users\n");
       },
       "pam-auth-stale-list", State::fault},
      {"another profile above ours asks first",
       [](Machine& m) {
         put_first(m, kAuth, "auth [success=10 default=ignore] pam_krb5.so minimum_uid=1000\n");
       },
       "pam-auth-fail-open", State::fault},
      {"a line before the include lets in",
       [](Machine& m) { put_first(m, "/etc/pam.d/sudo", "auth sufficient pam_u2f.so cue\n"); },
       "pam-auth-fail-open", State::fault},
      {"the same in a package's own file",
       [](Machine& m) {
         m.write("/usr/lib/pam.d/polkit-1",
                 "auth sufficient pam_u2f.so\n@include common-auth\n@include common-account\n");
       },
       "pam-auth-fail-open", State::fault},
      {"a usual service's own file, of its package, without the module",
       [](Machine& m) { m.write("/usr/lib/pam.d/gdm-password", "auth required pam_unix.so\n"); },
       "pam-services", State::warning},
      {"another module is asked in an emergency",
       [](Machine& m) {
         m.replace(kAuth, "[success=ok default=die]\tpam_unix.so",
                   "[success=ok default=ignore]\tpam_unix.so");
       },
       "pam-auth-unavailable", State::fault},
      {"no line says that the local password was right",
       [](Machine& m) { m.replace(kAuth, "\tpam_cognito.so emergency", "\tpam_permit.so"); },
       "pam-account-break-glass", State::warning},
      {"an aged local password has to be changed",
       [](Machine& m) { m.replace(kAccount, " no_pass_expiry", ""); }, "pam-account-aged",
       State::fault},
      {"an aged local password comes before Cognito's answer",
       [](Machine& m) {
         put_first(m, kAccount,
                   "account [success=2 new_authtok_reqd=done default=ignore] pam_unix.so\n"
                   "account requisite pam_deny.so\naccount required pam_permit.so\n");
       },
       "pam-account-aged-refused", State::fault},
      {"a Cognito user is on the list of local users",
       [](Machine& m) { m.set_local_users("add bob\nremove alice\n"); }, "pam-local-users",
       State::fault},
      {"the list of local users may be written by others",
       [](Machine& m) { m.set_local_users("unsafe /etc/pam-cognito/local-users: …\nadd bob\n"); },
       "pam-local-users", State::fault},
      {"there is no list of local users",
       [](Machine& m) { m.set_local_users("missing /etc/pam-cognito/local-users\nadd bob\n"); },
       "pam-local-users", State::warning},
      {"the list of local users cannot be made",
       [](Machine& m) { m.set_local_users("undecided NSS\n"); }, "pam-local-users", State::warning},
      {"a local user is not on the list",
       [](Machine& m) { m.set_local_users("add bob\nadd admin\n"); }, "pam-local-users",
       State::warning},
      {"a Cognito user has an empty password, which counts",
       [](Machine& m) {
         m.replace("/etc/shadow", "alice:!:", "alice::");
         m.replace(kAuth, "[success=ok default=die]\tpam_unix.so",
                   "[success=ok default=die]\tpam_unix.so nullok");
       },
       "pam-empty-password", State::fault},
      {"passwd goes on after a refusal",
       [](Machine& m) {
         m.write("/etc/pam.d/common-password",
                 "password sufficient pam_cognito.so\npassword required pam_unix.so\n");
       },
       "pam-password-fail-open", State::fault},
      {"sudo does not ask us",
       [](Machine& m) { m.write("/etc/pam.d/sudo", "auth required pam_unix.so\n"); },
       "pam-services", State::warning},
      {"sshd cannot ask for a code",
       [](Machine& m) { m.set_sshd("kbdinteractiveauthentication", "no"); },
       "sshd-keyboard-interactive", State::fault},
      {"sshd without PAM", [](Machine& m) { m.set_sshd("usepam", "no"); }, "sshd-use-pam",
       State::fault},
      {"sshd takes stored passwords",
       [](Machine& m) { m.set_sshd("passwordauthentication", "yes"); },
       "sshd-password-authentication", State::fault},
      {"sshd hangs up too soon", [](Machine& m) { m.set_sshd("logingracetime", "60"); },
       "sshd-login-grace-time", State::fault},
      {"cognitod waits longer than sshd",
       [](Machine& m) {
         m.write(kConfig, m.text(kConfig) + "[service sshd]\nsign_in_timeout = 200s\n");
       },
       "sshd-login-grace-time", State::warning},
      {"sshd would wait for a set-up, and cognitod does not",
       [](Machine& m) { m.set_sshd("logingracetime", "300"); }, "sshd-login-grace-time",
       State::warning},
      {"sshd punishes addresses",
       [](Machine& m) {
         m.set_sshd("persourcepenalties", "crash:90 authfail:5 noauth:1 max:600 min:15");
         m.set_sshd("persourcepenaltyexemptlist", "none");
       },
       "sshd-source-penalties", State::warning},
      {"a member whose name begins with a digit",
       [](Machine& m) {
         m.write("/etc/passwd", m.text("/etc/passwd") + "7dwarfs:x:1007:1007::/:/bin/sh\n");
         m.replace("/etc/group", "cognito-users:x:2000:alice",
                   "cognito-users:x:2000:alice,7dwarfs");
       },
       "users-names", State::fault},
      {"a member by primary group with a domain in the name",
       [](Machine& m) {
         m.write("/etc/passwd",
                 m.text("/etc/passwd") + "erin@example.com:x:1008:2000::/:/bin/sh\n");
       },
       "users-names", State::fault},
      {"a member with a name of 33 letters",
       [](Machine& m) {
         const std::string name(33, 'a');
         m.write("/etc/passwd", m.text("/etc/passwd") + name + ":x:1009:1009::/:/bin/sh\n");
         m.replace("/etc/group", "cognito-users:x:2000:alice",
                   "cognito-users:x:2000:alice," + name);
       },
       "users-names", State::fault},
      {"Samba, which asks for accounts only",
       [](Machine& m) {
         m.write("/etc/pam.d/samba",
                 "@include common-auth\n@include common-account\n@include common-session\n");
       },
       "pam-account-only", State::warning},
      {"a service without lines for auth",
       [](Machine& m) { m.write("/etc/pam.d/mailer", "@include common-account\n"); },
       "pam-account-only", State::warning},
      {"the same in a package's own file",
       [](Machine& m) { m.write("/usr/lib/pam.d/mailer", "@include common-account\n"); },
       "pam-account-only", State::warning},
      {"xrdp",
       [](Machine& m) {
         m.write("/etc/pam.d/xrdp-sesman",
                 "@include common-auth\n@include common-account\n@include common-session\n");
       },
       "pam-origin", State::warning},
      {"root's password over ssh", [](Machine& m) { m.set_sshd("permitrootlogin", "yes"); },
       "sshd-root-login", State::warning},
      {"a drop-in that a user may change",
       [](Machine& m) {
         m.write("/etc/pam-cognito/cognitod.conf.d/10-x.conf", "[mfa]\nrequire = yes\n");
         m.chown("/etc/pam-cognito/cognitod.conf.d/10-x.conf", 1001);
       },
       "etc-permissions", State::fault},
      {"a plain client secret",
       [](Machine& m) { m.write("/etc/credstore/cognitod.client_secret", "s3cret\n", 0600); },
       "credential-permissions", State::fault},
      {"an encrypted client secret for all to read",
       [](Machine& m) {
         m.write("/etc/credstore.encrypted/cognitod.client_secret", "Whxqht+d\n");
         m.chmod("/etc/credstore.encrypted", 0755);
       },
       "credential-permissions", State::warning},
      {"a client secret that was encrypted for another machine",
       [](Machine& m) {
         m.write("/etc/credstore.encrypted/cognitod.client_secret", "Whxqht+d\n", 0600);
         m.lose_host_key();
       },
       "credential-decrypts", State::fault},
      {"the user cognitod is an ordinary account",
       [](Machine& m) { m.replace("/etc/passwd", "cognitod:x:990:", "cognitod:x:1990:"); },
       "state-permissions", State::fault},
      {"the state can be read by others", [](Machine& m) { m.chmod("/var/lib/cognitod", 0755); },
       "state-permissions", State::fault},
      {"the identities are no database",
       [](Machine& m) { m.write("/var/lib/cognitod/known-users.db", "rubbish"); },
       "identities-file", State::fault},
      {"no unit", [](Machine& m) { m.set_unit("LoadState", "not-found"); }, "unit-installed",
       State::fault},
      {"the unit is masked", [](Machine& m) { m.set_unit("LoadState", "masked"); },
       "unit-installed", State::fault},
      {"systemd has not read the unit's new files",
       [](Machine& m) { m.set_unit("NeedDaemonReload", "yes"); }, "unit-installed", State::warning},
      {"the unit runs as root", [](Machine& m) { m.set_unit("User", ""); }, "unit-user",
       State::fault},
      {"a drop-in gives capabilities",
       [](Machine& m) { m.set_unit("CapabilityBoundingSet", "cap_sys_admin"); }, "unit-sandbox",
       State::fault},
      {"a drop-in allows core files", [](Machine& m) { m.set_unit("LimitCORE", "infinity"); },
       "unit-sandbox", State::fault},
      {"too little locked memory", [](Machine& m) { m.set_unit("LimitMEMLOCK", "65536"); },
       "unit-memlock", State::fault},
      {"no watchdog", [](Machine& m) { m.set_unit("WatchdogUSec", "0"); }, "unit-watchdog",
       State::warning},
      {"no descriptor store", [](Machine& m) { m.set_unit("FileDescriptorStoreMax", "0"); },
       "unit-fd-store", State::warning},
  };
  return planted;
}

}  // namespace pamcognito::test
