#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/auth_client.h"
#include "cli/bus_errors.h"
#include "cli/doctor/pam_stack.h"
#include "cli/doctor/pool_judgement.h"
#include "cli/explain/story.h"
#include "cli/output.h"
#include "tests/cli/transcript.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::cli {
namespace {

// libpam's dispatcher.

PamRule rule(const std::string& module, std::map<std::string, std::string> control,
             unsigned level = 0) {
  PamRule made;
  made.module = module;
  made.control = std::move(control);
  made.level = level;
  return made;
}

const std::map<std::string, std::string> kRequired = {
    {"success", "ok"}, {"ignore", "ignore"}, {"default", "bad"}};
const std::map<std::string, std::string> kSufficient = {{"success", "done"}, {"default", "ignore"}};

std::string walk(const std::vector<PamRule>& rules,
                 const std::map<std::string, std::string>& answers) {
  return walk_pam_stack(rules, [&](const PamRule& asked) { return answers.at(asked.module); }).code;
}

void the_first_failure_of_required_modules_counts(void**) {
  const std::vector<PamRule> rules{rule("a", kRequired), rule("b", kRequired)};
  assert_text(walk(rules, {{"a", "success"}, {"b", "success"}}), "success");
  assert_text(walk(rules, {{"a", "auth_err"}, {"b", "maxtries"}}), "auth_err");
  assert_text(walk(rules, {{"a", "success"}, {"b", "maxtries"}}), "maxtries");
}

void a_stack_without_an_opinion_fails(void**) {
  const std::vector<PamRule> rules{rule("a", kRequired)};
  assert_text(walk(rules, {{"a", "ignore"}}), "perm_denied");
  assert_text(walk({}, {}), "perm_denied");
}

void sufficient_ends_the_stack_unless_something_failed_before(void**) {
  const std::vector<PamRule> rules{rule("a", kRequired), rule("b", kSufficient),
                                   rule("c", kRequired)};
  assert_text(walk(rules, {{"a", "success"}, {"b", "success"}, {"c", "auth_err"}}), "success");
  assert_text(walk(rules, {{"a", "auth_err"}, {"b", "success"}, {"c", "success"}}), "auth_err");
}

void a_jump_counts_a_substack_as_one(void**) {
  const std::vector<PamRule> rules{rule("a", {{"success", "1"}, {"default", "ignore"}}),
                                   rule("", {{"default", "ignore"}}), rule("b", kRequired, 1),
                                   rule("c", kRequired, 1), rule("d", kRequired)};
  assert_text(
      walk(rules, {{"a", "success"}, {"b", "auth_err"}, {"c", "auth_err"}, {"d", "success"}}),
      "success");
}

void a_jump_beyond_the_end_fails(void**) {
  const std::vector<PamRule> rules{rule("a", {{"success", "2"}}), rule("b", kRequired)};
  assert_text(walk(rules, {{"a", "success"}, {"b", "success"}}), "perm_denied");
}

void done_within_a_substack_ends_only_that(void**) {
  const std::vector<PamRule> rules{rule("", {{"default", "ignore"}}), rule("a", kSufficient, 1),
                                   rule("b", kRequired, 1), rule("c", kRequired)};
  assert_text(walk(rules, {{"a", "success"}, {"b", "auth_err"}, {"c", "maxtries"}}), "maxtries");
  assert_text(walk(rules, {{"a", "success"}, {"b", "auth_err"}, {"c", "success"}}), "success");
}

// The pool's answer.

cognito::PoolConfig pool() {
  cognito::PoolConfig config;
  config.endpoint = "https://cognito-idp.eu-west-1.amazonaws.com";
  config.ca_file = "/etc/ssl/certs/ca-certificates.crt";
  return config;
}

PoolAnswer answered(int status, const std::string& exception, const std::string& message) {
  PoolAnswer answer;
  answer.reached = PoolAnswer::Reached::answered;
  answer.status = status;
  answer.exception = exception;
  answer.message = message;
  answer.date = 1'790'000'000;
  answer.asked_at = 1'790'000'000;
  return answer;
}

State state_of(const PoolAnswer& answer, const std::string& id) {
  const Findings findings = judge_pool_answer(pool(), answer);
  const auto found = std::ranges::find(findings, id, &Finding::id);
  assert_true(found != findings.end());
  return found->state;
}

void the_answer_says_whether_the_client_allows_the_flow(void**) {
  PoolAnswer good = answered(200, "", "");
  good.challenge = "PASSWORD_VERIFIER";
  assert_true(state_of(good, "pool-client") == State::ok);
  const auto client = [](const std::string& exception, const std::string& message) {
    return state_of(answered(400, exception, message), "pool-client");
  };
  assert_true(client("UserNotFoundException", "User does not exist.") == State::warning);
  assert_true(client("InvalidParameterException",
                     "USER_SRP_AUTH flow not enabled for this client") == State::fault);
  assert_true(client("ResourceNotFoundException", "User pool client x does not exist.") ==
              State::fault);
  assert_true(client("NotAuthorizedException",
                     "Client x is configured with secret but SECRET_HASH was not received") ==
              State::skipped);
  assert_true(client("", "<html>") == State::fault);
}

void a_certificate_of_another_time_points_at_the_clock(void**) {
  PoolAnswer answer;
  answer.reached = PoolAnswer::Reached::not_trusted;
  const auto remedy = [&](const char* problem) {
    answer.problem = problem;
    const Findings findings = judge_pool_answer(pool(), answer);
    return std::ranges::find(findings, "pool-certificate", &Finding::id)->remedy;
  };
  for (const char* problem : {"SSL certificate problem: certificate has expired",
                              "SSL certificate problem: certificate is not yet valid"}) {
    assert_true(remedy(problem).contains("timedatectl"));
    assert_false(remedy(problem).contains("ca_file"));
  }
  assert_true(remedy("SSL certificate problem: self-signed certificate").contains("ca_file"));
}

void clocks_are_compared(void**) {
  PoolAnswer answer = answered(200, "", "");
  answer.challenge = "PASSWORD_VERIFIER";
  const auto clock = [&](long offset) {
    answer.asked_at = *answer.date + offset;
    return state_of(answer, "pool-clock");
  };
  assert_true(clock(0) == State::ok);
  assert_true(clock(-29) == State::ok);
  assert_true(clock(30) == State::warning);
  assert_true(clock(-299) == State::warning);
  assert_true(clock(300) == State::fault);
  assert_true(clock(-86'400) == State::fault);
  answer.date.reset();
  assert_true(state_of(answer, "pool-clock") == State::skipped);
}

void a_pool_out_of_reach_is_one_fault(void**) {
  PoolAnswer answer;
  for (const auto reached : {PoolAnswer::Reached::no_name, PoolAnswer::Reached::no_connection,
                             PoolAnswer::Reached::timed_out, PoolAnswer::Reached::not_trusted}) {
    answer.reached = reached;
    const Findings findings = judge_pool_answer(pool(), answer);
    assert_int_equal(std::ranges::count(findings, State::fault, &Finding::state), 1);
    const bool trust = reached == PoolAnswer::Reached::not_trusted;
    assert_true(state_of(answer, trust ? "pool-certificate" : "pool-reachable") == State::fault);
  }
}

// cognitoctl explain.

// Causes that are easily taken for another: each has a sentence of its own.
void what_is_easily_mistaken_has_a_sentence(void**) {
  std::set<std::string> sentences;
  for (const char* cause :
       {"not-authorized", "password-attempts-exceeded", "temporary-password-expired",
        "imported-user", "mfa-method-not-found", "local-shortage", "undecided", "too-many-requests",
        "internal", "identity", "another-account", "account-taken", "invalid-parameter"}) {
    const std::string sentence = cause_text(cause);
    assert_string_not_equal(sentence.c_str(), cause);
    assert_true(sentences.insert(sentence).second);
  }
  // A claim is compared before there is a pin.
  assert_false(cause_text("identity").contains("pinned"));
}

JournalEntry entry(std::uint64_t time_us, std::map<std::string, std::string> fields) {
  return {time_us, std::move(fields)};
}

std::vector<JournalEntry> journal() {
  constexpr std::uint64_t noon = 1'790'078'400'000'000;  // 2026-09-22 12:00:00 UTC
  return {
      entry(noon, {{"SYSLOG_IDENTIFIER", "sshd"},
                   {"_UID", "0"},
                   {"MESSAGE", "pam_cognito(sshd:auth): begun id=0123456789abcdef user=alice"}}),
      entry(noon + 5'123'000,
            {{"SYSLOG_IDENTIFIER", "cognitod"},
             {"_UID", "990"},
             {"_SYSTEMD_UNIT", "cognitod.service"},
             {"MESSAGE", "sign-in of alice by sshd: with a SECRET that no field has"},
             {"PAM_COGNITO_GOAL", "sign-in"},
             {"PAM_COGNITO_USER", "alice"},
             {"PAM_COGNITO_SERVICE", "sshd"},
             {"PAM_COGNITO_ORIGIN", "host:192.0.2.7/32"},
             {"PAM_COGNITO_OUTCOME", "refused"},
             {"PAM_COGNITO_CAUSE", "wrong-code"},
             {"PAM_COGNITO_FACTOR", "none"},
             {"PAM_COGNITO_DURATION_MS", "5123"},
             {"PAM_COGNITO_CALLS",
              "InitiateAuth ok 52ms 6f1c; RespondToAuthChallenge code-mismatch 48ms 77ab; … "},
             {"PAM_COGNITO_TOKEN", "SECRET"}}),
      entry(noon + 5'130'000, {{"SYSLOG_IDENTIFIER", "sshd"},
                               {"_UID", "0"},
                               {"MESSAGE",
                                "pam_cognito(sshd:auth): sign-in refused cause=outcome user=alice "
                                "id=0123456789abcdef"}}),
  };
}

// One sign-in has several lines, and an id counts only in its exact form.
void an_id_is_found_by_its_first_digits(void**) {
  const auto line = [](const char* id) { return entry(1, {{"PAM_COGNITO_ID", id}}); };
  const std::vector<JournalEntry> entries = {line("0123456789abcdef"), line("0123456789abcdef"),
                                             line("01234fffffffffff"), line("0123g"), entry(1, {})};
  assert_int_equal(ids_beginning("0123", entries).size(), 2);
  assert_true(ids_beginning("012345", entries) == std::set<std::string>{"0123456789abcdef"});
  assert_true(ids_beginning("1234", entries).empty());
}

// The output of `tell`.
std::string told(const std::vector<JournalEntry>& entries) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* const terminal = stdout;
  stdout = ::open_memstream(&text, &size);  // glibc's is a variable
  tell(Output({}), "0123456789abcdef", events_of(entries));
  (void)std::fclose(stdout);
  stdout = terminal;
  const std::string written(text, size);
  std::free(text);
  return written;
}

// As --json prints it.
std::string printed(const Json::Value& object) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* const terminal = stdout;
  stdout = ::open_memstream(&text, &size);
  Output({.json = true}).object(object);
  (void)std::fclose(stdout);
  stdout = terminal;
  std::string written(text, size);
  std::free(text);
  return written;
}

// A program reads the same text, and a terminal shows what it is.
void json_hides_no_character(void**) {
  Json::Value object;
  object["name"] = "M\u00fcller\u202e\u2028\u009b";
  assert_text(printed(object), "{\"name\":\"M\\u00fcller\\u202e\\u2028\\u009b\"}\n");
}

// Any user can write a line with any id, identifier and text, but not journald's own fields.
void a_line_of_another_user_is_marked(void**) {
  const std::vector<JournalEntry> forged = {
      entry(1, {{"SYSLOG_IDENTIFIER", "cognitod"},
                {"_UID", "1001"},
                {"_SYSTEMD_UNIT", "user@1001.service"},
                {"MESSAGE",
                 "sign-in of mallory by sshd: success\n  12:00:00.000  cognitod: bob "
                 "signed in\u2028\u202e cause=signed-in id=0123456789abcdef"}})};
  const std::string text = told(forged);
  if (!text.contains("cognitod (not verified, written by uid 1001): sign-in of mallory"))
    fail_msg("%s", text.c_str());
  // The heading, the line, its cause: no line of the forger's own.
  assert_int_equal(std::ranges::count(text, '\n'), 3);
  assert_false(text.contains("\u2028") || text.contains("\u202e"));
  const Json::Value story = story_to_json("0123456789abcdef", events_of(forged));
  assert_true(story["events"][0]["written_by_uid"] == Json::Value(1001U));

  const std::string genuine = told(journal());
  assert_false(genuine.contains("not verified"));
  JournalEntry nobodys = forged.front();
  nobodys.fields.erase("_UID");
  assert_true(told({nobodys}).contains("written by uid ?"));
  const Json::Value unknown = story_to_json("0123456789abcdef", events_of({nobodys}));
  assert_true(unknown["events"][0].isMember("written_by_uid"));
  assert_true(unknown["events"][0]["written_by_uid"].isNull());
}

// `log` and `explain` of entries as journald has them, since a test cannot write its files.
void the_journal_as_json(void**) {
  constexpr char kId[] = "0123456789abcdef";
  std::vector<JournalEntry> entries = journal();
  entries[1].fields["PAM_COGNITO_ID"] = kId;
  std::map<std::string, std::string> with_factor = entries[1].fields;
  with_factor["PAM_COGNITO_OUTCOME"] = "success";
  with_factor["PAM_COGNITO_CAUSE"] = "signed-in";
  with_factor["PAM_COGNITO_FACTOR"] = "totp";
  with_factor["PAM_COGNITO_DETAIL"] = "two accounts";
  entries.push_back(entry(entries.back().time_us + 1, with_factor));
  entries.push_back(entry(entries.back().time_us + 1, {{"_UID", "1001"}, {"MESSAGE", "forged"}}));
  entries.push_back(entry(entries.back().time_us + 1, {{"MESSAGE", "forged"}}));
  const auto transcript = [](const std::vector<std::string>& arguments, const Json::Value& object) {
    return test::transcript_of(arguments, {.status = 0, .output = printed(object)});
  };
  test::assert_golden(
      "journal",
      transcript({"log", "--json"}, sign_ins_to_json({entries[3], entries[1]})) + "\n" +
          transcript({"log", "--user", "carol", "--json"}, sign_ins_to_json({})) + "\n" +
          transcript({"explain", kId, "--json"}, story_to_json(kId, events_of(entries))));
}

void calls_are_taken_apart(void**) {
  const auto calls = calls_of("InitiateAuth ok 52ms 6f1c; GetUser timed-out 8000ms");
  assert_int_equal(calls.size(), 2);
  assert_text(calls[0].operation, "InitiateAuth");
  assert_text(calls[0].request_id, "6f1c");
  assert_text(calls[1].ending, "timed-out");
  assert_text(calls[1].request_id, "");
  assert_true(calls_of("").empty());
}

void a_story_holds_known_fields_only(void**) {
  const auto events = events_of(journal());
  assert_int_equal(events.size(), 3);
  Json::StreamWriterBuilder builder;
  builder["emitUTF8"] = true;
  const std::string text = Json::writeString(builder, story_to_json("0123456789abcdef", events));
  assert_false(text.contains("SECRET"));
  assert_true(text.contains("the code was wrong"));
  assert_true(text.contains("77ab"));
  assert_true(text.contains("192.0.2.7"));
}

void a_story_is_told_in_order(void**) {
  const auto events = events_of(journal());
  assert_text(events[0].who, "sshd");
  assert_text(events[0].message, "pam_cognito(sshd:auth): begun id=0123456789abcdef user=alice");
  assert_text(events[1].outcome, "refused");
  assert_int_equal(events[1].calls.size(), 3);
}

void the_modules_own_cause_is_told(void**) {
  const auto with_cause = [](const std::string& cause) {
    return told({entry(0, {{"SYSLOG_IDENTIFIER", "sudo"},
                           {"MESSAGE", "pam_cognito(sudo:auth): sign-in unavailable cause=" +
                                           cause + " user=alice id=0123456789abcdef"}})});
  };
  assert_true(with_cause("no-daemon").contains("\n                cognitod does not run\n"));
  assert_true(with_cause("another-user").contains("password of another user"));
  // A word without a sentence is in the line already.
  assert_int_equal(std::ranges::count(with_cause("outcome"), '\n'), 2);
}

void a_change_of_second_factors_is_told_whole(void**) {
  const std::string text =
      told({entry(0, {{"SYSLOG_IDENTIFIER", "cognitod"},
                      {"_UID", "990"},
                      {"_SYSTEMD_UNIT", "cognitod.service"},
                      {"MESSAGE", "second factors of alice: change: refused"},
                      {"PAM_COGNITO_CALLS", "SetUserMFAPreference invalid-parameter 40ms 6f1c"},
                      {"PAM_COGNITO_DETAIL", "User has not set up software token mfa"}})});
  assert_true(text.contains("cognitod: second factors of alice: change: refused\n"));
  assert_true(
      text.contains("user pool: SetUserMFAPreference invalid-parameter, 40 ms, request 6f1c"));
  assert_true(text.contains("User has not set up software token mfa"));
}

// Texts.

void durations_are_readable(void**) {
  assert_text(place_text("host:192.0.2.7/32"), "192.0.2.7");
  assert_text(place_text("host:2001:db8::/64"), "2001:db8::/64");
  assert_text(place_text("host:unnamed"), "unnamed host");
  for (const char* origin : {"local", "unknown", "uid:1000", ""})
    assert_text(place_text(origin), origin);
  assert_text(duration_text(59), "59 s");
  assert_text(duration_text(60), "1 min");
  assert_text(duration_text(7500), "2 h 5 min");
  assert_text(duration_text(7200), "2 h");
  assert_text(duration_text(90'000), "1 d 1 h");
}

void error_names_become_exit_codes(void**) {
  const auto code = [](const char* name) {
    sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(name, "text");
    return failure_of_reply(error).code;
  };
  assert_true(code("org.pamcognito.Error.NotAuthorized") == ExitCode::not_authorized);
  assert_true(code("org.pamcognito.Error.NotPermitted") == ExitCode::not_permitted);
  assert_true(code("org.pamcognito.Error.NoSuchSession") == ExitCode::not_found);
  assert_true(code("org.pamcognito.Error.Refused") == ExitCode::refused);
  assert_true(code("org.freedesktop.DBus.Error.ServiceUnknown") == ExitCode::unreachable);
  assert_true(code("org.freedesktop.systemd1.NoSuchUnit") == ExitCode::unreachable);
  assert_true(code("org.example.Unheard") == ExitCode::failed);
}

}  // namespace
}  // namespace pamcognito::cli

int main() {
  using namespace pamcognito::cli;
  const CMUnitTest tests[] = {
      cmocka_unit_test(json_hides_no_character),
      cmocka_unit_test(the_journal_as_json),
      cmocka_unit_test(a_line_of_another_user_is_marked),
      cmocka_unit_test(what_is_easily_mistaken_has_a_sentence),
      cmocka_unit_test(an_id_is_found_by_its_first_digits),
      cmocka_unit_test(the_first_failure_of_required_modules_counts),
      cmocka_unit_test(a_stack_without_an_opinion_fails),
      cmocka_unit_test(sufficient_ends_the_stack_unless_something_failed_before),
      cmocka_unit_test(a_jump_counts_a_substack_as_one),
      cmocka_unit_test(a_jump_beyond_the_end_fails),
      cmocka_unit_test(done_within_a_substack_ends_only_that),
      cmocka_unit_test(the_answer_says_whether_the_client_allows_the_flow),
      cmocka_unit_test(a_certificate_of_another_time_points_at_the_clock),
      cmocka_unit_test(clocks_are_compared),
      cmocka_unit_test(a_pool_out_of_reach_is_one_fault),
      cmocka_unit_test(calls_are_taken_apart),
      cmocka_unit_test(a_story_holds_known_fields_only),
      cmocka_unit_test(a_story_is_told_in_order),
      cmocka_unit_test(the_modules_own_cause_is_told),
      cmocka_unit_test(a_change_of_second_factors_is_told_whole),
      cmocka_unit_test(durations_are_readable),
      cmocka_unit_test(error_names_become_exit_codes),
  };
  return cmocka_run_group_tests_name("cli parts", tests, nullptr, nullptr);
}
