#include "directory/lister.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "common/text.h"
#include "daemon/cognito/digest.h"
#include "daemon/cognito/json.h"
#include "daemon/cognito/url.h"
#include "directory/linux_name.h"
#include "nss/accounts_conf.h"

namespace pamcognito::directory {
namespace {

using Fault = std::unexpected<std::string>;

constexpr std::size_t kMaxShown = 256;

std::optional<uid_t> uid_of(const std::string& text) {
  std::uint32_t number = 0;
  if (!accounts::conf_text::parse_number(text, number)) return std::nullopt;
  return number;
}

bool is_throttled(long status, std::string_view name) {
  return status == 429 || status >= 500 || name == "TooManyRequestsException" ||
         name == "ThrottlingException" || name == "Throttling" || name == "InternalErrorException";
}

// The advice to the administrator; empty: nothing is known.
std::string remedy(std::string_view name) {
  if (name == "AccessDeniedException" || name == "NotAuthorizedException")
    return ": permit cognito-idp:ListUsersInGroup on the user pool to the role";
  if (name == "ExpiredTokenException" || name == "ExpiredToken")
    return ": the credentials have expired";
  if (name == "UnrecognizedClientException" || name == "InvalidSignatureException" ||
      name == "IncompleteSignature" || name == "SignatureDoesNotMatch")
    return ": the credentials are wrong, or the clock of this machine is";
  if (name == "ResourceNotFoundException") return ": the user pool or the group does not exist";
  return {};
}

std::string host_of(const cognito::Url& url) {
  const bool is_ipv6 = url.host.contains(':');
  const std::string host = is_ipv6 ? "[" + url.host + "]" : url.host;
  const bool is_usual = url.port == (url.scheme == "https" ? 443 : 80);
  return is_usual ? host : host + ":" + std::to_string(url.port);
}

class Lister {
 public:
  Lister(HttpClient& http, const Credentials& credentials, const ListOrder& order, std::string host,
         Deadline deadline)
      : http_(http),
        credentials_(credentials),
        order_(order),
        host_(std::move(host)),
        deadline_(deadline),
        collector_(order) {}

  std::expected<Listed, std::string> run() {
    for (const std::string& group : order_.groups)
      if (const auto read = read_group(group); !read)
        return Fault("the group " + printable(group, kMaxShown) + ": " + read.error());
    Listed listed{.list = collector_.list(), .unnamed = collector_.unnamed(), .pages = pages_};
    if (listed.list.users.size() > accounts::kMaxListedUsers)
      return Fault("there are too many users");
    return listed;
  }

 private:
  std::expected<void, std::string> read_group(const std::string& group) {
    std::set<std::string> seen;  // digests of the tokens
    std::string token;
    do {
      if (pages_ == kMaxPages) return Fault("there are too many pages");
      if (pages_ > 0)
        (void)wait_for(-1, 0, Deadline::earlier(deadline_, Deadline::after(kPagePause)));
      ++pages_;
      auto body = ask(group, token);
      if (!body) return Fault(std::move(body.error()));
      bytes_ += body->size();
      if (bytes_ > kMaxListBytes) return Fault("the pages have too many bytes");
      auto page = parse_page(*body, order_.uid_attribute);
      if (!page) return Fault("a page is malformed: " + page.error());
      if (const auto added = collector_.add(group, *page); !added) return Fault(added.error());
      token = std::move(page->next_token);
      if (token.empty()) break;
      const auto digest = cognito::sha256({token});
      if (!digest) return Fault("no memory was left");
      if (!seen.emplace(digest->view()).second) return Fault("the pool repeats a NextToken");
    } while (true);
    return {};
  }

  HttpClient::Request request(const std::string& group, const std::string& token) const {
    HttpClient::Request request;
    request.method = HttpClient::Method::post;
    request.url = order_.endpoint;
    cognito::JsonObjectWriter body;
    body.add("UserPoolId", order_.pool).add("GroupName", group);
    if (!token.empty()) body.add("NextToken", token);
    request.body = "{\"Limit\":" + std::to_string(kPageUsers) + "," + body.finish().substr(1);
    request.headers = {"Content-Type: application/x-amz-json-1.1",
                       // libcurl signs the header as it is sent only if it is given.
                       "Host: " + host_,
                       "X-Amz-Target: AWSCognitoIdentityProviderService.ListUsersInGroup"};
    if (!credentials_.token.empty())
      request.headers.push_back("X-Amz-Security-Token: " + credentials_.token);
    request.signature = "aws:amz:" + order_.region + ":cognito-idp";
    request.credentials = &credentials_;
    return request;
  }

  std::expected<std::string, std::string> ask(const std::string& group, const std::string& token) {
    const HttpClient::Request call = request(group, token);
    std::string fault;
    for (unsigned tries = 0; tries < kPageTries; ++tries) {
      if (tries > 0 && !wait_before_try(tries - 1, deadline_))
        return Fault(fault + ", until the time of this run had passed");
      auto answer = http_.send(call, deadline_);
      if (answer && answer->status == 200) return std::move(answer->body);
      if (!answer) {
        fault = printable(answer.error().text, kMaxShown);
        if (!answer.error().may_pass) return Fault(fault);
        continue;
      }
      const std::string name = error_name(answer->body);
      fault = "the pool refused: " +
              (name.empty() ? "status " + std::to_string(answer->status) : name) + remedy(name);
      if (!is_throttled(answer->status, name)) return Fault(fault);
    }
    return Fault(fault + ", " + std::to_string(kPageTries) + " times");
  }

  HttpClient& http_;
  const Credentials& credentials_;
  const ListOrder& order_;
  std::string host_;
  Deadline deadline_;
  Collector collector_;
  std::size_t pages_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

Collector::Collector(const ListOrder& order) : order_(order) {}

std::expected<void, std::string> Collector::add(const std::string& group, const UserPage& page) {
  for (const PoolUser& user : page.users) {
    const auto [found, is_new] = by_sub_.try_emplace(user.sub, Person{user, {}});
    Person& person = found->second;
    if (!is_new && person.user.username != user.username)
      return Fault("two users have the same sub");
    // Disabled between two pages.
    person.user.enabled = person.user.enabled && user.enabled;
    if (std::ranges::find(person.groups, group) == person.groups.end())
      person.groups.push_back(group);
  }
  return {};
}

accounts::DirectoryList Collector::list() const {
  accounts::DirectoryList list{.pool = order_.pool, .groups = order_.groups, .users = {}};
  for (const auto& [sub, person] : by_sub_) {
    auto name = linux_name(order_.access, person.user);
    if (!name) continue;
    list.users.push_back({.name = std::move(*name),
                          .sub = sub,
                          .enabled = person.user.enabled,
                          .groups = person.groups,
                          .uid = uid_of(person.user.uid)});
  }
  return list;
}

std::size_t Collector::unnamed() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      by_sub_, [&](const auto& entry) { return !linux_name(order_.access, entry.second.user); }));
}

std::expected<Listed, std::string> list_users(HttpClient& http, const Credentials& credentials,
                                              const ListOrder& order, Deadline deadline) {
  const auto url = cognito::parse_permitted_url(order.endpoint);
  if (!url) return Fault("the pool's endpoint " + url.error());
  return Lister(http, credentials, order, host_of(*url), deadline).run();
}

}  // namespace pamcognito::directory
