#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "accounts/directory_list.h"
#include "accounts/settings.h"
#include "cli/doctor/checks.h"
#include "cli/output.h"
#include "common/deadline.h"
#include "common/fd.h"
#include "daemon/cognito/url.h"
#include "nss/accounts_conf.h"

// Lists of users by the machine's AWS credentials: who else can read these, and how old the last
// list is.
namespace pamcognito::cli {
namespace {

constexpr char kCredentials[] = "/etc/credstore/cognitod-directory.aws";
constexpr char kService[] = "http://169.254.169.254";
constexpr uid_t kNobody = 65534;
constexpr auto kServiceTime = std::chrono::seconds(1);
constexpr std::int64_t kOldList = 6L * 3600;  // seconds; a run is due in 78 minutes at most
constexpr char kRequest[] =
    "PUT /latest/api/token HTTP/1.1\r\nHost: 169.254.169.254\r\n"
    "X-aws-ec2-metadata-token-ttl-seconds: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

// A connection to a literal address; no descriptor: none.
Fd connect_to(const cognito::Url& url, Deadline deadline) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found) != 0)
    return {};
  Fd socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool began = socket && (::connect(socket.get(), found->ai_addr, found->ai_addrlen) == 0 ||
                                errno == EINPROGRESS);
  ::freeaddrinfo(found);
  if (!began || wait_for(socket.get(), POLLOUT, deadline) != Wait::ready) return {};
  return socket;
}

// Does the service give this process a session?
bool gets_session(const cognito::Url& url) {
  const Deadline deadline = Deadline::after(kServiceTime);
  const Fd socket = connect_to(url, deadline);
  if (!socket || ::send(socket.get(), kRequest, sizeof(kRequest) - 1, MSG_NOSIGNAL) < 0)
    return false;
  std::array<char, 256> answer{};
  if (wait_for(socket.get(), POLLIN, deadline) != Wait::ready) return false;
  const ssize_t got = ::recv(socket.get(), answer.data(), answer.size(), 0);
  constexpr std::string_view kGood = " 200 ";
  return got > 0 && std::string_view(answer.data(), static_cast<std::size_t>(got))
                        .substr(0, 16)
                        .contains(kGood);
}

// The same as nobody, if root asks. nullopt: it could not be tried.
std::optional<bool> nobody_gets_session(const cognito::Url& url) {
  if (::geteuid() != 0) return gets_session(url);
  const pid_t child = ::fork();
  if (child < 0) return std::nullopt;
  if (child == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
        ::setresuid(kNobody, kNobody, kNobody) != 0)
      ::_exit(2);
    ::_exit(gets_session(url) ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return std::nullopt;
  if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) return std::nullopt;
  return WEXITSTATUS(status) == 0;
}

Finding check_role(const System& system, const accounts::Settings& settings) {
  const Check check{"directory-role", "no other user can read the credentials of the directory"};
  struct stat status{};
  if (::lstat(system.path(kCredentials).c_str(), &status) == 0) {
    if (S_ISREG(status.st_mode) && status.st_uid == 0 && (status.st_mode & 077U) == 0)
      return check.ok(std::string(kCredentials) + " is root's");
    return check.fault(std::string(kCredentials) +
                           " is not a file that only root can read: other users can list the "
                           "user pool, with e-mail addresses and phone numbers",
                       std::string("replace the access key in AWS; chown root:root ") +
                           kCredentials + "; chmod 0600 " + kCredentials);
  }
  // For a test it is an address of the loopback network.
  if (!system.is_this_machine() && settings.metadata.empty())
    return check.skipped("the instance metadata service is asked on the machine itself only");
  const auto url = cognito::parse_url(settings.metadata.empty() ? kService : settings.metadata);
  if (!url || url->scheme != "http")
    return check.fault("`metadata` of accounts.conf is no address of the service",
                       "remove the line");
  const auto gets = nobody_gets_session(*url);
  if (!gets) return check.skipped("the test as nobody could not run");
  if (!*gets) return check.ok("the instance metadata service does not answer local users");
  return check.fault(
      "local users get the credentials of this machine's role from the instance metadata service: "
      "they can list the user pool, with e-mail addresses and phone numbers",
      "drop their requests, in an output chain of nftables: ip daddr 169.254.169.254 meta skuid "
      "!= { root, cognitod-directory } drop; with the users of your own agents that need the role");
}

Findings check_lists(const System& system) {
  const Check check{"directory-list", "the last list of users is new"};
  const Check held{"directory-held", "no list of users is held back"};
  if (::geteuid() != 0) return {check.skipped("only root may see accounts")};
  const auto status = accounts::directory_status(system.path(""));
  if (!status) return {check.fault(status.error().text, "cognitoctl directory status")};
  const auto age = static_cast<std::int64_t>(std::time(nullptr)) - status->at;
  Findings findings;
  if (status->at == 0)
    findings.push_back(
        check.warning("there was no list yet: the members of the groups have no accounts by it",
                      "systemctl start cognitod-directory; systemctl enable --now "
                      "cognitod-directory.timer"));
  else if (age > kOldList)
    findings.push_back(check.warning(
        "the last list is " + duration_text(static_cast<std::uint64_t>(age)) +
            " old: users who have left since then are not locked by it",
        "journalctl --unit cognitod-directory names the reason; is cognitod-directory.timer "
        "enabled?"));
  else
    findings.push_back(check.ok(std::to_string(status->users) + " users"));
  if (status->held_at == 0)
    findings.push_back(held.ok());
  else
    findings.push_back(held.fault(
        "a list lacks " + std::to_string(status->gone.size()) + " of " +
            std::to_string(status->users) + " users, so it only locks disabled users",
        "cognitoctl directory status shows the missing users; cognitoctl directory accept locks "
        "them"));
  return findings;
}

}  // namespace

Findings check_directory(const System& system) {
  if (!system.status(accounts::kConfPath)) return {};
  const auto settings = accounts::read_settings(system.path(""));
  // A fault of the file is a finding of check_accounts().
  if (!settings || settings->directory_groups.empty()) return {};
  Findings findings = {check_role(system, *settings)};
  for (Finding& finding : check_lists(system)) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace pamcognito::cli
