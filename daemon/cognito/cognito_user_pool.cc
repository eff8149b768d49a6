#include "daemon/cognito/cognito_user_pool.h"

#include <algorithm>
#include <cstddef>

#include "daemon/cognito/call_context.h"
#include "daemon/cognito/curl_http.h"
#include "daemon/cognito/pool_config.h"
#include "daemon/cognito/secret_hash.h"
#include "daemon/cognito/srp.h"
#include "daemon/cognito/url.h"

namespace pamcognito::cognito {
namespace {

using runtime::MonotonicTime;
using runtime::Task;

constexpr std::size_t kStockOfPairs = 4;
constexpr runtime::seconds kPrewarmTime{5};
constexpr runtime::seconds kPrewarmPause{2};

std::string jwks_uri_at_endpoint(const PoolConfig& config) {
  const auto endpoint = parse_url(config.endpoint);
  const auto found = std::ranges::find_if(config.jwks_uris, [&](const std::string& uri) {
    const auto url = parse_url(uri);
    return endpoint && url && same_origin(*endpoint, *url);
  });
  return found == config.jwks_uris.end() ? std::string() : *found;
}

// The error of a call that held the password or its proof: ApiClient knows whether it was sent.
template <class T>
std::unexpected<PoolError> with_password(PoolResult<T>& result) {
  return std::unexpected(std::move(result.error()));
}

// The step that an answered call with the password led to.
PoolResult<AuthStep> step_with_password(const ApiAnswer& answer, const std::string& username,
                                        MonotonicTime received) {
  auto step = read_auth_answer(answer, username, received);
  if (!step) step.error().password_sent = true;
  return step;
}

// If USER_ID_FOR_SRP is absent, USERNAME may still name the account behind an alias.
std::string account_named_by(const ApiAnswer& answer, std::string username) {
  const auto named =
      string_map(answer.document.root(), "ChallengeParameters", kMaxParameters, kMaxParameter);
  if (!named) return username;
  const auto found = named->find("USERNAME");
  return found == named->end() || found->second.empty() ? username : found->second;
}

// InitiateAuth refuses by this text a user who came by a CSV file and has not set a password
// (amplify-js #4516, aws-sdk-ios #2298).
PoolError error_of_initiate_auth(PoolError error) {
  if (error.kind == ErrorKind::invalid_parameter &&
      error.message.starts_with("Invalid input given")) {
    error.kind = ErrorKind::imported_user;
  }
  return error;
}

bool proves_by_srp(AuthFlow flow) {
  return flow == AuthFlow::srp || flow == AuthFlow::custom_srp;
}

// The error of an answer that cannot be sent because it is not UTF-8 (RFC 8259 section 8.1). The
// pool would refuse it too: it hands out no such code, and has no such password.
PoolError answer_not_utf8(ChallengeName challenge) {
  ErrorKind kind = ErrorKind::code_mismatch;
  if (challenge == ChallengeName::new_password_required) kind = ErrorKind::invalid_password;
  if (challenge == ChallengeName::custom_challenge) kind = ErrorKind::not_authorized;
  return PoolError(kind, "the answer is not UTF-8");
}

}  // namespace

CognitoUserPool::CognitoUserPool(runtime::EventLoop& loop, runtime::Clock& clock,
                                 std::unique_ptr<Http> http, PoolConfig config,
                                 std::unique_ptr<ReachingHttp> reaching)
    : loop_(loop),
      clock_(clock),
      config_(std::move(config)),
      http_(std::move(http)),
      reaching_(std::move(reaching)),
      api_(reaching_ ? static_cast<Http&>(*reaching_) : *http_, clock_, config_.endpoint),
      keys_(loop_, clock_, api_),
      verifier_(keys_, clock_, config_.issuers, config_.jwks_uris, config_.client_id),
      key_pairs_(loop_, proves_by_srp(config_.auth_flow) ? kStockOfPairs : 0),
      prewarm_jwks_uri_(jwks_uri_at_endpoint(config_)) {}

ReachabilityReport CognitoUserPool::reachability() const {
  return reaching_ ? reaching_->report() : ReachabilityReport();
}

void CognitoUserPool::note_earlier_contact() {
  if (reaching_) reaching_->note_earlier_contact();
}

void CognitoUserPool::prewarm() {
  const MonotonicTime now = clock_.now();
  if (prewarming_.running() || now < next_prewarm_ || http_->has_warm_connection()) return;
  next_prewarm_ = now + kPrewarmPause;
  prewarming_ = loop_.spawn(open_connection());
}

Task<void> CognitoUserPool::open_connection() {
  if (!prewarm_jwks_uri_.empty()) {
    keys_.refresh(prewarm_jwks_uri_);
    co_return;
  }
  HttpRequest request(HttpRequest::Method::get, config_.endpoint + "/",
                      clock_.now() + kPrewarmTime);
  (void)co_await http_->send(std::move(request));
}

PoolResult<StringMap> CognitoUserPool::with_user(StringMap parameters,
                                                 const std::string& username) const {
  if (!is_utf8(username)) {
    return std::unexpected(PoolError(ErrorKind::not_authorized, "the user name is not UTF-8"));
  }
  parameters["USERNAME"] = username;
  if (config_.client_secret) {
    auto hash = secret_hash(config_.client_secret->reveal(), username, config_.client_id);
    if (!hash) return std::unexpected(openssl_failed());
    parameters["SECRET_HASH"] = std::move(*hash);
  }
  return parameters;
}

std::string CognitoUserPool::initiate_auth_body(const char* flow, const StringMap& parameters,
                                                const CallContext& context) const {
  JsonObjectWriter body;
  body.add("AuthFlow", flow).add("ClientId", config_.client_id).add("AuthParameters", parameters);
  add_context(body, context);
  return body.finish();
}

std::string CognitoUserPool::respond_body(const std::string& challenge, const std::string& session,
                                          const StringMap& responses,
                                          const CallContext& context) const {
  JsonObjectWriter body;
  body.add("ChallengeName", challenge).add("ClientId", config_.client_id);
  if (!session.empty()) body.add("Session", session);
  body.add("ChallengeResponses", responses);
  add_context(body, context);
  return body.finish();
}

PoolResult<StringMap> CognitoUserPool::password_claim(const PasswordVerifierChallenge& verifier,
                                                      const srp::KeyPair& pair,
                                                      const Secret& password) const {
  const std::string timestamp = srp::timestamp(clock_.wall_time());
  auto signature = srp::password_claim_signature(
      pair, {name_of_pool_id(config_.user_pool_id), verifier.user_id, password.reveal()},
      {verifier.salt_hex, verifier.b_hex, verifier.secret_block}, timestamp);
  if (!signature) {
    if (signature.error() == srp::SrpError::internal) return std::unexpected(openssl_failed());
    return std::unexpected(
        PoolError(ErrorKind::bad_response, "PASSWORD_VERIFIER has values that SRP refuses"));
  }
  return with_user({{"PASSWORD_CLAIM_SIGNATURE", std::move(*signature)},
                    {"PASSWORD_CLAIM_SECRET_BLOCK", verifier.secret_block},
                    {"TIMESTAMP", timestamp}},
                   verifier.user_id);
}

Task<PoolResult<AuthStep>> CognitoUserPool::sign_in(std::string username, const Secret* password,
                                                    const CallContext* context, Call call) {
  switch (config_.auth_flow) {
    case AuthFlow::password:
      return sign_in_by_password(std::move(username), password, context, call);
    case AuthFlow::custom:
      return sign_in_by_custom_challenge(std::move(username), context, call);
    case AuthFlow::srp:
    case AuthFlow::custom_srp:
      break;
  }
  return sign_in_by_srp(std::move(username), password, context, call);
}

Task<PoolResult<AuthStep>> CognitoUserPool::sign_in_by_srp(std::string username,
                                                           const Secret* password,
                                                           const CallContext* context, Call call) {
  const auto pair = key_pairs_.take();
  if (!pair) co_return std::unexpected(openssl_failed());
  const bool custom = config_.auth_flow == AuthFlow::custom_srp;
  StringMap own = {{"SRP_A", pair->public_hex()}};
  if (custom) own["CHALLENGE_NAME"] = "SRP_A";
  const auto parameters = with_user(std::move(own), username);
  if (!parameters) co_return std::unexpected(parameters.error());
  PoolResult<ApiAnswer> first = co_await api_.call(
      Operation::initiate_auth_srp,
      initiate_auth_body(custom ? "CUSTOM_AUTH" : "USER_SRP_AUTH", *parameters, *context), call);
  if (!first) co_return without_password(error_of_initiate_auth(std::move(first.error())));
  const auto verifier = read_password_verifier(*first);
  if (!verifier) co_return std::unexpected(verifier.error());

  const auto claim = password_claim(*verifier, *pair, *password);
  if (!claim) co_return std::unexpected(claim.error());
  PoolResult<ApiAnswer> second = co_await api_.call(
      Operation::respond_to_auth_challenge,
      respond_body("PASSWORD_VERIFIER", verifier->challenge_session, *claim, *context), call);
  if (!second) co_return with_password(second);
  co_return step_with_password(*second, verifier->user_id, clock_.now());
}

Task<PoolResult<AuthStep>> CognitoUserPool::sign_in_by_password(std::string username,
                                                                const Secret* password,
                                                                const CallContext* context,
                                                                Call call) {
  if (!is_utf8(password->reveal())) {
    co_return std::unexpected(PoolError(ErrorKind::not_authorized, "the password is not UTF-8"));
  }
  const auto parameters = with_user({{"PASSWORD", std::string(password->reveal())}}, username);
  if (!parameters) co_return std::unexpected(parameters.error());
  PoolResult<ApiAnswer> answer =
      co_await api_.call(Operation::initiate_auth_password,
                         initiate_auth_body("USER_PASSWORD_AUTH", *parameters, *context), call);
  if (!answer) co_return with_password(answer);
  co_return step_with_password(*answer, account_named_by(*answer, std::move(username)),
                               clock_.now());
}

Task<PoolResult<AuthStep>> CognitoUserPool::sign_in_by_custom_challenge(std::string username,
                                                                        const CallContext* context,
                                                                        Call call) {
  const auto parameters = with_user({}, username);
  if (!parameters) co_return std::unexpected(parameters.error());
  PoolResult<ApiAnswer> answer =
      co_await api_.call(Operation::initiate_auth_custom,
                         initiate_auth_body("CUSTOM_AUTH", *parameters, *context), call);
  if (!answer) co_return without_password(std::move(answer.error()));
  auto step =
      read_auth_answer(*answer, account_named_by(*answer, std::move(username)), clock_.now());
  if (!step || !step->tokens) co_return step;
  // Nobody has proved anything yet. A pool whose Lambda forgets to ask must not open this machine.
  (void)co_await revoke(std::move(step->tokens->refresh_token), call);
  co_return answer->bad_response("tokens came before any challenge was answered");
}

Task<PoolResult<AuthStep>> CognitoUserPool::respond(Challenge challenge, StringMap responses,
                                                    const CallContext* context, Call call) {
  const bool sendable =
      std::ranges::all_of(responses, [](const auto& entry) { return is_utf8(entry.second); });
  if (!sendable) co_return std::unexpected(answer_not_utf8(challenge.name));
  const auto complete = with_user(std::move(responses), challenge.username);
  if (!complete) co_return std::unexpected(complete.error());
  PoolResult<ApiAnswer> answer = co_await api_.call(
      Operation::respond_to_auth_challenge,
      respond_body(challenge.wire_name, challenge.challenge_session, *complete, *context), call);
  // If the flow consists of custom challenges alone, one of the answers is the password.
  const bool may_be_password =
      config_.auth_flow == AuthFlow::custom && challenge.name == ChallengeName::custom_challenge;
  if (!answer && may_be_password) co_return with_password(answer);
  if (!answer) co_return without_password(std::move(answer.error()));
  if (may_be_password) co_return step_with_password(*answer, challenge.username, clock_.now());
  co_return read_auth_answer(*answer, challenge.username, clock_.now());
}

Task<PoolResult<VerifiedTokens>> CognitoUserPool::verify(const Tokens* tokens, Call call) {
  return verifier_.verify(tokens, call);
}

Task<PoolResult<void>> CognitoUserPool::revoke(std::string refresh_token, Call call) {
  if (refresh_token.empty()) co_return PoolResult<void>();
  JsonObjectWriter body;
  body.add("Token", refresh_token).add("ClientId", config_.client_id);
  if (config_.client_secret) body.add("ClientSecret", config_.client_secret->reveal());
  PoolResult<ApiAnswer> answer = co_await api_.call(Operation::revoke_token, body.finish(), call);
  if (!answer) co_return without_password(std::move(answer.error()));
  co_return PoolResult<void>();
}

std::expected<std::unique_ptr<UserPool>, std::string> make_user_pool(runtime::EventLoop& loop,
                                                                     runtime::Clock& clock,
                                                                     const PoolConfig& config,
                                                                     const PoolMemory* memory) {
  CurlHttp::Settings settings;
  settings.ca_file = config.ca_file;
  settings.proxy = config.proxy;
  auto http = CurlHttp::create(loop, settings);
  if (!http) return std::unexpected(std::move(http.error()));
  std::unique_ptr<ReachingHttp> reaching;
  if (memory != nullptr) {
    static const KernelNetwork network;
    ReachingHttp::Settings watched;
    watched.endpoint = config.endpoint;
    watched.by_proxy = !config.proxy.empty();
    watched.unreachable_after = config.unreachable_after;
    watched.disk = &memory->disk;
    watched.file = memory->file;
    reaching = std::make_unique<ReachingHttp>(
        ReachingHttp::Parts{
            .loop = loop, .clock = clock, .http = **http, .prober = **http, .network = network},
        std::move(watched));
  }
  return std::make_unique<CognitoUserPool>(loop, clock, std::move(*http), config,
                                           std::move(reaching));
}

}  // namespace pamcognito::cognito
