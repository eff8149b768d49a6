// cognitod-directory [--time SECONDS]: reads the members of groups of the user pool with the
// machine's role, and gives the list to cognitod-accounts, which decides. A timer starts it, as a
// user of its own.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <expected>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "accounts/message.h"
#include "accounts/settings.h"
#include "common/deadline.h"
#include "common/text.h"
#include "daemon/cognito/pool_config.h"
#include "daemon/cognito/url.h"
#include "daemon/policy/config.h"
#include "daemon/runtime/wiping.h"
#include "directory/credentials.h"
#include "directory/http_client.h"
#include "directory/list_sender.h"
#include "directory/lister.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::directory;

constexpr unsigned kMaxTime = 3600;
constexpr std::size_t kMaxMetadata = 64UL * 1024;

enum Status : int { taken = 0, failed = 1, usage = 2, held = 3 };

// Levels of the journal (sd-daemon(3)).
int log(int level, std::string_view text, int status) {
  std::string line = printable(text, 1024);
  std::ranges::replace(line, '\n', '?');
  (void)std::fprintf(stderr, "<%d>%s\n", level, line.c_str());
  return status;
}

int fail(const std::string& text) {
  return log(3, "No list, and nothing was changed: " + text, failed);
}

bool parse(int argc, char** argv, std::chrono::seconds& time) {
  if (argc == 1) return true;
  if (argc != 3 || std::string_view(argv[1]) != "--time") return false;
  const std::string_view text = argv[2];
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0 || number > kMaxTime)
    return false;
  time = std::chrono::seconds(number);
  return true;
}

CredentialsResult credentials_of(const accounts::Settings& settings, Deadline deadline) {
  if (auto passed = passed_credentials()) return std::move(*passed);
  const auto metadata = metadata_url(settings.metadata);
  if (!metadata) return std::unexpected(metadata.error());
  // No proxy: the service is on the machine's own link. It answers in milliseconds.
  HttpClient http({.proxy = "",
                   .ca_file = "",
                   .connect_time = std::chrono::milliseconds(1000),
                   .call_time = std::chrono::milliseconds(5000),
                   .answer_bytes = kMaxMetadata});
  auto credentials = role_credentials(http, *metadata, deadline);
  if (!credentials) return std::unexpected("the instance metadata service: " + credentials.error());
  return credentials;
}

int report(const Listed& listed, const std::expected<accounts::ListAnswer, std::string>& answer) {
  if (!answer) return fail(answer.error());
  if (answer->refusal)
    return fail("cognitod-accounts refused it, " +
                std::string(accounts::to_string(*answer->refusal)) +
                ": see journalctl --unit cognitod-directory-list");
  const std::string what = std::to_string(listed.list.users.size()) + " users in " +
                           std::to_string(listed.pages) + " pages, " +
                           std::to_string(listed.unnamed) + " others without a Linux name";
  if (answer->held)
    return log(3, what + ": the list is held back: cognitoctl directory status", held);
  return log(6, what + ": the list was taken", taken);
}

int run(int argc, char** argv) {
  std::chrono::seconds time{300};
  if (!parse(argc, argv, time)) {
    (void)std::fputs("usage: cognitod-directory [--time SECONDS]\n", stderr);
    return usage;
  }
  if (::geteuid() == 0) return fail("it is not for root: systemctl start cognitod-directory");
  const Deadline deadline = Deadline::after(time);
  const auto settings = accounts::read_settings("");
  if (!settings) return fail(settings.error().text);
  if (settings->directory_groups.empty())
    return fail("accounts.conf has no `groups` in [directory]");
  const auto config = policy::load_config(policy::kConfigPath);
  if (!config) return fail(config.error());
  if (config->access.identity == policy::Identity::pinned)
    return fail(
        "`identity = pinned` of cognitod.conf has no rule that leads from a user of the "
        "pool to a Linux name");
  const auto credentials = credentials_of(*settings, deadline);
  if (!credentials) return fail(credentials.error());

  ListOrder order;
  order.endpoint = config->pool.endpoint;
  order.pool = config->pool.user_pool_id;
  order.region = cognito::region_of_pool_id(order.pool);
  order.groups = settings->directory_groups;
  order.uid_attribute = settings->uid_attribute;
  order.access = config->access;
  const auto url = cognito::parse_permitted_url(order.endpoint);
  const bool is_local = url && cognito::is_loopback_literal(url->host);
  HttpClient http({.proxy = is_local ? "" : config->pool.proxy,
                   .ca_file = config->pool.ca_file,
                   .answer_bytes = kMaxPage});
  const auto listed = list_users(http, *credentials, order, deadline);
  if (!listed) return fail(listed.error());
  return report(*listed, send_list(listed->list, deadline));
}

}  // namespace

int main(int argc, char** argv) {
  (void)::signal(SIGPIPE, SIG_IGN);
  if (!runtime::install_wiping_allocators()) return fail("libcurl does not start");
  try {
    return run(argc, argv);
  } catch (const std::exception&) {
    return fail("not enough memory");
  }
}
