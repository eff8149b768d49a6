#include "directory/credentials.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <utility>

#include "common/ascii.h"
#include "common/fd.h"
#include "common/text.h"
#include "daemon/cognito/json.h"
#include "daemon/cognito/url.h"

namespace pamcognito::directory {
namespace {

using Fault = std::unexpected<std::string>;

constexpr std::size_t kMaxFile = 64UL * 1024;
constexpr std::size_t kMaxKey = 128;            // AccessKey: 40 characters were seen
constexpr std::size_t kMaxToken = 16UL * 1024;  // no documented size; about 1,200 were seen
constexpr std::size_t kMaxSession = 1024;       // of the service; 56 characters were seen
constexpr std::size_t kMaxRole = 64;            // roleNameType
constexpr std::int64_t kLeastLife = 60;         // seconds
constexpr unsigned kTries = 3;
constexpr char kService[] = "http://169.254.169.254";
constexpr char kServiceIpv6[] = "fd00:ec2::254";

// Nothing that could end a line of a request.
bool is_text(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool is_role(std::string_view text) {
  return is_text(text, kMaxRole) && std::ranges::all_of(text, [](char c) {
           return ascii::is_alphanumeric(c) || std::string_view("_+=,.@-").contains(c);
         });
}

CredentialsResult make(std::string_view key_id, std::string_view key, std::string_view token) {
  if (!is_text(key_id, kMaxKey) ||
      !std::ranges::all_of(key_id, [](char c) { return ascii::is_alphanumeric(c) || c == '_'; }))
    return Fault("the access key's id is missing or malformed");
  if (!is_text(key, kMaxKey)) return Fault("the secret access key is missing or malformed");
  if (!token.empty() && !is_text(token, kMaxToken)) return Fault("the session token is malformed");
  auto secret = Secret::copy_of(key);
  if (!secret) return Fault("no memory was left");
  Credentials credentials;
  credentials.key_id = key_id;
  credentials.key = std::move(*secret);
  credentials.token = token;
  return credentials;
}

std::string member(const Json::Value& object, const char* name) {
  const auto text = cognito::optional_string(object, name, kMaxToken);
  return text && *text ? **text : std::string();
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
  std::tm parts{};
  const std::string terminated(text);
  const char* const end = ::strptime(terminated.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (text.size() != 20 || end != terminated.c_str() + terminated.size()) return std::nullopt;
  return static_cast<std::int64_t>(::timegm(&parts));
}

CredentialsResult parse_role_credentials(std::string_view json, std::int64_t now) {
  const auto document = cognito::parse_json_object(json);
  if (!document) return Fault("the answer is no JSON object");
  const Json::Value& root = document->root();
  if (const std::string code = member(root, "Code"); code != "Success")
    return Fault("the role has no credentials (Code " + printable(code, 64) + ")");
  const std::string token = member(root, "Token");
  if (token.empty()) return Fault("the session token is missing");
  auto credentials = make(member(root, "AccessKeyId"), member(root, "SecretAccessKey"), token);
  if (!credentials) return credentials;
  credentials->expires = parse_time(member(root, "Expiration"));
  if (!credentials->expires) return Fault("the time of expiry is missing or malformed");
  if (*credentials->expires < now + kLeastLife)
    return Fault("the credentials have expired: compare the clock of this machine");
  return credentials;
}

CredentialsResult parse_credentials_file(std::string_view text) {
  std::string key_id;
  std::string key;
  std::string token;
  bool is_default = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (line.starts_with('[')) {
      is_default = line == "[default]";
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return Fault("a line has no '='");
    if (!is_default) continue;
    const std::string_view name = trimmed(line.substr(0, equals));
    const std::string_view value = trimmed(line.substr(equals + 1));
    if (name == "aws_access_key_id") key_id = value;
    if (name == "aws_secret_access_key") key = value;
    if (name == "aws_session_token") token = value;
  }
  auto credentials = make(key_id, key, token);
  wipe(key);
  return credentials;
}

std::expected<std::string, std::string> metadata_url(const std::string& setting) {
  if (setting.empty()) return std::string(kService);
  const auto url = cognito::parse_url(setting);
  if (!url) return Fault("`metadata` of accounts.conf " + url.error());
  const bool is_service =
      url->port == 80 && (url->host == "169.254.169.254" || url->host == kServiceIpv6);
  if (url->scheme != "http" || !url->path.empty() ||
      (!is_service && !cognito::is_loopback_literal(url->host)))
    return Fault("`metadata` of accounts.conf is neither " + std::string(kService) +
                 " nor http://[" + kServiceIpv6 + "]");
  return setting;
}

namespace {

// One call of the service, tried again if the service is overloaded.
std::expected<std::string, std::string> ask(HttpClient& http, const HttpClient::Request& request,
                                            Deadline deadline) {
  std::string fault;
  for (unsigned tries = 0; tries < kTries; ++tries) {
    if (tries > 0 && !wait_before_try(tries - 1, deadline)) break;
    auto answer = http.send(request, deadline);
    if (answer && answer->status == 200) return std::move(answer->body);
    fault = answer ? "status " + std::to_string(answer->status) : answer.error().text;
    if (answer ? answer->status != 429 && answer->status < 500 : !answer.error().may_pass) break;
  }
  return Fault(fault);
}

}  // namespace

CredentialsResult role_credentials(HttpClient& http, const std::string& metadata,
                                   Deadline deadline) {
  constexpr char kRoles[] = "/latest/meta-data/iam/security-credentials/";
  HttpClient::Request open;
  open.method = HttpClient::Method::put;
  open.url = metadata + "/latest/api/token";
  open.headers = {"X-aws-ec2-metadata-token-ttl-seconds: 60", "Content-Type:"};
  const auto session = ask(http, open, deadline);
  if (!session) return Fault("no session (IMDSv2): " + session.error());
  if (!is_text(*session, kMaxSession)) return Fault("no session: the answer is malformed");
  HttpClient::Request get;
  get.headers = {"X-aws-ec2-metadata-token: " + *session};
  get.url = metadata + kRoles;
  const auto role = ask(http, get, deadline);
  if (!role) return Fault("this machine has no role: " + role.error());
  const std::string_view name = trimmed(*role);
  if (!is_role(name)) return Fault("the name of the role is malformed");
  get.url += name;
  auto answer = ask(http, get, deadline);
  if (!answer)
    return Fault("no credentials of the role " + std::string(name) + ": " + answer.error());
  auto credentials = parse_role_credentials(*answer, static_cast<std::int64_t>(std::time(nullptr)));
  wipe(*answer);
  if (!credentials) return Fault("the role " + std::string(name) + ": " + credentials.error());
  return credentials;
}

std::optional<CredentialsResult> passed_credentials() {
  const char* const directory = ::secure_getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr) return std::nullopt;
  const std::string path = std::string(directory) + "/aws";
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return std::nullopt;
  std::string text(kMaxFile + 1, '\0');
  const ssize_t got = file ? ::read(file.get(), text.data(), text.size()) : -1;
  if (got < 0) return Fault(path + ": " + describe_errno(errno));
  if (static_cast<std::size_t>(got) > kMaxFile) return Fault(path + " has more than 64 KiB");
  auto credentials =
      parse_credentials_file(std::string_view(text).substr(0, static_cast<std::size_t>(got)));
  wipe(text);
  if (!credentials) return Fault(path + ": " + credentials.error());
  return credentials;
}

}  // namespace pamcognito::directory
