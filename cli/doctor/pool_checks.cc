#include <cstdint>
#include <cstdlib>
#include <string>

#include "cli/doctor/pool_judgement.h"
#include "cli/output.h"

namespace pamcognito::cli {
namespace {

constexpr long kClockFault = 5 * 60;  // seconds; TIMESTAMP of SRP and TOTP codes stop working
constexpr long kClockWarning = 30;

constexpr char kFlowNotEnabled[] = "flow not enabled";

std::string flow_name(cognito::AuthFlow flow) {
  switch (flow) {
    case cognito::AuthFlow::srp:
      return "ALLOW_USER_SRP_AUTH";
    case cognito::AuthFlow::password:
      return "ALLOW_USER_PASSWORD_AUTH";
    case cognito::AuthFlow::custom_srp:
    case cognito::AuthFlow::custom:
      return "ALLOW_CUSTOM_AUTH";
  }
  return "the flow";
}

Finding judge_reach(const cognito::PoolConfig& pool, const PoolAnswer& answer) {
  const Check check{"pool-reachable", "the user pool can be reached"};
  switch (answer.reached) {
    case PoolAnswer::Reached::answered:
    case PoolAnswer::Reached::not_trusted:
      return check.ok(pool.endpoint);
    case PoolAnswer::Reached::no_name:
      return check.fault(pool.endpoint + ": " + answer.problem,
                         "correct `region` or `endpoint` of [pool], or the name resolution: "
                         "resolvectl query HOST");
    case PoolAnswer::Reached::no_connection:
      return check.fault(pool.endpoint + ": " + answer.problem,
                         "let this machine connect to it: firewall, routing, `proxy` of [pool]");
    case PoolAnswer::Reached::timed_out:
    case PoolAnswer::Reached::failed:
      break;
  }
  return check.fault(pool.endpoint + ": " + answer.problem,
                     "look at what stands between this machine and the pool: firewall, `proxy`");
}

Finding judge_certificate(const cognito::PoolConfig& pool, const PoolAnswer& answer) {
  const Check check{"pool-certificate", "the user pool's certificate is trusted"};
  // OpenSSL's words for both ends of a certificate's life.
  const bool of_another_time =
      answer.problem.contains("not yet valid") || answer.problem.contains("expired");
  if (answer.reached == PoolAnswer::Reached::not_trusted && of_another_time)
    return check.fault(
        answer.problem + "; here it is " + time_text(static_cast<std::uint64_t>(answer.asked_at)),
        "if that is not the time: timedatectl set-ntp true. If it is, the "
        "certificate of the pool, or of a proxy that opens TLS, must be renewed");
  if (answer.reached == PoolAnswer::Reached::not_trusted)
    return check.fault(answer.problem,
                       "`ca_file` of [pool] (now " + pool.ca_file +
                           ") must hold the certificate that it leads to; a proxy that opens TLS "
                           "has one of its own");
  if (answer.reached != PoolAnswer::Reached::answered)
    return check.skipped("the pool cannot be reached");
  if (pool.endpoint.starts_with("http:")) return check.skipped("the endpoint speaks plain http");
  return check.ok();
}

Finding judge_clock(const PoolAnswer& answer) {
  const Check check{"pool-clock", "this machine's clock is the pool's"};
  if (!answer.date) return check.skipped("the pool did not say what time it is");
  const long offset = static_cast<long>(answer.asked_at - *answer.date);
  const long size = std::labs(offset);
  const std::string what = "it is " + duration_text(static_cast<std::uint64_t>(size)) +
                           (offset > 0 ? " ahead" : " behind");
  const std::string remedy = "set the clock: timedatectl set-ntp true";
  if (size >= kClockFault) return check.fault(what, remedy);
  if (size >= kClockWarning) return check.warning(what, remedy);
  return check.ok();
}

Finding judge_client(const cognito::PoolConfig& pool, const PoolAnswer& answer) {
  const Check check{"pool-client", "the app client allows the sign-in flow"};
  if (answer.reached != PoolAnswer::Reached::answered)
    return check.skipped("the pool cannot be reached");
  const bool wants_secret = answer.message.contains("SECRET_HASH was not received") ||
                            answer.message.contains("secret was not received") ||
                            answer.message.contains("Unable to verify secret hash");
  if (wants_secret && pool.client_secret == nullptr)
    return check.skipped(
        "the app client has a secret, which only cognitod knows: cognitoctl login-test USER says "
        "more. Without the secret: systemd-creds encrypt --name=client_secret - "
        "/etc/credstore.encrypted/cognitod.client_secret");
  if (wants_secret || answer.exception == "UserNotFoundException" ||
      (answer.status == 200 && !answer.challenge.empty()) ||
      (answer.exception == "NotAuthorizedException" &&
       pool.auth_flow == cognito::AuthFlow::password)) {
    if (answer.exception == "UserNotFoundException")
      return check.warning("it reveals to anyone which users exist",
                           "set PreventUserExistenceErrors of the app client to ENABLED");
    return check.ok();
  }
  if (answer.exception == "ResourceNotFoundException")
    return check.fault(answer.message,
                       "correct `client_id` and `region` of [pool]: the pool's page in the AWS "
                       "console shows them");
  if (answer.message.contains(kFlowNotEnabled))
    return check.fault(answer.message,
                       "allow " + flow_name(pool.auth_flow) + " in the app client's settings");
  if (answer.exception == "TooManyRequestsException")
    return check.skipped("the pool is busy: try again");
  if (answer.exception == "ForbiddenException" || answer.exception.empty())
    return check.fault("status " + std::to_string(answer.status) + " " + answer.message +
                           ": something in front of the pool answers",
                       "look at the web ACL (AWS WAF) of the pool, or at `endpoint` and `proxy`");
  // A Lambda trigger's word on a user that does not exist: the flow itself is allowed.
  if (answer.exception == "UserLambdaValidationException" ||
      answer.exception == "NotAuthorizedException")
    return check.ok(answer.exception);
  return check.warning(answer.exception + ": " + answer.message,
                       "look it up: docs.aws.amazon.com, InitiateAuth, Errors");
}

}  // namespace

Findings judge_pool_answer(const cognito::PoolConfig& pool, const PoolAnswer& answer) {
  return {judge_reach(pool, answer), judge_certificate(pool, answer), judge_clock(answer),
          judge_client(pool, answer)};
}

Findings check_pool(const policy::Config& config) {
  const PoolAnswer answer = ask_pool(config.pool);
  Findings findings = judge_pool_answer(config.pool, answer);
  const Check keys{"pool-keys", "the keys that tokens are signed with can be fetched"};
  if (answer.reached != PoolAnswer::Reached::answered) {
    findings.push_back(keys.skipped("the pool cannot be reached"));
    return findings;
  }
  const std::string problem = fetch_keys(config.pool);
  findings.push_back(problem.empty()
                         ? keys.ok()
                         : keys.fault(problem,
                                      "correct `user_pool_id`, or `issuer` and `jwks_uri` "
                                      "of [pool]"));
  return findings;
}

}  // namespace pamcognito::cli
