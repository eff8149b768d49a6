#include "daemon/cognito/reaching_http.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <utility>

#include "common/fd.h"
#include "common/text.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/metrics.h"

namespace pamcognito::cognito {
namespace {

using runtime::Level;
using runtime::MonotonicTime;
using runtime::Task;

// How long requests go to the address of a detour first: a resolver that hangs costs 2.5 s each
// time it is asked.
constexpr runtime::seconds kDetourTime{60};
// A failure that took less may pass within the pause before a second sending.
constexpr runtime::seconds kQuick{1};
// Documentation addresses (RFC 5737, RFC 3849): a machine without a route to either has no default
// route.
constexpr char kAnyIpv4[] = "192.0.2.1";
constexpr char kAnyIpv6[] = "2001:db8::1";

struct File {
  std::string path;
  std::string text;
};

// 0, or an errno. In the worker's thread.
int write_whole(File& file) {
  const std::string fresh = file.path + ".new";
  const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return errno;
  const ssize_t size = ::write(fd.get(), file.text.data(), file.text.size());
  if (size < 0) return errno;
  if (size != static_cast<ssize_t>(file.text.size())) return ENOSPC;
  if (::fdatasync(fd.get()) != 0 || ::rename(fresh.c_str(), file.path.c_str()) != 0) return errno;
  return 0;
}

std::string_view to_string(Round round) {
  switch (round) {
    case Round::reached:
      return "reached";
    case Round::failed:
      return "failed";
    case Round::no_route:
      return "no-route";
    case Round::undecided:
      return "undecided";
  }
  return "undecided";
}

std::string host_and_port(const Url& url) {
  return url.host + ":" + std::to_string(url.port);
}

}  // namespace

// One round, under way.
struct ReachingHttp::RoundState {
  std::vector<std::string> addresses;  // the last is empty: by name
  std::vector<Probe> results;
  std::string network;
  MonotonicTime deadline;
  std::size_t left = 0;
  bool counts = false;  // by the timer; one that a sign-in has caused can only end a doubt
};

ReachingHttp::ReachingHttp(Parts parts, Settings settings)
    : parts_(parts),
      settings_(std::move(settings)),
      url_(parse_permitted_url(settings_.endpoint).value_or(Url{})),
      known_(host_and_port(url_)),
      reach_(settings_.unreachable_after) {
  load();
  if (!settings_.by_proxy) start_round(true);
}

ReachingHttp::~ReachingHttp() = default;

void ReachingHttp::load() {
  if (settings_.file.empty()) return;
  const Fd fd(::open(settings_.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd && errno == ENOENT) return;
  std::string text(KnownAddresses::kMaxFileBytes + 1, '\0');
  ssize_t size = -1;
  struct stat status{};
  if (fd && ::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode))
    size = ::read(fd.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  if (const auto loaded = known_.load(text); !loaded)
    runtime::log(Level::warning, settings_.file + " " + loaded.error() +
                                     ": the user pool's known addresses are lost until it is "
                                     "reached by name");
}

void ReachingHttp::save() {
  if (settings_.disk == nullptr || settings_.file.empty()) return;
  write_again_ = true;
  if (!writing_.running()) writing_ = parts_.loop.spawn(write_file());
}

Task<void> ReachingHttp::write_file() {
  while (std::exchange(write_again_, false)) {
    auto file = std::make_shared<File>(settings_.file, known_.text());
    const auto written = co_await settings_.disk->run_with(std::move(file), &write_whole);
    if (written && *written != 0)
      runtime::log(Level::warning,
                   settings_.file + " cannot be written: " + describe_errno(*written));
  }
}

void ReachingHttp::log_change(Reach before) {
  const Reach now = reach_.state();
  if (now == before) return;
  if (now == Reach::unreachable)
    runtime::log(Level::warning, "the user pool is unreachable: no probe has got through");
  else if (now == Reach::reachable && before == Reach::unreachable)
    runtime::log(Level::notice, "the user pool is reachable again");
}

void ReachingHttp::contact(const std::string& address) {
  const Reach before = reach_.state();
  reach_.reached();
  log_change(before);
  if (settings_.by_proxy) return;
  const std::time_t now = parts_.clock.wall_time();
  const auto known = std::ranges::find(known_.all(), address, &KnownAddress::address);
  // Reading the routes for each answer would cost more than it tells.
  constexpr std::time_t a_minute = 60;
  const bool is_news = known == known_.all().end() || before != Reach::reachable ||
                       now - known->verified_at >= a_minute || now < known->verified_at;
  if (is_news && known_.verified(address, now, parts_.network.name())) save();
  if (before != Reach::reachable && !round_) schedule();
}

void ReachingHttp::doubt() {
  if (settings_.by_proxy) return;
  const Reach before = reach_.state();
  reach_.doubt(parts_.loop.now());
  if (before == Reach::reachable && !round_) schedule();
}

void ReachingHttp::schedule() {
  const auto pause = reach_.state() == Reach::reachable
                         ? runtime::milliseconds(kRefresh)
                         : runtime::milliseconds(Reachability::kBetweenRounds);
  next_round_.emplace(parts_.loop, parts_.loop.now() + pause, [this] { start_round(true); });
}

void ReachingHttp::start_round(bool counts) {
  if (round_) {
    round_->counts = round_->counts || counts;
    return;
  }
  if (counts) next_round_.reset();
  probes_.clear();
  auto round = std::make_shared<RoundState>();
  for (const KnownAddress& known : known_.all()) round->addresses.push_back(known.address);
  round->addresses.emplace_back();
  round->results.resize(round->addresses.size(), Probe::undecided);
  round->network = parts_.network.name();
  round->deadline = parts_.loop.now() + kConnectTime;
  round->left = round->addresses.size();
  round->counts = counts;
  round_ = round;
  for (std::size_t i = 0; i < round->addresses.size(); ++i)
    probes_.push_back(parts_.loop.spawn(probe_one(round, i)));
}

Task<void> ReachingHttp::probe_one(std::shared_ptr<RoundState> round, std::size_t index) {
  std::string address = round->addresses[index];
  ProbeAnswer answer;
  // That one address has no route says nothing of the pool's others, of the other family perhaps.
  const bool is_cut_off = parts_.network.has_no_route(kAnyIpv4, url_.port) &&
                          parts_.network.has_no_route(kAnyIpv6, url_.port);
  const bool by_name = address.empty();
  if (is_cut_off && !by_name && parts_.network.has_no_route(address, url_.port)) {
    answer.result = Probe::no_route;
  } else {
    auto probed = parts_.prober.probe(settings_.endpoint, std::move(address), round->deadline);
    answer = co_await std::move(probed);
    const bool is_first_contact = by_name && !known_.ever_reached();
    if (answer.result == Probe::failed && parts_.network.lacks_carrier())
      answer.result = Probe::no_route;
    if (is_cut_off && is_first_contact &&
        (answer.result == Probe::failed || answer.result == Probe::unresolved))
      answer.result = Probe::no_route;
  }
  take(*round, index, answer);
}

void ReachingHttp::take(RoundState& round, std::size_t index, const ProbeAnswer& answer) {
  round.results[index] = answer.result;
  const std::string& address = round.addresses[index];
  if (answer.result == Probe::reached) {
    contact(answer.address.empty() ? address : answer.address);
    tell_waiting(address.empty() ? answer.address : address);
  }
  if (answer.result == Probe::foreign && !address.empty()) {
    runtime::log(Level::warning,
                 "the known address " + address +
                     " of the user pool presented another certificate; it is forgotten");
    known_.drop(address);
    save();
  }
  if (--round.left > 0) return;
  end_round(round);
}

void ReachingHttp::tell_waiting(const std::string& address) {
  for (const auto& waiting : std::exchange(waiting_, {}))
    parts_.loop.post([waiting, address] {
      if (const auto waiter = waiting.lock()) waiter->report(address);
    });
}

void ReachingHttp::end_round(RoundState& round) {
  const Reach before = reach_.state();
  const std::time_t now = parts_.clock.wall_time();
  std::vector<AddressProbe> probes;
  for (std::size_t i = 0; i + 1 < round.addresses.size(); ++i) {
    const auto known = std::ranges::find(known_.all(), round.addresses[i], &KnownAddress::address);
    const bool fresh =
        known != known_.all().end() && KnownAddresses::is_fresh(*known, now, round.network);
    probes.push_back({.fresh = fresh, .result = round.results[i]});
  }
  Round verdict = judge(probes, round.results.back(), known_.ever_reached());
  if (verdict == Round::failed && parts_.network.name() != round.network)
    verdict = Round::undecided;
  runtime::metrics().count("pam_cognito_pool_rounds_total", {{"result", to_string(verdict)}});
  if (round.counts) reach_.note(verdict, parts_.loop.now());
  log_change(before);
  const bool counted = round.counts;
  tell_waiting({});
  round_.reset();  // the probes that are ending have it too
  if (counted || !next_round_) schedule();
}

Task<std::string> ReachingHttp::find_way() {
  const auto waiter = std::make_shared<runtime::OneShot<std::string>>();
  waiting_.emplace_back(waiter);
  start_round(false);
  auto& way = *waiter;
  std::string address = co_await way;
  co_return address;
}

Task<HttpResult> ReachingHttp::send_by_detour(HttpRequest request, HttpResult failed) {
  if (reach_.state() == Reach::unreachable) {
    failed.error().failure = HttpFailure::unreachable;
    co_return failed;
  }
  const MonotonicTime began = parts_.loop.now();
  if (!known_.all().empty()) {
    auto finding = find_way();
    std::string address = co_await std::move(finding);
    if (!address.empty()) {
      detour_ = address;
      detour_until_ = parts_.loop.now() + kDetourTime;
      request.connect_to = std::move(address);
      auto sending = parts_.http.send(std::move(request));
      HttpResult result = co_await std::move(sending);
      if (result) contact(result->address);
      co_return result;
    }
  }
  if (parts_.loop.now() - began > kQuick) failed.error().failure = HttpFailure::not_reached;
  co_return failed;
}

Task<HttpResult> ReachingHttp::send(HttpRequest request) {
  const auto url = parse_permitted_url(request.url);
  if (!url || !same_origin(*url, url_) || settings_.by_proxy) {
    auto plain = parts_.http.send(std::move(request));
    HttpResult result = co_await std::move(plain);
    co_return result;
  }
  if (!detour_.empty() && parts_.loop.now() >= detour_until_) detour_.clear();
  HttpRequest first = request;
  first.connect_to = detour_;
  first.connect_time =
      reach_.state() == Reach::unreachable ? kConnectTimeUnreachable : kConnectTime;
  auto sending = parts_.http.send(std::move(first));
  HttpResult result = co_await std::move(sending);
  if (result) {
    contact(result->address);
    co_return result;
  }
  const HttpFailure failure = result.error().failure;
  // Over a connection from before the network failed, a request goes out and nothing comes back.
  const bool lost = failure == HttpFailure::timed_out || failure == HttpFailure::cut;
  const bool is_not_sent = failure == HttpFailure::not_connected;
  if (!lost && !is_not_sent && failure != HttpFailure::not_trusted) co_return result;
  detour_.clear();
  doubt();
  if (!is_not_sent) co_return result;
  auto detour = send_by_detour(std::move(request), std::move(result));
  HttpResult second = co_await std::move(detour);
  co_return second;
}

ReachabilityReport ReachingHttp::report() const {
  ReachabilityReport report;
  if (settings_.by_proxy) {
    report.state = "by-proxy";
    return report;
  }
  const std::time_t now = parts_.clock.wall_time();
  const std::string network = parts_.network.name();
  report.state = to_string(reach_.state());
  report.addresses = known_.all().size();
  report.fresh_addresses =
      static_cast<std::size_t>(std::ranges::count_if(known_.all(), [&](const KnownAddress& known) {
        return KnownAddresses::is_fresh(known, now, network);
      }));
  for (const KnownAddress& known : known_.all())
    report.verified_at = std::max(report.verified_at, known.verified_at);
  if (reach_.state() != Reach::reachable && reach_.since() != MonotonicTime{}) {
    const auto age =
        std::chrono::duration_cast<runtime::seconds>(parts_.loop.now() - reach_.since());
    report.since = now - age.count();
  }
  return report;
}

}  // namespace pamcognito::cognito
