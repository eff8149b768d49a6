#include "daemon/policy/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "daemon/policy/access.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/policy/config_directory.h"

namespace {

using namespace pamcognito::policy;
using pamcognito::test::ConfigDirectory;

constexpr char kMain[] = "cognitod.conf";

Config loaded(const ConfigDirectory& directory) {
  auto config = load_config(directory.path(kMain));
  if (!config) fail_msg("%s", config.error().c_str());
  return std::move(*config);
}

// `where` follows the directory: "cognitod.conf:3: ".
void assert_error(const ConfigDirectory& directory, const std::string& where, const char* part) {
  const auto config = load_config(directory.path(kMain));
  if (config) fail_msg("accepted, wanted: %s", part);
  const std::string& error = config.error();
  if (!error.starts_with(directory.path(where)) || error.find(part) == std::string::npos) {
    fail_msg("wanted %s … %s, got: %s", where.c_str(), part, error.c_str());
  }
}

void a_pool_is_enough_and_nobody_may_sign_in(void**) {
  const ConfigDirectory directory;
  directory.write(kMain, directory.pool());
  const Config config = loaded(directory);
  assert_string_equal(config.pool.region.c_str(), "eu-west-1");
  assert_string_equal(config.pool.endpoint.c_str(), "https://cognito-idp.eu-west-1.amazonaws.com");
  assert_int_equal(config.pool.issuers.size(), 2);
  assert_int_equal(config.pool.jwks_uris.size(), 2);
  assert_null(config.pool.client_secret.get());
  assert_true(config.mfa.require);
  assert_int_equal(config.limits.failures, 4);
  assert_int_equal(config.warnings.size(), 1);
  assert_non_null(std::strstr(config.warnings[0].c_str(), "nobody may sign in"));
  assert_false(access_permitted(config, "alice", "sshd", {"linux-users"}));
}

void drop_ins_replace_in_the_order_of_their_names(void**) {
  const ConfigDirectory directory;
  directory.write(kMain, directory.pool() + "[access]\nallow_groups = main\n");
  directory.write("cognitod.conf.d/20-b.conf", "[access]\nallow_groups = twenty\n");
  directory.write("cognitod.conf.d/10-a.conf",
                  "[access]\nallow_groups = ten\ncognito_username = %u@x\n");
  directory.write("cognitod.conf.d/30-c.conf.dpkg-old", "[access]\nallow_groups = old\n");
  directory.write("cognitod.conf.d/.40-d.conf", "nonsense");
  const Config config = loaded(directory);
  assert_int_equal(config.access.allow_groups.size(), 1);
  assert_string_equal(config.access.allow_groups[0].c_str(), "twenty");
  assert_string_equal(config.access.cognito_username.c_str(), "%u@x");
  // Made in an order of no kind, so that no file system gives them back sorted by chance.
  for (int i = 0; i < 10; ++i) {
    const std::string number = std::to_string(30 + i * 7 % 10);
    directory.write("cognitod.conf.d/" + number + ".conf",
                    "[access]\nallow_groups = g" + number + "\n");
  }
  assert_string_equal(loaded(directory).access.allow_groups[0].c_str(), "g39");
}

void errors_name_file_and_line(void**) {
  const ConfigDirectory directory;
  directory.write(kMain, "[pool]\nregon = eu-west-1\n");
  assert_error(directory, "cognitod.conf:2: ", "regon of [pool] is not a key");
  directory.write(kMain, "\n[pol]\n");
  assert_error(directory, "cognitod.conf:2: ", "[pol] is not a section");
  directory.write(kMain, "[service sudo]\nreauth = half\n");
  assert_error(directory, "cognitod.conf:2: ", "reauth of [service sudo] is not full");
  directory.write(kMain, "[client_metadata]\nrack = 7\ntwo words = x\n");
  assert_error(directory, "cognitod.conf:3: ", "two words of [client_metadata] is not a name");
  directory.write(kMain, "[mfa]\nrequire = yes\nrequire = no\n");
  assert_error(directory, "cognitod.conf:3: ", "repeats require");
  directory.write(kMain, directory.pool());
  directory.write("cognitod.conf.d/a.conf", "[mfa]\nrequire = perhaps\n");
  assert_error(directory, "cognitod.conf.d/a.conf:2: ", "require of [mfa] is not yes or no");
}

void a_replaced_value_must_be_right_all_the_same(void**) {
  const ConfigDirectory directory;
  directory.write(kMain, directory.pool() + "[mfa]\nrequire = perhaps\n");
  directory.write("cognitod.conf.d/a.conf", "[mfa]\nrequire = no\n");
  assert_error(directory, "cognitod.conf:7: ", "is not yes or no");
}

void what_is_missing_is_named(void**) {
  const ConfigDirectory directory;
  assert_error(directory, kMain, "does not exist");
  directory.write(kMain, "# nothing yet\n");
  assert_error(directory, kMain, "user_pool_id of [pool] is missing");
  directory.write(kMain, "[pool]\nuser_pool_id = eu-west-1_Example\n");
  assert_error(directory, kMain, "region of [pool] is missing");
  directory.write(kMain, "[pool]\nuser_pool_id = eu-west-1_Example\nregion = eu-west-1\n");
  assert_error(directory, kMain, "client_id of [pool] is missing");
}

void keys_are_checked_against_each_other(void**) {
  const ConfigDirectory directory;
  const std::string ca = "ca_file = " + directory.path("ca.pem") + "\n";
  directory.write(kMain,
                  "[pool]\nclient_id = abc\nregion = us-east-1\n"
                  "user_pool_id = eu-west-1_Example\n" +
                      ca);
  assert_error(directory, "cognitod.conf:4: user_pool_id", "region");
  directory.write("cognitod.conf.d/a.conf", "\n[pool]\nregion = nowhere\n");
  assert_error(directory, "cognitod.conf.d/a.conf:3: region", "is not an AWS region");
  directory.write("cognitod.conf.d/a.conf", "[pool]\nregion = eu-west-1\n");
  assert_true(load_config(directory.path(kMain)).has_value());
  directory.write("cognitod.conf.d/b.conf", "[pool]\nendpoint = http://pool.example\n");
  assert_error(directory, "cognitod.conf.d/b.conf:2: endpoint of [pool] ", "");
  directory.write("cognitod.conf.d/b.conf", "[pool]\nca_file = /nonexistent/ca.pem\n");
  assert_error(directory, "cognitod.conf.d/b.conf:2: ca_file of [pool] ", "No such file");
  directory.write("cognitod.conf.d/b.conf", "[limits]\nfailures_unknown_origin = 5\n");
  assert_error(directory, "cognitod.conf.d/b.conf:2: ", "is more than failures");
  directory.write("cognitod.conf.d/b.conf", "[limits]\nfailures = 2\n");
  assert_int_equal(loaded(directory).limits.failures_unknown_origin, 2);
  directory.write("cognitod.conf.d/b.conf", "[limits]\nfirst_logins_per_source = 61\n");
  assert_error(directory, "cognitod.conf.d/b.conf:2: ", "is more than first_logins: lower it");
  directory.write("cognitod.conf.d/b.conf", "[limits]\nfirst_logins = 7\n");
  assert_int_equal(loaded(directory).limits.first_logins_per_source, 7);
}

void a_sent_fact_and_a_pair_do_not_share_a_name(void**) {
  const ConfigDirectory directory;
  for (const std::string fact : {"host", "service", "remote-host"}) {
    directory.write(kMain, directory.pool() + "[client_metadata]\n" + fact + " = x\n");
    directory.write("cognitod.conf.d/a.conf", "");
    assert_true(load_config(directory.path(kMain)).has_value());
    directory.write("cognitod.conf.d/a.conf", "[client_metadata]\nsend = " + fact + "\n");
    assert_error(directory, "cognitod.conf:7: ",
                 (fact + " of [client_metadata] is the name of a fact").c_str());
    directory.write("cognitod.conf.d/a.conf", "[client_metadata]\nsend =\n");
    assert_true(load_config(directory.path(kMain)).has_value());
  }
}

void the_longest_metadata_arrives_whole(void**) {
  const ConfigDirectory directory;
  const std::string name(64, 'n');
  const std::string value(256, 'v');
  directory.write(kMain, directory.pool() + "[client_metadata]\n" + name + " = " + value + "\n");
  assert_text(loaded(directory).client_metadata.pairs.at(name), value);
}

void an_endpoint_needs_no_region(void**) {
  const ConfigDirectory directory;
  directory.write(kMain,
                  "[pool]\nuser_pool_id = local_Pool1\nclient_id = abc\n"
                  "endpoint = http://127.0.0.1:9229\nissuer = http://127.0.0.1:9229/p\n");
  const Config config = loaded(directory);
  assert_string_equal(config.pool.endpoint.c_str(), "http://127.0.0.1:9229");
  assert_string_equal(config.pool.region.c_str(), "local");
  assert_string_equal(config.pool.jwks_uris.at(0).c_str(),
                      "http://127.0.0.1:9229/p/.well-known/jwks.json");
}

void what_opens_the_machine_is_a_warning(void**) {
  const ConfigDirectory directory;
  directory.write(kMain, directory.pool() + "[access]\nallow_users = *\n[limits]\nfailures = 5\n");
  const Config config = loaded(directory);
  assert_int_equal(config.warnings.size(), 3);
  assert_non_null(std::strstr(config.warnings[0].c_str(), "cognitod.conf:7: allow_users"));
  assert_non_null(std::strstr(config.warnings[1].c_str(), "identity of [access] ties"));
  assert_non_null(std::strstr(config.warnings[2].c_str(), "cognitod.conf:9: failures"));
  assert_true(access_permitted(config, "anybody", "sshd", {}));
}

void a_custom_answer_as_the_only_factor_is_a_warning(void**) {
  const ConfigDirectory directory;
  const std::string text =
      directory.pool() + "auth_flow = custom\n[access]\nallow_groups = a\n[mfa]\n";
  directory.write(kMain, text + "methods = custom\n");
  const Config config = loaded(directory);
  assert_int_equal(config.warnings.size(), 1);
  assert_non_null(std::strstr(config.warnings[0].c_str(), "lets nobody in"));
  directory.write(kMain, text + "methods = custom totp\n");
  assert_int_equal(loaded(directory).warnings.size(), 0);
}

// The warnings that follow on the lines, one to a line of `expected`.
void assert_warnings(const ConfigDirectory& directory, const std::string& lines,
                     const std::vector<const char*>& expected) {
  directory.write(kMain, directory.pool() + lines);
  const Config config = loaded(directory);
  if (config.warnings.size() != expected.size()) {
    for (const std::string& warning : config.warnings) print_error("%s\n", warning.c_str());
    fail_msg("%zu warnings to: %s", config.warnings.size(), lines.c_str());
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (config.warnings[i].find(expected[i]) == std::string::npos)
      fail_msg("\"%s\" is not in \"%s\"", expected[i], config.warnings[i].c_str());
  }
}

void pins_by_the_first_sign_in_are_a_warning(void**) {
  const ConfigDirectory directory;
  const std::string everybody = "[access]\nallow_users = *\n";
  assert_warnings(directory, everybody, {"opens this machine", "identity of [access] ties"});
  assert_warnings(directory, everybody + "identity = email\n",
                  {"opens this machine", "cognitod.conf:8: identity of [access] ties"});
  assert_warnings(directory, everybody + "identity = pinned\n", {"opens this machine"});
  assert_warnings(directory, "[access]\nallow_users = alice\nidentity = email\n", {});
}

void what_sessions_cannot_do_is_a_warning(void**) {
  const ConfigDirectory directory;
  const std::string somebody = "[access]\nallow_users = alice\n";
  assert_warnings(directory, somebody + "[session]\nunreachable_grace = 13h\n",
                  {"cognitod.conf:9: unreachable_grace of [session] is longer than lifetime"});
  assert_warnings(directory, somebody + "[session]\nunreachable_grace = 12h\n", {});
  assert_warnings(directory, somebody + "[session]\nlifetime = 0\n[service su]\nreauth = full\n",
                  {});
  assert_warnings(directory, somebody + "[session]\nlifetime = 0\n[service su]\nreauth = none\n",
                  {"cognitod.conf:11: reauth of [service su] is none without effect"});
  assert_warnings(directory,
                  "auth_flow = custom\n" + somebody + "[service su]\nreauth = password\n",
                  {"reauth of [service su] is password without effect"});
  assert_warnings(directory,
                  "auth_flow = custom-srp\n" + somebody + "[service su]\nreauth = password\n", {});
  assert_warnings(directory, somebody + "[metrics]\ntextfile = /x/y.txt\n", {"end in .prom"});
  assert_warnings(directory, somebody + "[metrics]\ntextfile = /x/y.prom\n", {});
}

void a_users_own_processes_never_go_without(void**) {
  const ConfigDirectory directory;
  const std::string section =
      directory.pool() + "[access]\nallow_users = alice\n[service locker]\n";
  directory.write(kMain, section + "reauth = none\n");
  assert_error(directory, "cognitod.conf:9: ", "reauth of [service locker] is none");
  directory.write(kMain, section + "reauth = password\n");
  assert_true(loaded(directory).services.at("user").reauth == Reauth::password);
}

void an_address_counts_only_beside_a_password(void**) {
  const ConfigDirectory directory;
  const std::string section = directory.pool() + "[access]\nallow_users = alice\n[service sshd]\n";
  const std::string from = "reauth_from = origin\n";
  directory.write(kMain, section + from + "reauth = password\n");
  assert_true(loaded(directory).services.at("sshd").reauth_from == ReauthFrom::origin);
  for (const char* reauth : {"", "reauth = none\n", "reauth = full\n"}) {
    directory.write(kMain, section + from + reauth);
    assert_error(
        directory, "cognitod.conf:9: ",
        "reauth_from of [service sshd] is origin, which is accepted with reauth = password");
  }
  // Also if a drop-in takes the password away.
  directory.write(kMain, section + from + "reauth = password\n");
  directory.write("cognitod.conf.d/a.conf", "[service sshd]\nreauth = none\n");
  assert_error(directory, "cognitod.conf:9: ", "reauth_from of [service sshd] is origin");
  directory.write("cognitod.conf.d/a.conf", "[service locker]\nreauth = password\n" + from);
  assert_error(directory,
               "cognitod.conf.d/a.conf:3: ", "reauth_from of [service locker] is origin");
  directory.write("cognitod.conf.d/a.conf", "[service sshd]\nreauth_from = login\nreauth = none\n");
  assert_true(loaded(directory).services.at("sshd").reauth_from == ReauthFrom::login);
}

void files_that_others_could_have_written_are_refused(void**) {
  const ConfigDirectory directory;
  directory.write(kMain, directory.pool());
  directory.set_mode(kMain, 0664);
  assert_error(directory, kMain, "chmod go-w");
  directory.set_mode(kMain, 0646);
  assert_error(directory, kMain, "chmod go-w");
  directory.set_mode(kMain, 0640);
  assert_true(load_config(directory.path(kMain)).has_value());
  directory.write("cognitod.conf.d/a.conf", "");
  directory.set_mode("cognitod.conf.d", 0777);
  assert_error(directory, "cognitod.conf.d: ", "chmod go-w");
  directory.set_mode("cognitod.conf.d", 0755);
  directory.set_mode("cognitod.conf.d/a.conf", 0602);
  assert_error(directory, "cognitod.conf.d/a.conf: ", "chmod go-w");
  if (geteuid() != 0) return;
  directory.set_mode("cognitod.conf.d/a.conf", 0644);
  assert_int_equal(::chown(directory.path(kMain).c_str(), 12345, 0), 0);
  assert_error(directory, kMain, "does not belong to root");
}

void only_regular_files_of_bounded_size_are_read(void**) {
  const ConfigDirectory directory;
  assert_int_equal(::mkdir(directory.path(kMain).c_str(), 0755), 0);
  assert_error(directory, kMain, "is not a regular file");
  assert_int_equal(::rmdir(directory.path(kMain).c_str()), 0);
  assert_int_equal(::mkfifo(directory.path(kMain).c_str(), 0644), 0);
  assert_error(directory, kMain, "is not a regular file");
  assert_int_equal(::unlink(directory.path(kMain).c_str()), 0);
  std::string large = directory.pool();
  while (large.size() <= 256UL * 1024) large += "# a comment to fill the file\n";
  directory.write(kMain, large);
  assert_error(directory, kMain, "256 KiB");
  directory.write(kMain, directory.pool());
  directory.write("cognitod.conf.d/a.conf/x", "");
  assert_error(directory, "cognitod.conf.d/a.conf: ", "is not a regular file");
}

void an_unreadable_drop_in_is_an_error(void**) {
  const ConfigDirectory directory;
  directory.write(kMain, directory.pool());
  directory.write("cognitod.conf.d/a.conf", "");
  assert_int_equal(::unlink(directory.path("cognitod.conf.d/a.conf").c_str()), 0);
  assert_int_equal(::symlink("a.conf", directory.path("cognitod.conf.d/a.conf").c_str()), 0);
  assert_error(directory, "cognitod.conf.d/a.conf: ", "cannot be opened");
}

void the_client_secret_is_a_credential(void**) {
  const ConfigDirectory directory;
  directory.write(kMain, directory.pool());
  assert_int_equal(::setenv("CREDENTIALS_DIRECTORY", directory.path("creds").c_str(), 1), 0);
  assert_null(loaded(directory).pool.client_secret.get());
  directory.write("creds/client_secret", "s3cret\n");
  assert_true(loaded(directory).pool.client_secret->reveal() == "s3cret");
  directory.write("creds/client_secret", std::string(511, 'x'));
  assert_int_equal(loaded(directory).pool.client_secret->size(), 511);
  for (const std::string& wrong :
       {std::string(), std::string("\n"), std::string(512, 'x'), std::string(5000, 'x'),
        std::string("two words"), std::string("a\n\n"), std::string("a\0b", 3)}) {
    directory.write("creds/client_secret", wrong);
    assert_error(directory, "creds/client_secret: ", "the client secret ");
  }
  directory.write("creds/client_secret", "planted words");
  const auto refused = load_config(directory.path(kMain));
  assert_true(refused.error().find("planted") == std::string::npos);
  assert_int_equal(::unlink(directory.path("creds/client_secret").c_str()), 0);
  assert_int_equal(::mkdir(directory.path("creds/client_secret").c_str(), 0755), 0);
  assert_error(directory, "creds/client_secret: ", "is not a regular file");
  assert_int_equal(::unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

}  // namespace

int main() {
  ::unsetenv("CREDENTIALS_DIRECTORY");
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_pool_is_enough_and_nobody_may_sign_in),
      cmocka_unit_test(drop_ins_replace_in_the_order_of_their_names),
      cmocka_unit_test(errors_name_file_and_line),
      cmocka_unit_test(a_replaced_value_must_be_right_all_the_same),
      cmocka_unit_test(what_is_missing_is_named),
      cmocka_unit_test(keys_are_checked_against_each_other),
      cmocka_unit_test(a_sent_fact_and_a_pair_do_not_share_a_name),
      cmocka_unit_test(the_longest_metadata_arrives_whole),
      cmocka_unit_test(an_endpoint_needs_no_region),
      cmocka_unit_test(what_opens_the_machine_is_a_warning),
      cmocka_unit_test(a_custom_answer_as_the_only_factor_is_a_warning),
      cmocka_unit_test(pins_by_the_first_sign_in_are_a_warning),
      cmocka_unit_test(what_sessions_cannot_do_is_a_warning),
      cmocka_unit_test(a_users_own_processes_never_go_without),
      cmocka_unit_test(an_address_counts_only_beside_a_password),
      cmocka_unit_test(files_that_others_could_have_written_are_refused),
      cmocka_unit_test(only_regular_files_of_bounded_size_are_read),
      cmocka_unit_test(an_unreadable_drop_in_is_an_error),
      cmocka_unit_test(the_client_secret_is_a_credential),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
